use bytes::Bytes;
use prost::Message;

use super::Created;

/// Everything the facts up to a record came to: the bus here, the jobs in parts written before.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Checkpoint {
    #[prost(uint64, tag = "1")]
    pub(crate) epoch: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) next_consumer: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) last_event: u64,
    #[prost(message, repeated, tag = "4")]
    pub(crate) consumers: Vec<CheckpointedConsumer>,
    /// The last record it stands for; 0 in old journals, where it is the one before this.
    #[prost(uint64, tag = "14")]
    pub(crate) stands_for: u64,
    /// Where its first part is; 0 when there is none.
    #[prost(uint64, tag = "15")]
    pub(crate) parts_from: u64,
    /// How many parts there are.
    #[prost(uint32, tag = "16")]
    pub(crate) parts: u32,
    /// Where events are, 64 stretches a word from word `event_map_from` on; none in old journals.
    #[prost(bytes = "bytes", optional, tag = "17")]
    pub(crate) event_map: Option<Bytes>,
    #[prost(uint64, tag = "18")]
    pub(crate) event_map_from: u64,
}

/// A piece of a checkpoint; other records may stand between two of them.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct CheckpointPart {
    /// What the checkpoint stands for, which tells its parts from those of one that was given up.
    #[prost(uint64, tag = "1")]
    pub(crate) stands_for: u64,
    /// Its place among the parts, from 0.
    #[prost(uint32, tag = "2")]
    pub(crate) index: u32,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) body: Bytes,
    /// Whose state it is a piece of.
    #[prost(enumeration = "Section", tag = "4")]
    pub(crate) section: i32,
}

/// Whose state a part of a checkpoint is a piece of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum Section {
    /// The jobs'.
    Jobs = 0,
    /// That of transactions remembered by their keys.
    Transactions = 1,
    /// That of the compactions.
    Compactions = 2,
}

/// One consumer as it stood.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct CheckpointedConsumer {
    #[prost(message, optional, tag = "1")]
    pub(crate) created: Option<Created>,
    #[prost(uint64, tag = "2")]
    pub(crate) dead: u64,
    #[prost(message, optional, tag = "3")]
    pub(crate) pending: Option<Pending>,
    /// How long nobody had fetched.
    #[prost(uint64, tag = "4")]
    pub(crate) idle_nanos: u64,
    /// The record that made or moved it, and where it began then.
    #[prost(uint64, tag = "5")]
    pub(crate) made: u64,
    #[prost(uint64, tag = "6")]
    pub(crate) start: u64,
}

/// Its deliveries that are not settled, side by side.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Pending {
    #[prost(uint64, repeated, tag = "1")]
    pub(crate) steps: Vec<u64>,
    #[prost(uint32, repeated, tag = "2")]
    pub(crate) attempts: Vec<u32>,
    #[prost(uint64, repeated, tag = "3")]
    pub(crate) tokens: Vec<u64>,
    #[prost(uint64, repeated, tag = "4")]
    pub(crate) delays_nanos: Vec<u64>,
    /// Of a keyed consumer, beside the others.
    #[prost(fixed32, repeated, tag = "5")]
    pub(crate) keys: Vec<u32>,
    /// Of a keyed consumer: events that wait for an earlier one of their key, side by side.
    #[prost(uint64, repeated, tag = "6")]
    pub(crate) parked_steps: Vec<u64>,
    #[prost(fixed32, repeated, tag = "7")]
    pub(crate) parked_keys: Vec<u32>,
}
