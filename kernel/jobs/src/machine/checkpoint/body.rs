use std::collections::HashMap;

use bytes::Bytes;
use prost::Message;

use crate::machine::fact::{BindingBody, Defined, FactError, ScheduleBody};

/// Most bytes of one job: its numbers, the thousand jobs it may wait for, and why it failed.
pub(super) const ENTRY_BYTES_MAX: usize = 24 * 1024;
/// Most bytes of a job that was moved: two varints.
pub(super) const MOVED_BYTES_MAX: usize = 20;

/// One part of a checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    Header(HeaderBody),
    Queue(QueueBody),
    Backlog(PieceBody),
    Finished(PieceBody),
    Unique(PieceBody),
    Keys(PieceBody),
    Entries(EntriesBody),
    Moved(MovedBody),
    Schedule(ScheduledBody),
    Binding(BindingBody),
}

/// What is common to all queues.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct HeaderBody {
    #[prost(uint64, tag = "1")]
    pub(super) epoch: u64,
    #[prost(uint64, tag = "2")]
    pub(super) claims: u64,
    #[prost(uint32, tag = "3")]
    pub(super) next_queue: u32,
}

/// A queue without its jobs.
#[derive(Clone, PartialEq, Message)]
pub(super) struct QueueBody {
    #[prost(message, required, tag = "1")]
    pub(super) defined: Defined,
    #[prost(bool, tag = "2")]
    pub(super) is_paused: bool,
    #[prost(bool, tag = "3")]
    pub(super) is_draining: bool,
    #[prost(string, repeated, tag = "4")]
    pub(super) paused_groups: Vec<String>,
    #[prost(uint64, tag = "5")]
    pub(super) enqueued: u64,
    #[prost(uint64, tag = "6")]
    pub(super) completed: u64,
    #[prost(uint64, tag = "7")]
    pub(super) failures: u64,
    #[prost(uint64, tag = "8")]
    pub(super) losses: u64,
    #[prost(uint64, tag = "9")]
    pub(super) dead: u64,
    #[prost(uint64, tag = "10")]
    pub(super) cancelled: u64,
    #[prost(bytes = "bytes", tag = "11")]
    pub(super) durations: Bytes,
}

/// A piece of a backlog, of what is finished, or of an index of keys.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct PieceBody {
    #[prost(uint32, tag = "1")]
    pub(super) queue: u32,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) bytes: Bytes,
}

/// Some jobs that are not plain waiting ones.
#[derive(Clone, PartialEq, Message)]
pub(super) struct EntriesBody {
    /// Groups, keys and workers, by place from 1.
    #[prost(string, repeated, tag = "1")]
    pub(super) names: Vec<String>,
    #[prost(message, repeated, tag = "2")]
    pub(super) entries: Vec<EntryBody>,
}

/// One of them.
#[derive(Clone, PartialEq, Message)]
pub(super) struct EntryBody {
    #[prost(uint64, tag = "1")]
    pub(super) id: u64,
    #[prost(uint32, tag = "2")]
    pub(super) queue: u32,
    #[prost(uint32, tag = "3")]
    pub(super) state: u32,
    #[prost(sfixed64, tag = "4")]
    pub(super) enqueued: i64,
    #[prost(sfixed64, tag = "5")]
    pub(super) due: i64,
    #[prost(uint32, tag = "6")]
    pub(super) group: u32,
    #[prost(uint32, tag = "7")]
    pub(super) key: u32,
    #[prost(sint32, tag = "8")]
    pub(super) priority: i32,
    #[prost(uint32, tag = "9")]
    pub(super) attempts: u32,
    #[prost(uint32, tag = "10")]
    pub(super) failures: u32,
    #[prost(uint32, tag = "11")]
    pub(super) losses: u32,
    #[prost(uint32, tag = "12")]
    pub(super) redrives: u32,
    #[prost(uint64, tag = "13")]
    pub(super) moved_to: u64,
    #[prost(uint64, tag = "14")]
    pub(super) token: u64,
    #[prost(uint32, tag = "15")]
    pub(super) worker: u32,
    #[prost(uint32, tag = "16")]
    pub(super) lease_ms: u32,
    #[prost(sfixed64, tag = "17")]
    pub(super) since: i64,
    #[prost(sfixed64, optional, tag = "18")]
    pub(super) deadline: Option<i64>,
    #[prost(fixed64, repeated, tag = "19")]
    pub(super) unique: Vec<u64>,
    #[prost(uint32, tag = "20")]
    pub(super) hold: u32,
    #[prost(uint64, optional, tag = "21")]
    pub(super) result_ttl_nanos: Option<u64>,
    #[prost(uint64, repeated, tag = "22")]
    pub(super) open: Vec<u64>,
    #[prost(uint32, tag = "23")]
    pub(super) on_dead_child: u32,
    #[prost(string, optional, tag = "24")]
    pub(super) last_error: Option<String>,
    /// Its place in line, where that is not its time.
    #[prost(sfixed64, optional, tag = "25")]
    pub(super) line: Option<i64>,
}

/// What a job's state is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StateCode {
    Due = 0,
    Delayed = 1,
    Failed = 2,
    Blocked = 3,
    Active = 4,
    Dead = 5,
}

impl TryFrom<u32> for StateCode {
    type Error = ();

    fn try_from(code: u32) -> Result<Self, ()> {
        let codes = [
            Self::Due,
            Self::Delayed,
            Self::Failed,
            Self::Blocked,
            Self::Active,
            Self::Dead,
        ];
        codes.get(code as usize).copied().ok_or(())
    }
}

/// Plain waiting jobs whose records were carried forward, and where to.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct MovedBody {
    #[prost(uint64, repeated, tag = "1")]
    pub(super) ids: Vec<u64>,
    #[prost(uint64, repeated, tag = "2")]
    pub(super) locations: Vec<u64>,
}

/// A schedule and where it stands.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ScheduledBody {
    #[prost(message, required, tag = "1")]
    pub(super) schedule: ScheduleBody,
    #[prost(sfixed64, tag = "2")]
    pub(super) seen_to: i64,
    #[prost(sfixed64, optional, tag = "3")]
    pub(super) last_tick: Option<i64>,
    #[prost(uint64, tag = "4")]
    pub(super) last_job: u64,
    #[prost(uint64, tag = "5")]
    pub(super) newest_job: u64,
}

impl Part {
    /// Its number, then its body.
    pub(super) fn write(&self) -> Bytes {
        match self {
            Self::Header(body) => numbered(0, body),
            Self::Queue(body) => numbered(1, body),
            Self::Backlog(body) => numbered(2, body),
            Self::Finished(body) => numbered(3, body),
            Self::Unique(body) => numbered(4, body),
            Self::Keys(body) => numbered(5, body),
            Self::Entries(body) => numbered(6, body),
            Self::Moved(body) => numbered(7, body),
            Self::Schedule(body) => numbered(8, body),
            Self::Binding(body) => numbered(9, body),
        }
    }

    pub(super) fn parse(part: &Bytes) -> Result<Self, FactError> {
        let malformed = FactError::Checkpoint { what: "parts" };
        let Some(number) = part.first() else {
            return Err(malformed);
        };
        let body = part.slice(1..);
        let parsed = match number {
            0 => HeaderBody::decode(body).map(Self::Header),
            1 => QueueBody::decode(body).map(Self::Queue),
            2 => PieceBody::decode(body).map(Self::Backlog),
            3 => PieceBody::decode(body).map(Self::Finished),
            4 => PieceBody::decode(body).map(Self::Unique),
            5 => PieceBody::decode(body).map(Self::Keys),
            6 => EntriesBody::decode(body).map(Self::Entries),
            7 => MovedBody::decode(body).map(Self::Moved),
            8 => ScheduledBody::decode(body).map(Self::Schedule),
            9 => BindingBody::decode(body).map(Self::Binding),
            _ => return Err(malformed),
        };
        parsed.map_err(|_| malformed)
    }
}

fn numbered(number: u8, body: &impl Message) -> Bytes {
    let mut bytes = Vec::with_capacity(1 + body.encoded_len());
    bytes.push(number);
    body.encode(&mut bytes)
        .expect("a vector takes as much as there is");
    bytes.into()
}

/// Collects the names of a part.
#[derive(Debug, Default)]
pub(super) struct Names {
    places: HashMap<String, u32>,
    names: Vec<String>,
    bytes: usize,
}

impl Names {
    /// The place of a name, counted from 1; 0 for none.
    pub(super) fn index(&mut self, name: Option<&str>) -> u32 {
        let Some(name) = name else {
            return 0;
        };
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        self.names.push(name.to_owned());
        // A length of up to two bytes, and a tag.
        self.bytes += name.len() + 3;
        let place = u32::try_from(self.names.len()).expect("a part has fewer names than bytes");
        self.places.insert(name.to_owned(), place);
        place
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn finish(self) -> Vec<String> {
        self.names
    }
}
