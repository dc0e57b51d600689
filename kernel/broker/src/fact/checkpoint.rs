use prost::Message;

use super::Created;

/// Everything the facts before it came to.
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
}
