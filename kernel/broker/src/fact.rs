//! Decided facts: what the broker writes into the journal, and nothing else changes its state.
//!
//! The format is `docs/formats/broker.md`.

mod checkpoint;
mod compaction;
mod consumer;
mod event;
mod transaction;

use bytes::Bytes;
use prost::Message;

pub(crate) use checkpoint::{Checkpoint, CheckpointPart, CheckpointedConsumer, Pending, Section};
pub(crate) use compaction::{CheckpointedCompaction, Compacting, CompactionEnded, Indexed};
pub(crate) use consumer::{
    Acknowledged, Buried, Created, Delivered, Removed, Returned, Sought, nanos,
};
pub(crate) use event::{Carriage, Published};
pub(crate) use transaction::{CheckpointedTransaction, Hash, RememberedPart, Transacted};

/// A start of the broker.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Opened {
    #[prost(uint64, tag = "1")]
    pub(crate) epoch: u64,
}

/// Something decided; the number of each kind is on disk.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fact {
    /// An event, still as its record has it: see [`Published`].
    Published(Bytes),
    Created(Created),
    Removed(Removed),
    Delivered(Delivered),
    Acknowledged(Acknowledged),
    Returned(Returned),
    Buried(Buried),
    Opened(Opened),
    Checkpoint(Checkpoint),
    CheckpointPart(CheckpointPart),
    Sought(Sought),
    /// An event carried forward: an event with another place.
    Carried(Bytes),
    Compacting(Compacting),
    CompactionEnded(CompactionEnded),
    Indexed(Indexed),
    /// A transaction that is remembered; the last of its frame.
    Transacted(Transacted),
}

/// The kind of [`Fact::Published`] on disk.
pub(crate) const PUBLISHED: u8 = 1;
/// The kind of [`Fact::Checkpoint`] on disk.
pub(crate) const CHECKPOINT: u8 = 9;
/// The kind of [`Fact::CheckpointPart`] on disk.
pub(crate) const CHECKPOINT_PART: u8 = 10;

/// The kind of [`Fact::Carried`] on disk.
pub(crate) const CARRIED: u8 = 12;

/// The kind of [`Fact::Transacted`] on disk, the last one before those of jobs.
const TRANSACTED: u8 = 31;

/// Whether records of this kind are events.
pub(crate) fn is_event(kind: u8) -> bool {
    matches!(kind, PUBLISHED | CARRIED)
}

/// Why a record is not a fact.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("records of kind {0} are unknown to this version")]
    Kind(u8),
    #[error("its body does not parse")]
    Body(#[from] prost::DecodeError),
    #[error("its event breaks a rule")]
    Event(#[from] portique_event::Error),
    #[error("its consumer breaks a rule")]
    Consumer(#[from] portique_bus::Error),
    #[error("its fact about jobs cannot be used")]
    Jobs(#[from] portique_jobs::FactError),
    #[error("{0}")]
    Shape(&'static str),
}

impl Fact {
    /// The kind and the body, as a journal record holds them.
    pub(crate) fn encode(&self) -> (u8, Bytes) {
        match self {
            Self::Published(body) => (PUBLISHED, body.clone()),
            Self::Created(fact) => (2, body(fact)),
            Self::Removed(fact) => (3, body(fact)),
            Self::Delivered(fact) => (4, body(fact)),
            Self::Acknowledged(fact) => (5, body(fact)),
            Self::Returned(fact) => (6, body(fact)),
            Self::Buried(fact) => (7, body(fact)),
            Self::Opened(fact) => (8, body(fact)),
            Self::Checkpoint(fact) => (CHECKPOINT, body(fact)),
            Self::CheckpointPart(fact) => (CHECKPOINT_PART, body(fact)),
            Self::Sought(fact) => (11, body(fact)),
            Self::Transacted(fact) => (TRANSACTED, body(fact)),
            Self::Carried(body) => (CARRIED, body.clone()),
            Self::Compacting(fact) => (13, body(fact)),
            Self::CompactionEnded(fact) => (14, body(fact)),
            Self::Indexed(fact) => (15, body(fact)),
        }
    }

    pub(crate) fn decode(kind: u8, body: Bytes) -> Result<Self, DecodeError> {
        let fact = match kind {
            PUBLISHED => Self::Published(body),
            2 => Self::Created(Created::decode(body)?.checked()?),
            3 => Self::Removed(Removed::decode(body)?),
            4 => Self::Delivered(Delivered::decode(body)?),
            5 => Self::Acknowledged(Acknowledged::decode(body)?),
            6 => Self::Returned(Returned::decode(body)?),
            7 => Self::Buried(Buried::decode(body)?),
            8 => Self::Opened(Opened::decode(body)?),
            CHECKPOINT => Self::Checkpoint(Checkpoint::decode(body)?),
            CHECKPOINT_PART => Self::CheckpointPart(CheckpointPart::decode(body)?),
            11 => Self::Sought(Sought::decode(body)?),
            CARRIED => Self::Carried(body),
            13 => Self::Compacting(Compacting::decode(body)?.checked()?),
            14 => Self::CompactionEnded(CompactionEnded::decode(body)?),
            15 => Self::Indexed(Indexed::decode(body)?.checked()?),
            TRANSACTED => Self::Transacted(Transacted::decode(body)?),
            kind => return Err(DecodeError::Kind(kind)),
        };
        Ok(fact)
    }
}

fn body(message: &impl Message) -> Bytes {
    message.encode_to_vec().into()
}
