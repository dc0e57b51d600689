use std::collections::BTreeMap;
use std::time::Duration;

use portique_clock::Timestamp;

use crate::{JobId, JobKind, Label, LeaseToken, Payload, Progress, QueueName, WorkerName};

/// Where a job stands.
#[derive(Debug, Clone, PartialEq)]
pub enum JobState {
    /// Due, with priority 0.
    Waiting,
    /// Due, with another priority.
    Prioritized,
    /// Due later.
    Delayed {
        /// Not before.
        due: Timestamp,
    },
    /// It failed, and is tried again later.
    Failed {
        /// Not before.
        due: Timestamp,
    },
    /// Waits for other jobs.
    Blocked {
        /// How many are not completed.
        left: u32,
    },
    /// In a worker's hands.
    Active {
        /// Whose.
        worker: WorkerName,
        /// Under which claim.
        token: LeaseToken,
        /// Since when.
        since: Timestamp,
        /// Until the lease is lost unless it is extended.
        left: Duration,
    },
    /// Done.
    Completed {
        /// When.
        at: Timestamp,
    },
    /// Given up on.
    Dead {
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// Cancelled.
    Cancelled {
        /// When.
        at: Timestamp,
    },
}

impl JobState {
    /// One word, as in APIs and filters.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Prioritized => "prioritized",
            Self::Delayed { .. } => "delayed",
            Self::Failed { .. } => "failed",
            Self::Blocked { .. } => "blocked",
            Self::Active { .. } => "active",
            Self::Completed { .. } => "completed",
            Self::Dead { .. } => "dead",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// Nothing happens to it any more by itself.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Completed { .. } | Self::Dead { .. } | Self::Cancelled { .. }
        )
    }
}

/// Why a job that waits is not in a worker's hands.
#[derive(Debug, Clone, PartialEq)]
pub enum WaitReason {
    /// It is not due.
    NotDue {
        /// Not before.
        due: Timestamp,
    },
    /// It failed and is not due again.
    Backoff {
        /// Not before.
        due: Timestamp,
    },
    /// Jobs it waits for are not completed.
    Children {
        /// How many.
        left: u32,
    },
    /// The queue is paused.
    QueuePaused,
    /// Its group is paused.
    GroupPaused,
    /// The queue has as many active jobs as it may have.
    QueueConcurrency,
    /// Its group has.
    GroupConcurrency,
    /// Its key has.
    KeyConcurrency,
    /// The queue has started as many as its rate allows.
    QueueRate,
    /// Its group has.
    GroupRate,
    /// Its key has.
    KeyRate,
    /// A worker lost it before, so it waits for one that has nothing else in hand.
    Suspect,
    /// No worker has asked this queue for work lately.
    NoWorkers,
    /// Others are before it.
    Turn,
}

impl WaitReason {
    /// One word, as in APIs and metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NotDue { .. } => "not_due",
            Self::Backoff { .. } => "backoff",
            Self::Children { .. } => "children",
            Self::QueuePaused => "queue_paused",
            Self::GroupPaused => "group_paused",
            Self::QueueConcurrency => "queue_concurrency",
            Self::GroupConcurrency => "group_concurrency",
            Self::KeyConcurrency => "key_concurrency",
            Self::QueueRate => "queue_rate",
            Self::GroupRate => "group_rate",
            Self::KeyRate => "key_rate",
            Self::Suspect => "suspect",
            Self::NoWorkers => "no_workers",
            Self::Turn => "turn",
        }
    }
}

/// A job, for people.
#[derive(Debug, Clone, PartialEq)]
pub struct JobView {
    /// Which.
    pub id: JobId,
    /// Its queue.
    pub queue: QueueName,
    /// Where it stands.
    pub state: JobState,
    /// Why it waits, when it does.
    pub waits: Option<WaitReason>,
    /// Times it was claimed, releases left out. Of a finished job the counts are not kept: here and in the
    /// two that follow it says 0, whatever it took.
    pub attempts: u32,
    /// Attempts that failed.
    pub failures: u32,
    /// Leases that were lost.
    pub losses: u32,
    /// How far the active attempt is.
    pub progress: Option<Progress>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// As enqueued; none when it is finished and its record is no longer kept, or in a list.
    pub kind: Option<JobKind>,
    /// As `kind`.
    pub payload: Option<Payload>,
    /// As enqueued.
    pub priority: i16,
    /// As enqueued.
    pub group: Option<Label>,
    /// As enqueued.
    pub key: Option<Label>,
    /// As `kind`.
    pub headers: BTreeMap<String, String>,
    /// When it was enqueued, as `kind`.
    pub enqueued: Option<Timestamp>,
    /// What came of it, while it is remembered.
    pub result: Option<Payload>,
}

/// Which jobs to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFilter {
    /// Of this queue.
    pub queue: QueueName,
    /// In this state, the word of a [`JobState`]; none: every state.
    pub state: Option<String>,
    /// Only with a higher id than this.
    pub after: Option<JobId>,
    /// Most of them: 1 to 1,000.
    pub limit: usize,
}

/// Some jobs, and where to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct JobPage {
    /// Oldest first.
    pub jobs: Vec<JobView>,
    /// The next page's `after`; none at the end.
    pub next: Option<JobId>,
}
