//! The port: a trait, and the types it speaks in.

mod binding;
mod claim;
mod dead;
mod job;
mod name;
mod queue;
mod schedule;
mod settle;
mod transaction;
mod view;

use std::time::Duration;

use async_trait::async_trait;

pub use binding::Binding;
pub use claim::{CLAIM_MAX, Claim, Claimed, Extension, Lease, LeaseToken, Progress};
pub use dead::{DeadFilter, DeadLetter};
pub(crate) use job::DELAY_MAX;
pub use job::{
    Backoff, DEPENDENCIES_MAX, Dependency, Enqueued, JobId, JobOptions, NewJob, OnDeadChild,
    PAYLOAD_BYTES_MAX, Payload, RetryPolicy, Unique, UniqueMode,
};
pub use name::{JobKind, Label, QueueName, ScheduleName, WorkerName};
pub(crate) use queue::check_lease;
pub use queue::{QueueCounts, QueueOptions, QueueState, Rate, Totals};
pub use schedule::{MissedTicks, Overlap, Schedule, ScheduleState};
pub use settle::{Completion, Failing, Failure, REASON_BYTES_MAX, SETTLE_MAX, Settled};
pub use transaction::{Committed, Cursor, Transact, Transaction};
pub use view::{JobFilter, JobPage, JobState, JobView, WaitReason};

use crate::Error;

/// An engine that queues work.
///
/// Lists of outcomes have one entry per entry asked about, in the same order. A call that returns
/// an error changed nothing, unless it is [`Error::InDoubt`].
#[async_trait]
pub trait Jobs: Send + Sync + 'static {
    /// Makes a queue, or gives it other options; durable on return.
    async fn define_queue(&self, name: &QueueName, options: QueueOptions) -> Result<(), Error>;

    /// Forgets an empty queue.
    ///
    /// # Errors
    /// [`Error::QueueNotEmpty`] while it holds jobs that are not finished, dead ones included.
    async fn remove_queue(&self, name: &QueueName) -> Result<(), Error>;

    /// Every queue, by name.
    async fn queues(&self) -> Result<Vec<QueueState>, Error>;

    /// One queue.
    async fn queue(&self, name: &QueueName) -> Result<QueueState, Error>;

    /// Stops claims of a queue, or of one of its groups, until it is resumed; jobs are still
    /// taken in.
    async fn pause(&self, queue: &QueueName, group: Option<&Label>) -> Result<(), Error>;

    /// Lets claims go on; also ends a drain.
    async fn resume(&self, queue: &QueueName, group: Option<&Label>) -> Result<(), Error>;

    /// Refuses new jobs until the queue is resumed, while those in it are worked off.
    async fn drain(&self, queue: &QueueName) -> Result<(), Error>;

    /// Enqueues all or none; durable on return. A queue that does not exist is made with default
    /// options. An empty batch returns an empty list.
    ///
    /// # Errors
    /// [`Error::KeyConflict`] when an idempotency key was used for another payload;
    /// [`Error::QueueFull`]; [`Error::Draining`]; [`Error::Exhausted`].
    async fn enqueue(&self, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>, Error>;

    /// Up to `claim.limit` jobs; waits up to `claim.wait` for the first one and may return none.
    /// A queue that does not exist is waited for too, and not made.
    ///
    /// # Cancel safety
    /// What was claimed by a dropped future is released, without costing an attempt.
    async fn claim(&self, claim: Claim) -> Result<Vec<Claimed>, Error>;

    /// Gives leases their full time again from now. Not durable: after a restart every lease has
    /// its full time anyway.
    async fn extend(&self, leases: &[Lease]) -> Result<Vec<Extension>, Error>;

    /// Says how far an active job is, for people; the last one counts. Not durable.
    async fn progress(&self, lease: Lease, progress: Progress) -> Result<(), Error>;

    /// Ends jobs well; durable on return. Repeating it with the same token gives the same answer
    /// for as long as the finished job is remembered.
    async fn complete(&self, completions: Vec<Completion>) -> Result<Vec<Settled>, Error>;

    /// Ends attempts badly; durable on return. Each job waits for its next attempt or is dead.
    async fn fail(&self, failings: Vec<Failing>) -> Result<Vec<Settled>, Error>;

    /// Gives jobs back without costing an attempt, to be claimed again after `delay`; durable on
    /// return.
    async fn release(&self, leases: &[Lease], delay: Duration) -> Result<Vec<Settled>, Error>;

    /// One job, also a finished one for as long as it is remembered.
    async fn job(&self, id: JobId) -> Result<JobView, Error>;

    /// As [`job`](Self::job), but waits up to `wait` until the job is finished or dead.
    async fn wait_job(&self, id: JobId, wait: Duration) -> Result<JobView, Error>;

    /// Jobs of a queue in one state, oldest first, a page at a time; payloads are left out.
    async fn list(&self, filter: JobFilter) -> Result<JobPage, Error>;

    /// Cancels jobs that are not finished; the worker of an active one hears of it when it extends
    /// its lease, and its completion is refused. Durable on return.
    async fn cancel(&self, ids: &[JobId]) -> Result<Vec<Settled>, Error>;

    /// Makes delayed and failed jobs due now, and dead ones waiting again with fresh counts.
    /// Durable on return.
    async fn retry(&self, ids: &[JobId]) -> Result<Vec<Settled>, Error>;

    /// Dead jobs, oldest first, with their payloads and why they are dead.
    async fn dead(&self, filter: DeadFilter) -> Result<Vec<DeadLetter>, Error>;

    /// Gives a dead job another payload; its id and history stay.
    async fn edit_dead(&self, id: JobId, payload: Payload) -> Result<(), Error>;

    /// Forgets dead jobs for good.
    async fn drop_dead(&self, ids: &[JobId]) -> Result<Vec<Settled>, Error>;

    /// Makes a schedule, or changes it; ticks count from now on.
    async fn define_schedule(&self, schedule: Schedule) -> Result<(), Error>;

    /// Forgets a schedule; the jobs it made stay.
    async fn remove_schedule(&self, name: &ScheduleName) -> Result<(), Error>;

    /// Every schedule, by name.
    async fn schedules(&self) -> Result<Vec<ScheduleState>, Error>;

    /// Turns every event that passes a filter into a job from now on: event and job are one frame.
    async fn bind(&self, binding: Binding) -> Result<(), Error>;

    /// Forgets a binding.
    async fn unbind(&self, name: &ScheduleName) -> Result<(), Error>;

    /// Every binding, by name.
    async fn bindings(&self) -> Result<Vec<Binding>, Error>;
}
