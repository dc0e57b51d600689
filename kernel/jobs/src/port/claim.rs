use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use portique_clock::Timestamp;

use crate::{JobId, JobKind, Label, Payload, QueueName, WorkerName};

/// Most jobs of one claim.
pub const CLAIM_MAX: usize = 1_000;

/// Names one claim of one job. Tokens of a job rise strictly, so that a store outside can refuse a
/// worker whose token is lower than one it has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseToken(pub u64);

impl fmt::Display for LeaseToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A job in a worker's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The job.
    pub id: JobId,
    /// This claim of it.
    pub token: LeaseToken,
}

/// A worker asks for work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// From here.
    pub queue: QueueName,
    /// Who asks: the same name for all claims of one process.
    pub worker: WorkerName,
    /// Most jobs, at least 1; an engine may give fewer, at most 1,000.
    pub limit: usize,
    /// How long to wait for the first; at most a minute counts.
    pub wait: Duration,
    /// How long each lease holds without being extended, instead of the queue's time: 100 ms to 24 h.
    pub lease: Option<Duration>,
}

/// A job in a worker's hands, with everything the worker needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// What extends and ends it.
    pub lease: Lease,
    /// Its queue.
    pub queue: QueueName,
    /// What kind of work.
    pub kind: JobKind,
    /// What it is about.
    pub payload: Payload,
    /// Times it was claimed, this one included and releases left out.
    pub attempt: u32,
    /// Attempts that failed.
    pub failures: u32,
    /// Leases that were lost.
    pub losses: u32,
    /// How long the lease holds without being extended.
    pub lease_time: Duration,
    /// As enqueued.
    pub group: Option<Label>,
    /// As enqueued.
    pub key: Option<Label>,
    /// As enqueued.
    pub headers: BTreeMap<String, String>,
    /// When it was enqueued.
    pub enqueued: Timestamp,
    /// When it is dead, completed or not.
    pub deadline: Option<Timestamp>,
    /// The jobs it waited for, whose results can be asked for.
    pub after: Vec<JobId>,
}

/// What became of an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// The lease has its full time again.
    Held,
    /// The job was cancelled: stop working on it.
    Cancelled,
    /// The lease was lost or ended; whatever is still done will not count.
    Lost,
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// 0 to 1.
    pub share: f64,
    /// For people; at most 1 KiB.
    pub note: String,
}
