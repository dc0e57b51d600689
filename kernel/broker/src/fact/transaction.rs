use prost::Message;

/// A transaction made, remembered by its key; the last record of its frame.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Transacted {
    /// The hash of its key.
    #[prost(message, required, tag = "1")]
    pub(crate) key: Hash,
    /// The hash of its content.
    #[prost(message, required, tag = "2")]
    pub(crate) content: Hash,
    /// When, in nanoseconds since 1970.
    #[prost(sfixed64, tag = "3")]
    pub(crate) at: i64,
    /// How many records before this one the first event is; 0 when there is none.
    #[prost(uint64, tag = "4")]
    pub(crate) events_back: u64,
    /// How many events there are; they stand side by side.
    #[prost(uint64, tag = "5")]
    pub(crate) events: u64,
    /// Per job: four times how many records before this one it is, or four times its id and one when it
    /// is an earlier one; and two when it is new.
    #[prost(uint64, repeated, tag = "6")]
    pub(crate) jobs: Vec<u64>,
}

/// 128 bits that are equal for equal contents only, for all that can be expected.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Message)]
pub(crate) struct Hash {
    #[prost(fixed64, tag = "1")]
    pub(crate) low: u64,
    #[prost(fixed64, tag = "2")]
    pub(crate) high: u64,
}

/// Transactions that are remembered, as a part of a checkpoint.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct RememberedPart {
    #[prost(message, repeated, tag = "1")]
    pub(crate) transactions: Vec<CheckpointedTransaction>,
}

/// One of them, with its record's place.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct CheckpointedTransaction {
    #[prost(uint64, tag = "1")]
    pub(crate) sequence: u64,
    #[prost(message, required, tag = "2")]
    pub(crate) transacted: Transacted,
}
