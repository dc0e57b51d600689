//! The jobs port on the machine: deciding, making durable, waking whoever waits.

mod bound;
mod carry;
mod change;
mod claim;
mod enqueue;
mod records;
mod refusal;
mod schedules;
mod settle;
mod time;
mod views;
mod waiting;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use portique_clock::Seeded;
use portique_jobs::{
    Binding, Claim, Claimed, Completion, DeadFilter, DeadLetter, Enqueued, Error, Extension, Fact,
    Failing, JobFilter, JobId, JobPage, JobView, Jobs, Label, Lease, Machine, NewJob, Now, Payload,
    Progress, QueueName, QueueOptions, QueueState, Schedule, ScheduleName, ScheduleState, Settled,
};
use portique_journal::Lane;
use tokio::sync::Notify;

use crate::job_tail::{JobTail, Stored};

use super::Broker;

pub(super) use bound::Missed;
pub(super) use change::drafts;
pub(super) use enqueue::check_batch;
pub(super) use settle::check_count as check_settle_count;
pub(super) use time::see_to_time;

use records::Readers;
use waiting::Waiting;

/// What the lock guards of the jobs.
pub(super) struct JobsCore {
    pub(super) machine: Machine,
    pub(super) tail: JobTail,
    pub(super) waiting: Waiting,
    /// Leases of claims that were given up, which the journal did not take back at once.
    pub(super) given_back: Vec<Lease>,
    /// For the jitter of retries.
    pub(super) random: Seeded,
    /// Monotonic time at which the timer looks again; none: when it is told.
    pub(super) sleeps_until: Option<Duration>,
    /// Queues that somebody waits for, and when, in monotonic time, they may give something.
    expected: BTreeMap<QueueName, Duration>,
}

/// What the jobs share outside the lock.
#[derive(Default)]
pub(super) struct JobsShared {
    readers: Readers,
    /// Something becomes due sooner than the timer knows.
    pub(super) sooner: Notify,
}

impl JobsCore {
    pub(super) fn new(machine: Machine, tail_bytes_max: usize, seed: u64) -> Self {
        Self {
            machine,
            tail: JobTail::new(tail_bytes_max),
            waiting: Waiting::default(),
            given_back: Vec::new(),
            random: Seeded::new(seed),
            sleeps_until: None,
            expected: BTreeMap::new(),
        }
    }

    /// Wakes whoever waits for what the facts applied since the last call have changed.
    pub(super) fn pass_on(&mut self, shared: &JobsShared, now: Now) {
        for queue in self.machine.take_stirred() {
            self.waiting.wake(&queue);
        }
        for id in self.machine.take_ended() {
            self.waiting.tell(id);
        }
        let next = self
            .machine
            .next_due(now)
            .map(|wait| now.monotonic.saturating_add(wait));
        if next.is_some_and(|next| self.sleeps_until.is_none_or(|until| next < until)) {
            self.sleeps_until = next;
            shared.sooner.notify_one();
        }
    }

    /// Takes a fact in that was submitted, and keeps the job that its record may hold.
    pub(super) fn take_in(&mut self, sequence: u64, fact: &Fact, stored: Stored, now: Now) {
        self.machine.apply(sequence, fact, now);
        if Fact::is_job(stored.kind) {
            self.tail.push(sequence, stored);
        }
    }
}

#[async_trait]
impl Jobs for Broker {
    async fn define_queue(&self, name: &QueueName, options: QueueOptions) -> Result<(), Error> {
        let define = |core: &mut super::Core, _| {
            let fact = core.jobs.machine.decide_define_queue(name, &options)?;
            Ok(fact.into_iter().collect())
        };
        self.shared.make(Lane::Work, define).await
    }

    async fn remove_queue(&self, name: &QueueName) -> Result<(), Error> {
        let remove =
            |core: &mut super::Core, _| Ok(vec![core.jobs.machine.decide_remove_queue(name)?]);
        self.shared.make(Lane::Drain, remove).await
    }

    async fn queues(&self) -> Result<Vec<QueueState>, Error> {
        let now = self.shared.now();
        Ok(self.shared.core().jobs.machine.queue_states(now))
    }

    async fn queue(&self, name: &QueueName) -> Result<QueueState, Error> {
        let now = self.shared.now();
        self.shared.core().jobs.machine.queue_state(name, now)
    }

    async fn pause(&self, queue: &QueueName, group: Option<&Label>) -> Result<(), Error> {
        let pause =
            |core: &mut super::Core, _| Ok(vec![core.jobs.machine.decide_pause(queue, group)?]);
        self.shared.make(Lane::Drain, pause).await
    }

    async fn resume(&self, queue: &QueueName, group: Option<&Label>) -> Result<(), Error> {
        let resume =
            |core: &mut super::Core, _| Ok(vec![core.jobs.machine.decide_resume(queue, group)?]);
        self.shared.make(Lane::Drain, resume).await
    }

    async fn drain(&self, queue: &QueueName) -> Result<(), Error> {
        let drain = |core: &mut super::Core, _| Ok(vec![core.jobs.machine.decide_drain(queue)?]);
        self.shared.make(Lane::Drain, drain).await
    }

    async fn enqueue(&self, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>, Error> {
        self.shared.enqueue(jobs).await
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<Claimed>, Error> {
        self.shared.claim(&claim).await
    }

    async fn extend(&self, leases: &[Lease]) -> Result<Vec<Extension>, Error> {
        settle::check_count(leases.len())?;
        self.shared.check_jobs_open()?;
        let now = self.shared.now();
        Ok(self.shared.core().jobs.machine.extend(leases, now))
    }

    async fn progress(&self, lease: Lease, progress: Progress) -> Result<(), Error> {
        self.shared.check_jobs_open()?;
        self.shared.core().jobs.machine.progress(lease, progress)
    }

    async fn complete(&self, completions: Vec<Completion>) -> Result<Vec<Settled>, Error> {
        self.shared.complete(completions).await
    }

    async fn fail(&self, failings: Vec<Failing>) -> Result<Vec<Settled>, Error> {
        self.shared.fail(failings).await
    }

    async fn release(&self, leases: &[Lease], delay: Duration) -> Result<Vec<Settled>, Error> {
        self.shared.release(leases, delay).await
    }

    async fn job(&self, id: JobId) -> Result<JobView, Error> {
        self.shared.job(id).await
    }

    async fn wait_job(&self, id: JobId, wait: Duration) -> Result<JobView, Error> {
        self.shared.wait_job(id, wait).await
    }

    async fn list(&self, filter: JobFilter) -> Result<JobPage, Error> {
        self.shared.list(filter).await
    }

    async fn cancel(&self, ids: &[JobId]) -> Result<Vec<Settled>, Error> {
        self.shared.cancel(ids).await
    }

    async fn retry(&self, ids: &[JobId]) -> Result<Vec<Settled>, Error> {
        self.shared.retry(ids).await
    }

    async fn dead(&self, filter: DeadFilter) -> Result<Vec<DeadLetter>, Error> {
        self.shared.dead(filter).await
    }

    async fn edit_dead(&self, id: JobId, payload: Payload) -> Result<(), Error> {
        self.shared.edit_dead(id, payload).await
    }

    async fn drop_dead(&self, ids: &[JobId]) -> Result<Vec<Settled>, Error> {
        self.shared.drop_dead(ids).await
    }

    async fn define_schedule(&self, schedule: Schedule) -> Result<(), Error> {
        self.shared.define_schedule(schedule).await
    }

    async fn remove_schedule(&self, name: &ScheduleName) -> Result<(), Error> {
        self.shared.remove_schedule(name).await
    }

    async fn schedules(&self) -> Result<Vec<ScheduleState>, Error> {
        Ok(self.shared.schedules())
    }

    async fn bind(&self, binding: Binding) -> Result<(), Error> {
        self.shared.bind(binding).await
    }

    async fn unbind(&self, name: &ScheduleName) -> Result<(), Error> {
        self.shared.unbind(name).await
    }

    async fn bindings(&self) -> Result<Vec<Binding>, Error> {
        Ok(self.shared.bindings())
    }
}
