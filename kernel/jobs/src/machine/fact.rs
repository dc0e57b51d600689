//! Decided facts: what the embedded engine writes into its journal about jobs, and all that changes a
//! [`Machine`](crate::Machine) durably.
//!
//! The format is `docs/formats/jobs.md`.

mod claim;
mod key;
mod queue;
mod record;
mod schedule;
mod settle;

use bytes::Bytes;
use prost::Message;

use crate::{JobId, Payload};

pub(crate) use claim::{Claimed, Lost, Released};
pub(crate) use key::KeyUsed;
pub(crate) use queue::{Defined, Pause, Removed, RetryBody};
pub use record::JobRecord;
pub(crate) use record::{DependencyCode, Record, Rewritten};
pub(crate) use schedule::{BindingBody, Named, ScheduleBody, Ticked};
pub(crate) use settle::{Completed, Failed, Ids, ResultBody};

/// Lowest record kind of a fact about jobs; those below are the bus's and the broker's.
const KIND_MIN: u8 = 32;
/// Highest record kind set aside for facts about jobs.
const KIND_MAX: u8 = 63;

/// Something decided about jobs. A shell gets it from a decision, writes what it
/// [encodes](Self::encode) to, and gives it to [`Machine::apply`](crate::Machine::apply) with the
/// sequence of its record.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact(pub(crate) Decided);

/// What was decided; the number of each kind is on disk.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decided {
    QueueDefined(Defined),
    QueueRemoved(Removed),
    QueuePaused(Pause),
    QueueResumed(Pause),
    QueueDraining(Pause),
    Enqueued(Record),
    Claimed(Claimed),
    Completed(Completed),
    Failed(Failed),
    Released(Released),
    Lost(Lost),
    Cancelled(Ids),
    Retried(Ids),
    Edited(Rewritten),
    Carried(Rewritten),
    Dropped(Ids),
    Expired(Ids),
    ScheduleDefined(ScheduleBody),
    ScheduleRemoved(Named),
    Ticked(Ticked),
    BindingDefined(BindingBody),
    BindingRemoved(Named),
    KeyUsed(KeyUsed),
}

const ENQUEUED: u8 = 37;
const COMPLETED: u8 = 39;
const EDITED: u8 = 45;
const CARRIED: u8 = 46;

/// Why a record is not a fact, or a checkpoint not a machine.
#[derive(Debug, thiserror::Error)]
pub enum FactError {
    /// A later version wrote it.
    #[error("records of kind {kind} are unknown to this version")]
    Kind {
        /// The record's kind.
        kind: u8,
    },
    /// It is not Protocol Buffers of the right shape.
    #[error("a body of kind {kind} does not parse")]
    Body {
        /// The record's kind.
        kind: u8,
        /// What the parser says.
        source: prost::DecodeError,
    },
    /// It parses, and breaks a rule.
    #[error("a body of kind {kind} breaks a rule")]
    Rule {
        /// The record's kind.
        kind: u8,
        /// Which rule.
        #[source]
        source: crate::Error,
    },
    /// A checkpoint is not what was written.
    #[error("the {what} of a checkpoint are malformed")]
    Checkpoint {
        /// Which piece.
        what: &'static str,
    },
}

impl Fact {
    /// Whether records of this kind are facts about jobs.
    pub fn is_kind(kind: u8) -> bool {
        (KIND_MIN..=KIND_MAX).contains(&kind)
    }

    /// Whether this is the tick of a schedule; what it brings about stands behind it.
    pub fn is_tick(&self) -> bool {
        matches!(self.0, Decided::Ticked(_))
    }

    /// Whether records of this kind hold a whole job, and [`JobRecord::decode`] reads them.
    pub fn is_job(kind: u8) -> bool {
        matches!(kind, ENQUEUED | EDITED | CARRIED)
    }

    /// What came of a job, in a record that says it was completed; none when it said nothing.
    ///
    /// # Errors
    /// [`FactError`] when the record is damaged, or none of completions.
    pub fn result(kind: u8, body: Bytes, id: JobId) -> Result<Option<Payload>, FactError> {
        if kind != COMPLETED {
            return Err(FactError::Kind { kind });
        }
        let completed: Completed = parsed(kind, body)?;
        let mut results = completed.results.iter();
        let result = results.find(|result| result.id == id.0);
        Ok(result.map(ResultBody::payload))
    }

    /// The kind and the body, as a journal record holds them.
    pub fn encode(&self) -> (u8, Bytes) {
        match &self.0 {
            Decided::QueueDefined(fact) => (32, body(fact)),
            Decided::QueueRemoved(fact) => (33, body(fact)),
            Decided::QueuePaused(fact) => (34, body(fact)),
            Decided::QueueResumed(fact) => (35, body(fact)),
            Decided::QueueDraining(fact) => (36, body(fact)),
            Decided::Enqueued(fact) => (ENQUEUED, body(fact)),
            Decided::Claimed(fact) => (38, body(fact)),
            Decided::Completed(fact) => (COMPLETED, body(fact)),
            Decided::Failed(fact) => (40, body(fact)),
            Decided::Released(fact) => (41, body(fact)),
            Decided::Lost(fact) => (42, body(fact)),
            Decided::Cancelled(fact) => (43, body(fact)),
            Decided::Retried(fact) => (44, body(fact)),
            Decided::Edited(fact) => (EDITED, body(fact)),
            Decided::Carried(fact) => (CARRIED, body(fact)),
            Decided::Dropped(fact) => (47, body(fact)),
            Decided::Expired(fact) => (48, body(fact)),
            Decided::ScheduleDefined(fact) => (49, body(fact)),
            Decided::ScheduleRemoved(fact) => (50, body(fact)),
            Decided::Ticked(fact) => (51, body(fact)),
            Decided::BindingDefined(fact) => (52, body(fact)),
            Decided::BindingRemoved(fact) => (53, body(fact)),
            Decided::KeyUsed(fact) => (54, body(fact)),
        }
    }

    /// The fact in a record.
    ///
    /// # Errors
    /// [`FactError`] when the record was not written by [`encode`](Self::encode), or by a later version.
    pub fn decode(kind: u8, body: Bytes) -> Result<Self, FactError> {
        let decided = match kind {
            32 => Decided::QueueDefined(checked(kind, body, Defined::check)?),
            33 => Decided::QueueRemoved(parsed(kind, body)?),
            34 => Decided::QueuePaused(checked(kind, body, Pause::check)?),
            35 => Decided::QueueResumed(checked(kind, body, Pause::check)?),
            36 => Decided::QueueDraining(checked(kind, body, Pause::check)?),
            ENQUEUED => Decided::Enqueued(checked(kind, body, Record::check)?),
            38 => Decided::Claimed(checked(kind, body, Claimed::check)?),
            COMPLETED => Decided::Completed(parsed(kind, body)?),
            40 => Decided::Failed(parsed(kind, body)?),
            41 => Decided::Released(parsed(kind, body)?),
            42 => Decided::Lost(parsed(kind, body)?),
            43 => Decided::Cancelled(parsed(kind, body)?),
            44 => Decided::Retried(parsed(kind, body)?),
            EDITED => Decided::Edited(checked(kind, body, Rewritten::check)?),
            CARRIED => Decided::Carried(checked(kind, body, Rewritten::check)?),
            47 => Decided::Dropped(parsed(kind, body)?),
            48 => Decided::Expired(parsed(kind, body)?),
            49 => Decided::ScheduleDefined(checked(kind, body, ScheduleBody::check)?),
            50 => Decided::ScheduleRemoved(checked(kind, body, Named::check)?),
            51 => Decided::Ticked(parsed(kind, body)?),
            52 => Decided::BindingDefined(checked(kind, body, BindingBody::check)?),
            53 => Decided::BindingRemoved(checked(kind, body, Named::check)?),
            54 => Decided::KeyUsed(parsed(kind, body)?),
            kind => return Err(FactError::Kind { kind }),
        };
        Ok(Self(decided))
    }
}

fn body(message: &impl Message) -> Bytes {
    message.encode_to_vec().into()
}

fn parsed<M: Message + Default>(kind: u8, body: Bytes) -> Result<M, FactError> {
    M::decode(body).map_err(|source| FactError::Body { kind, source })
}

fn checked<M: Message + Default>(
    kind: u8,
    body: Bytes,
    check: impl FnOnce(&M) -> Result<(), crate::Error>,
) -> Result<M, FactError> {
    let message = parsed(kind, body)?;
    check(&message).map_err(|source| FactError::Rule { kind, source })?;
    Ok(message)
}

/// Nanoseconds on disk; durations of jobs are at most a year.
pub(crate) fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
