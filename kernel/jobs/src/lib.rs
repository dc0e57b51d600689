//! The job queue port: what every engine that queues work promises, and the state machine behind the
//! embedded engine.
//!
//! A producer [enqueues](Jobs::enqueue) jobs and is told their [`JobId`]s once they are on stable
//! storage. A worker [claims](Jobs::claim) some: each comes with a [lease](Lease), which the worker
//! extends while it works and ends by completing, failing or releasing the job. A lease that is not
//! extended in time is *lost*: the job is handed to another worker under a higher
//! [`LeaseToken`], and the first worker's completion is refused. Failures and lost leases are counted
//! apart, each with a limit; a job past one of them is *dead* and waits for people.
//!
//! ```text
//!             enqueue                claim                complete
//!   producer ---------> waiting ----------------> active ---------> completed
//!                delayed ^  ^ failed (backoff)      |  |
//!                        |  +-----------------------+  +--> dead --redrive--> waiting
//!                        +------------- lost, released
//! ```
//!
//! Delivery is at least once; a completion counts once per token. Waiting jobs are chosen by group (fair
//! shares), then priority (with ageing), then age, within the limits of queue, group and key; every
//! job that waits can say [why](WaitReason).
//!
//! What every engine must do is written once, as the suite of the feature `conformance`. [`Machine`]
//! decides what happens and logs it as facts: plain synchronous code, without clock, disk or network.
//! The shell around it is the embedded engine's.

mod error;
mod machine;
mod port;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use error::Error;
pub use machine::{
    EnqueuePlan, Fact, FactError, FoundDead, FoundJob, FoundPage, JobRecord, Machine, Now, Picked,
    PickedJob, PlannedJob, Settling,
};
pub use port::{
    Backoff, Binding, CLAIM_MAX, Claim, Claimed, Committed, Completion, Cursor, DEPENDENCIES_MAX,
    DeadFilter, DeadLetter, Dependency, Enqueued, Extension, Failing, Failure, JobFilter, JobId,
    JobKind, JobOptions, JobPage, JobState, JobView, Jobs, Label, Lease, LeaseToken, MissedTicks,
    NewJob, OnDeadChild, Overlap, PAYLOAD_BYTES_MAX, Payload, Progress, QueueCounts, QueueName,
    QueueOptions, QueueState, REASON_BYTES_MAX, Rate, RetryPolicy, SETTLE_MAX, Schedule,
    ScheduleName, ScheduleState, Settled, Totals, Transact, Transaction, Unique, UniqueMode,
    WaitReason, WorkerName,
};
