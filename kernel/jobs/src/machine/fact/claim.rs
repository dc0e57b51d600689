use std::time::Duration;

use prost::Message;

use crate::{Error, WorkerName};

/// Jobs handed to a worker; tokens count on from `token`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Claimed {
    #[prost(uint32, tag = "1")]
    pub(crate) queue: u32,
    #[prost(uint64, repeated, tag = "2")]
    pub(crate) ids: Vec<u64>,
    #[prost(uint64, tag = "3")]
    pub(crate) token: u64,
    #[prost(string, tag = "4")]
    pub(crate) worker: String,
    #[prost(uint64, tag = "5")]
    pub(crate) lease_nanos: u64,
    #[prost(sfixed64, tag = "6")]
    pub(crate) at: i64,
}

impl Claimed {
    pub(super) fn check(&self) -> Result<(), Error> {
        WorkerName::new(self.worker.as_str())?;
        match self.token.checked_add(self.ids.len() as u64) {
            Some(_) => Ok(()),
            None => Err(Error::InvalidOption {
                name: "token",
                problem: "too high to count on from".into(),
            }),
        }
    }

    pub(crate) fn lease(&self) -> Duration {
        Duration::from_nanos(self.lease_nanos)
    }

    /// Jobs with the token of each.
    pub(crate) fn claims(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.ids.iter().copied().zip(self.token..)
    }
}

/// Jobs given back without costing an attempt; `tokens` stand beside `ids`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Released {
    #[prost(uint64, repeated, tag = "1")]
    pub(crate) ids: Vec<u64>,
    #[prost(uint64, repeated, tag = "2")]
    pub(crate) tokens: Vec<u64>,
    /// Not before; none: at once, in the place they had.
    #[prost(sfixed64, optional, tag = "3")]
    pub(crate) due: Option<i64>,
    #[prost(sfixed64, tag = "4")]
    pub(crate) at: i64,
}

/// Leases that ended unextended; the lists stand side by side.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Lost {
    #[prost(uint64, repeated, tag = "1")]
    pub(crate) ids: Vec<u64>,
    #[prost(uint64, repeated, tag = "2")]
    pub(crate) tokens: Vec<u64>,
    /// Whether the job is given up on with this loss.
    #[prost(bool, repeated, tag = "3")]
    pub(crate) dead: Vec<bool>,
    #[prost(sfixed64, tag = "4")]
    pub(crate) at: i64,
}
