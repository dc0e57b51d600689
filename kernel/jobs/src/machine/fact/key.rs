use prost::Message;

use super::DependencyCode;

/// An idempotency key of a request that came to a job enqueued by another one.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct KeyUsed {
    #[prost(uint32, tag = "1")]
    pub(crate) queue: u32,
    #[prost(string, tag = "2")]
    pub(crate) key: String,
    /// The job, as a [`DependencyCode`].
    #[prost(uint64, tag = "3")]
    pub(crate) job: u64,
    /// What tells the work of the request from another.
    #[prost(fixed64, tag = "4")]
    pub(crate) content: u64,
    #[prost(sfixed64, tag = "5")]
    pub(crate) at: i64,
}

impl KeyUsed {
    /// The job's id, when the fact's record has this sequence.
    pub(crate) fn id(&self, sequence: u64) -> u64 {
        DependencyCode::decode(self.job).id(sequence)
    }
}
