use portique_clock::Timestamp;

use crate::{JobId, JobKind, Payload, QueueName};

/// Which dead jobs to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeadFilter {
    /// Of this queue; none: of all.
    pub queue: Option<QueueName>,
    /// Only with a higher id than this.
    pub after: Option<JobId>,
    /// Most of them: 1 to 1,000.
    pub limit: usize,
}

/// A job given up on.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Which.
    pub id: JobId,
    /// Its queue.
    pub queue: QueueName,
    /// What kind of work; `None` when the record is damaged.
    pub kind: Option<JobKind>,
    /// What it is about, as last edited.
    pub payload: Option<Payload>,
    /// When it was given up on.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// Attempts that failed.
    pub failures: u32,
    /// Leases that were lost.
    pub losses: u32,
    /// Times it was retried after having been dead.
    pub redrives: u32,
}
