//! The facts about jobs as `docs/formats/jobs.md` has them, read anew: only what the checker needs.

use bytes::Bytes;
use prost::Message;

use crate::fact::DecodeError;

/// Something that was decided about jobs.
#[derive(Debug)]
pub(super) enum JobFact {
    QueueDefined(Defined),
    QueueRemoved(OfQueue),
    QueuePaused(OfQueue),
    QueueResumed(OfQueue),
    Enqueued(Record),
    Claimed(Claimed),
    Completed(Leases),
    Failed(Failed),
    Released(Leases),
    Lost(Lost),
    Cancelled(Ids),
    Retried(Ids),
    Edited(Rewritten),
    Carried(Rewritten),
    Dropped(Ids),
    Expired(Ids),
    Ticked(Ticked),
    /// Drains, schedules, bindings and keys: what they did to jobs is said by other facts.
    Other,
}

impl JobFact {
    /// Whether records of this kind are about jobs.
    pub(super) fn is_kind(kind: u8) -> bool {
        (32..=63).contains(&kind)
    }

    pub(super) fn decode(kind: u8, body: Bytes) -> Result<Self, DecodeError> {
        Ok(match kind {
            32 => Self::QueueDefined(Message::decode(body)?),
            33 => Self::QueueRemoved(Message::decode(body)?),
            34 => Self::QueuePaused(Message::decode(body)?),
            35 => Self::QueueResumed(Message::decode(body)?),
            37 => Self::Enqueued(Message::decode(body)?),
            38 => Self::Claimed(Message::decode(body)?),
            39 => Self::Completed(Message::decode(body)?),
            40 => Self::Failed(Message::decode(body)?),
            41 => Self::Released(Message::decode(body)?),
            42 => Self::Lost(Message::decode(body)?),
            43 => Self::Cancelled(Message::decode(body)?),
            44 => Self::Retried(Message::decode(body)?),
            45 => Self::Edited(Message::decode(body)?),
            46 => Self::Carried(Message::decode(body)?),
            47 => Self::Dropped(Message::decode(body)?),
            48 => Self::Expired(Message::decode(body)?),
            51 => Self::Ticked(Message::decode(body)?),
            36 | 49 | 50 | 52..=54 => Self::Other,
            kind => return Err(DecodeError::Kind(kind)),
        })
    }
}

/// A queue made, or given other options.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Defined {
    #[prost(uint32, tag = "1")]
    pub(super) queue: u32,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(message, required, tag = "3")]
    pub(super) options: Limits,
}

/// Of a queue's options, those that say how many jobs may be active.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct Limits {
    #[prost(uint32, optional, tag = "5")]
    pub(super) concurrency: Option<u32>,
    #[prost(uint32, optional, tag = "6")]
    pub(super) group_concurrency: Option<u32>,
    #[prost(uint32, optional, tag = "7")]
    pub(super) key_concurrency: Option<u32>,
}

/// A queue, or one of its groups.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct OfQueue {
    #[prost(uint32, tag = "1")]
    pub(super) queue: u32,
    #[prost(string, optional, tag = "2")]
    pub(super) group: Option<String>,
}

/// A whole job, as it was enqueued or last edited.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Record {
    #[prost(uint32, tag = "1")]
    pub(super) queue: u32,
    #[prost(sfixed64, tag = "2")]
    pub(super) enqueued: i64,
    #[prost(sint32, tag = "6")]
    pub(super) priority: i32,
    #[prost(sfixed64, optional, tag = "7")]
    pub(super) run_at: Option<i64>,
    #[prost(string, optional, tag = "8")]
    pub(super) group: Option<String>,
    #[prost(string, optional, tag = "9")]
    pub(super) key: Option<String>,
    #[prost(sfixed64, optional, tag = "11")]
    pub(super) deadline: Option<i64>,
    #[prost(string, optional, tag = "12")]
    pub(super) idempotency_key: Option<String>,
    #[prost(string, optional, tag = "13")]
    pub(super) unique_key: Option<String>,
    #[prost(uint32, tag = "14")]
    pub(super) unique_mode: u32,
    #[prost(uint64, repeated, tag = "18")]
    pub(super) after: Vec<u64>,
    #[prost(uint32, tag = "19")]
    pub(super) on_dead_child: u32,
}

/// A job that another one waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Child {
    pub(super) id: u64,
    /// It was not completed when the other one was enqueued.
    pub(super) is_open: bool,
}

impl Record {
    /// Each is `value << 2 | is_open << 1 | is_distance`; a distance counts back from the job itself.
    pub(super) fn children(&self, id: u64) -> impl Iterator<Item = Child> + '_ {
        self.after.iter().map(move |code| Child {
            id: match code & 1 {
                0 => code >> 2,
                _ => id.saturating_sub(code >> 2),
            },
            is_open: code & 2 != 0,
        })
    }
}

/// A job written again.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Rewritten {
    #[prost(uint64, tag = "1")]
    pub(super) id: u64,
    #[prost(message, required, tag = "2")]
    pub(super) job: Record,
}

/// Jobs handed to a worker; tokens count on from `token`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Claimed {
    #[prost(uint32, tag = "1")]
    pub(super) queue: u32,
    #[prost(uint64, repeated, tag = "2")]
    pub(super) ids: Vec<u64>,
    #[prost(uint64, tag = "3")]
    pub(super) token: u64,
    #[prost(string, tag = "4")]
    pub(super) worker: String,
}

/// Leases that ended; the lists stand side by side.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Leases {
    #[prost(uint64, repeated, tag = "1")]
    pub(super) ids: Vec<u64>,
    #[prost(uint64, repeated, tag = "2")]
    pub(super) tokens: Vec<u64>,
}

/// Leases that ended unextended; the lists stand side by side.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Lost {
    #[prost(uint64, repeated, tag = "1")]
    pub(super) ids: Vec<u64>,
    #[prost(uint64, repeated, tag = "2")]
    pub(super) tokens: Vec<u64>,
    /// Whether the job is given up on with this loss.
    #[prost(bool, repeated, tag = "3")]
    pub(super) dead: Vec<bool>,
}

/// An attempt that came to nothing; without `due` the job is given up on.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct Failed {
    #[prost(uint64, tag = "1")]
    pub(super) id: u64,
    #[prost(uint64, tag = "2")]
    pub(super) token: u64,
    #[prost(sfixed64, optional, tag = "4")]
    pub(super) due: Option<i64>,
}

/// Jobs to which the same happened.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Ids {
    #[prost(uint64, repeated, tag = "1")]
    pub(super) ids: Vec<u64>,
}

/// A tick of a schedule; when it made a job, that is in the record right after.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Ticked {
    #[prost(string, tag = "1")]
    pub(super) schedule: String,
    #[prost(bool, tag = "3")]
    pub(super) has_job: bool,
}
