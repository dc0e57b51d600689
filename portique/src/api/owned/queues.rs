//! The job queues as visitors have them: what belongs to a part of the hub can be looked at only.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portique_jobs::{
    Binding, Claim, Claimed, Committed, Completion, DeadFilter, DeadLetter, Enqueued, Error,
    Extension, Failing, JobFilter, JobId, JobPage, JobView, Jobs, Label, Lease, NewJob, Payload,
    Progress, QueueName, QueueOptions, QueueState, Schedule, ScheduleName, ScheduleState, Settled,
    Transact, Transaction,
};

/// A queue that belongs to a part of the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OwnedQueue {
    pub(crate) name: &'static str,
    /// Operators may stop its claims for a while.
    pub(crate) can_pause: bool,
    /// Its workers are other processes. They cannot complete its jobs: whoever owns it does so when they ask for the work.
    pub(crate) can_claim: bool,
}

/// Queues of which some are the hub's own.
///
/// Their dead jobs can be retried and dropped, which is how an operator cleans up. Who holds no lease of a job cannot
/// end it, and leases are not given out, but to [workers](OwnedQueue::can_claim).
pub(crate) struct VisitorJobs {
    jobs: Arc<dyn Jobs>,
    owned: Vec<OwnedQueue>,
}

/// Transactions that put nothing into them.
pub(crate) struct VisitorTransact {
    transact: Arc<dyn Transact>,
    jobs: VisitorJobs,
}

impl OwnedQueue {
    /// One that nobody outside touches.
    pub(crate) fn closed(name: &'static str) -> Self {
        Self {
            name,
            can_pause: false,
            can_claim: false,
        }
    }
}

impl VisitorJobs {
    pub(super) fn new(jobs: Arc<dyn Jobs>, owned: Vec<OwnedQueue>) -> Self {
        Self { jobs, owned }
    }

    fn check(&self, queue: &QueueName) -> Result<(), Error> {
        self.check_unless(queue, |_| false)
    }

    fn check_unless(
        &self,
        queue: &QueueName,
        is_free: impl Fn(&OwnedQueue) -> bool,
    ) -> Result<(), Error> {
        let owned = self.owned.iter().find(|owned| owned.name == queue.as_str());
        match owned.is_none_or(is_free) {
            true => Ok(()),
            false => Err(Error::OwnedQueue {
                queue: queue.clone(),
            }),
        }
    }

    /// A job that were completed without its work would be lost. Where no leases are given out nobody can.
    async fn check_completions(&self, completions: &[Completion]) -> Result<(), Error> {
        if self.owned.iter().any(|owned| owned.can_claim) {
            for completion in completions {
                self.check_job(completion.lease.id).await?;
            }
        }
        Ok(())
    }

    async fn check_job(&self, id: JobId) -> Result<(), Error> {
        match self.jobs.job(id).await {
            Ok(job) => self.check(&job.queue),
            // Whoever is asked next says so in its own way.
            Err(Error::UnknownJob { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl VisitorTransact {
    pub(super) fn new(transact: Arc<dyn Transact>, jobs: VisitorJobs) -> Self {
        Self { transact, jobs }
    }
}

#[async_trait]
impl Transact for VisitorTransact {
    async fn commit(&self, transaction: Transaction) -> Result<Committed, Error> {
        for job in &transaction.enqueue {
            self.jobs.check(&job.queue)?;
        }
        self.jobs.check_completions(&transaction.complete).await?;
        self.transact.commit(transaction).await
    }
}

#[async_trait]
impl Jobs for VisitorJobs {
    async fn define_queue(&self, name: &QueueName, options: QueueOptions) -> Result<(), Error> {
        self.check(name)?;
        self.jobs.define_queue(name, options).await
    }

    async fn remove_queue(&self, name: &QueueName) -> Result<(), Error> {
        self.check(name)?;
        self.jobs.remove_queue(name).await
    }

    async fn queues(&self) -> Result<Vec<QueueState>, Error> {
        self.jobs.queues().await
    }

    async fn queue(&self, name: &QueueName) -> Result<QueueState, Error> {
        self.jobs.queue(name).await
    }

    async fn pause(&self, queue: &QueueName, group: Option<&Label>) -> Result<(), Error> {
        self.check_unless(queue, |owned| owned.can_pause)?;
        self.jobs.pause(queue, group).await
    }

    async fn resume(&self, queue: &QueueName, group: Option<&Label>) -> Result<(), Error> {
        self.check_unless(queue, |owned| owned.can_pause)?;
        self.jobs.resume(queue, group).await
    }

    async fn drain(&self, queue: &QueueName) -> Result<(), Error> {
        self.check(queue)?;
        self.jobs.drain(queue).await
    }

    async fn enqueue(&self, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>, Error> {
        for job in &jobs {
            self.check(&job.queue)?;
        }
        self.jobs.enqueue(jobs).await
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<Claimed>, Error> {
        self.check_unless(&claim.queue, |owned| owned.can_claim)?;
        self.jobs.claim(claim).await
    }

    async fn extend(&self, leases: &[Lease]) -> Result<Vec<Extension>, Error> {
        self.jobs.extend(leases).await
    }

    async fn progress(&self, lease: Lease, progress: Progress) -> Result<(), Error> {
        self.jobs.progress(lease, progress).await
    }

    async fn complete(&self, completions: Vec<Completion>) -> Result<Vec<Settled>, Error> {
        self.check_completions(&completions).await?;
        self.jobs.complete(completions).await
    }

    async fn fail(&self, failings: Vec<Failing>) -> Result<Vec<Settled>, Error> {
        self.jobs.fail(failings).await
    }

    async fn release(&self, leases: &[Lease], delay: Duration) -> Result<Vec<Settled>, Error> {
        self.jobs.release(leases, delay).await
    }

    async fn job(&self, id: JobId) -> Result<JobView, Error> {
        self.jobs.job(id).await
    }

    async fn wait_job(&self, id: JobId, wait: Duration) -> Result<JobView, Error> {
        self.jobs.wait_job(id, wait).await
    }

    async fn list(&self, filter: JobFilter) -> Result<JobPage, Error> {
        self.jobs.list(filter).await
    }

    async fn cancel(&self, ids: &[JobId]) -> Result<Vec<Settled>, Error> {
        for id in ids {
            self.check_job(*id).await?;
        }
        self.jobs.cancel(ids).await
    }

    async fn retry(&self, ids: &[JobId]) -> Result<Vec<Settled>, Error> {
        self.jobs.retry(ids).await
    }

    async fn dead(&self, filter: DeadFilter) -> Result<Vec<DeadLetter>, Error> {
        self.jobs.dead(filter).await
    }

    async fn edit_dead(&self, id: JobId, payload: Payload) -> Result<(), Error> {
        self.check_job(id).await?;
        self.jobs.edit_dead(id, payload).await
    }

    async fn drop_dead(&self, ids: &[JobId]) -> Result<Vec<Settled>, Error> {
        self.jobs.drop_dead(ids).await
    }

    async fn define_schedule(&self, schedule: Schedule) -> Result<(), Error> {
        self.check(&schedule.job.queue)?;
        self.jobs.define_schedule(schedule).await
    }

    async fn remove_schedule(&self, name: &ScheduleName) -> Result<(), Error> {
        self.jobs.remove_schedule(name).await
    }

    async fn schedules(&self) -> Result<Vec<ScheduleState>, Error> {
        self.jobs.schedules().await
    }

    async fn bind(&self, binding: Binding) -> Result<(), Error> {
        self.check(&binding.queue)?;
        self.jobs.bind(binding).await
    }

    async fn unbind(&self, name: &ScheduleName) -> Result<(), Error> {
        self.jobs.unbind(name).await
    }

    async fn bindings(&self) -> Result<Vec<Binding>, Error> {
        self.jobs.bindings().await
    }
}
