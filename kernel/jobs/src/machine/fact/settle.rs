use bytes::Bytes;
use prost::Message;

use crate::{JobId, Payload};

/// Jobs completed; `tokens` stand beside `ids`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Completed {
    #[prost(uint64, repeated, tag = "1")]
    pub(crate) ids: Vec<u64>,
    #[prost(uint64, repeated, tag = "2")]
    pub(crate) tokens: Vec<u64>,
    #[prost(sfixed64, tag = "3")]
    pub(crate) at: i64,
    /// What came of them, of those that said so, in the order of `ids`.
    #[prost(message, repeated, tag = "4")]
    pub(crate) results: Vec<ResultBody>,
}

/// What came of one job.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ResultBody {
    #[prost(uint64, tag = "1")]
    pub(crate) id: u64,
    #[prost(string, tag = "2")]
    pub(crate) content_type: String,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) body: Bytes,
}

impl ResultBody {
    pub(crate) fn new(id: JobId, result: Payload) -> Self {
        Self {
            id: id.0,
            content_type: result.content_type,
            body: result.body,
        }
    }

    pub(crate) fn payload(&self) -> Payload {
        Payload {
            content_type: self.content_type.clone(),
            body: self.body.clone(),
        }
    }
}

/// An attempt that came to nothing.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Failed {
    #[prost(uint64, tag = "1")]
    pub(crate) id: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) token: u64,
    #[prost(string, tag = "3")]
    pub(crate) reason: String,
    /// Not before; none: it is given up on.
    #[prost(sfixed64, optional, tag = "4")]
    pub(crate) due: Option<i64>,
    #[prost(sfixed64, tag = "5")]
    pub(crate) at: i64,
}

/// Jobs to which the same happened.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Ids {
    #[prost(uint64, repeated, tag = "1")]
    pub(crate) ids: Vec<u64>,
    #[prost(sfixed64, tag = "2")]
    pub(crate) at: i64,
}
