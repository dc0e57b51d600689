//! A queue that anyone can check by reading: one list of jobs, looked through from the start for
//! everything. It does not choose; it says what may be chosen, and what becomes of what was.

mod claim;
pub(crate) mod enqueue;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portique_clock::Timestamp;
use portique_jobs::{
    JobId, JobOptions, Label, Lease, Now, OnDeadChild, Payload, QueueName, QueueOptions,
    RetryPolicy, WorkerName,
};

use self::claim::Scope;

#[derive(Debug, Clone, Default)]
pub(crate) struct Naive {
    pub(crate) queues: BTreeMap<QueueName, Queue>,
    pub(crate) jobs: BTreeMap<JobId, Job>,
    /// Idempotency keys: queue, key, payload, job, until when.
    requests: Vec<(QueueName, String, Payload, JobId, Timestamp)>,
    /// Jobs from before whose place this batch took: one record each.
    rewritten: BTreeSet<JobId>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Queue {
    pub(crate) options: QueueOptions,
    pub(crate) is_paused: bool,
    pub(crate) is_draining: bool,
    pub(crate) paused_groups: BTreeSet<Label>,
    /// Theoretical arrival times, in nanoseconds.
    rates: BTreeMap<Scope, i128>,
    /// Finished jobs that are remembered, oldest first: job, until when, bytes of its result.
    pub(crate) finished: Vec<(JobId, Timestamp, u64)>,
    /// Who holds a uniqueness key, and until when if that is what ends it.
    unique: BTreeMap<String, (JobId, Option<Timestamp>)>,
    pub(crate) totals: Totals,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) enqueued: u64,
    pub(crate) completed: u64,
    pub(crate) failures: u64,
    pub(crate) losses: u64,
    pub(crate) dead: u64,
    pub(crate) cancelled: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) queue: QueueName,
    pub(crate) options: JobOptions,
    pub(crate) payload: Payload,
    pub(crate) enqueued: Timestamp,
    /// When it is due, or was.
    pub(crate) due: Timestamp,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) state: State,
    pub(crate) attempts: u32,
    pub(crate) failures: u32,
    pub(crate) losses: u32,
    pub(crate) was_claimed: bool,
    /// The jobs it waits for.
    pub(crate) open: BTreeSet<JobId>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum State {
    /// Waits for its turn or its time; `has_failed`: for the next attempt after a failure.
    Held {
        has_failed: bool,
    },
    Blocked,
    Active {
        token: u64,
        worker: WorkerName,
        ends: Duration,
        lease: Duration,
    },
    Dead,
    Completed {
        token: u64,
    },
    Cancelled {
        token: Option<u64>,
    },
    /// Dead, and its letter dropped.
    Dropped,
}

impl Job {
    pub(crate) fn is_finished(&self) -> bool {
        matches!(
            self.state,
            State::Completed { .. } | State::Cancelled { .. } | State::Dropped
        )
    }

    pub(crate) fn is_active(&self) -> bool {
        matches!(self.state, State::Active { .. })
    }

    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        matches!(self.state, State::Held { .. }) && self.due <= now
    }

    /// The word of its state.
    pub(crate) fn word(&self, now: Timestamp) -> &'static str {
        match self.state {
            State::Held { .. } if self.due <= now && self.options.priority == 0 => "waiting",
            State::Held { .. } if self.due <= now => "prioritized",
            State::Held { has_failed: true } => "failed",
            State::Held { has_failed: false } => "delayed",
            State::Blocked => "blocked",
            State::Active { .. } => "active",
            State::Completed { .. } => "completed",
            State::Dead => "dead",
            State::Cancelled { .. } => "cancelled",
            State::Dropped => "dropped",
        }
    }

    fn wait(&mut self) {
        self.state = match self.open.is_empty() {
            true => State::Held { has_failed: false },
            false => State::Blocked,
        };
    }
}

impl Naive {
    /// How many jobs of a queue are so.
    pub(crate) fn count(&self, queue: &QueueName, is_it: impl Fn(&Job) -> bool) -> u64 {
        let of_queue = self.jobs.values().filter(|job| job.queue == *queue);
        of_queue.filter(|job| is_it(job)).count() as u64
    }

    /// A job that is not finished, or is remembered.
    pub(crate) fn known(&self, id: JobId, now: Timestamp) -> Option<&Job> {
        let job = self.jobs.get(&id)?;
        let finished = &self.queues[&job.queue].finished;
        let is_remembered = finished
            .iter()
            .any(|(other, until, _)| *other == id && now < *until);
        (!job.is_finished() || is_remembered).then_some(job)
    }

    /// The job of a lease that is held.
    pub(crate) fn held(&mut self, lease: Lease) -> Option<&mut Job> {
        let job = self.jobs.get_mut(&lease.id)?;
        let is_it =
            |state: &State| matches!(state, State::Active { token, .. } if *token == lease.token.0);
        is_it(&job.state).then_some(job)
    }

    /// What a lease that is not held comes to.
    pub(crate) fn stale(&self, lease: Lease, now: Timestamp) -> portique_jobs::Settled {
        use portique_jobs::Settled;
        match self.known(lease.id, now).map(|job| &job.state) {
            None => Settled::Unknown,
            Some(State::Completed { token }) if *token == lease.token.0 => Settled::Done,
            Some(_) => Settled::Stale,
        }
    }

    fn queue_of(&mut self, id: JobId) -> &mut Queue {
        let name = &self.jobs[&id].queue;
        self.queues.get_mut(name).unwrap()
    }

    pub(crate) fn complete(&mut self, id: JobId, token: u64, result_bytes: u64, now: Timestamp) {
        self.queue_of(id).totals.completed += 1;
        self.finish(id, State::Completed { token }, result_bytes, now);
    }

    pub(crate) fn cancel(&mut self, id: JobId, now: Timestamp) {
        let token = match self.jobs[&id].state {
            State::Active { token, .. } => Some(token),
            _ => None,
        };
        self.queue_of(id).totals.cancelled += 1;
        self.finish(id, State::Cancelled { token }, 0, now);
    }

    fn finish(&mut self, id: JobId, state: State, result_bytes: u64, now: Timestamp) {
        let job = self.jobs.get_mut(&id).unwrap();
        job.state = state;
        let ttl = job.options.result_ttl;
        let queue = self.queue_of(id);
        let ttl = ttl.unwrap_or(queue.options.result_ttl);
        queue.finished.push((id, now.plus(ttl), result_bytes));
        queue.evict(now);
        self.free_unique(id, true);
        self.tell_parents(now);
    }

    pub(crate) fn fail(&mut self, id: JobId, due: Option<Timestamp>, now: Timestamp) {
        self.queue_of(id).totals.failures += 1;
        let job = self.jobs.get_mut(&id).unwrap();
        job.failures += 1;
        match due {
            Some(due) => {
                job.due = due;
                job.state = State::Held { has_failed: true };
            }
            None => self.die(id, now),
        }
    }

    pub(crate) fn release(&mut self, id: JobId, delay: Duration, now: Timestamp) {
        let job = self.jobs.get_mut(&id).unwrap();
        job.attempts -= 1;
        if !delay.is_zero() {
            job.due = now.plus(delay);
        }
        job.wait();
    }

    fn lose(&mut self, id: JobId, now: Timestamp) {
        let queue = self.queue_of(id);
        queue.totals.losses += 1;
        let losses_max = queue.options.losses_max;
        let job = self.jobs.get_mut(&id).unwrap();
        job.losses += 1;
        if job.losses >= losses_max {
            self.die(id, now);
        } else {
            job.wait();
        }
    }

    pub(crate) fn die(&mut self, id: JobId, now: Timestamp) {
        self.jobs.get_mut(&id).unwrap().state = State::Dead;
        self.queue_of(id).totals.dead += 1;
        self.free_unique(id, true);
        self.tell_parents(now);
    }

    pub(crate) fn drop_dead(&mut self, id: JobId, now: Timestamp) {
        self.jobs.get_mut(&id).unwrap().state = State::Dropped;
        self.tell_parents(now);
    }

    /// Makes a delayed or failed job due now, and a dead one wait again.
    pub(crate) fn retry(&mut self, id: JobId, now: Timestamp) {
        let is_there = |child: &JobId| {
            let state = &self.jobs[child].state;
            !self.jobs[child].is_finished() && *state != State::Dead
        };
        let mut open = self.jobs[&id].open.clone();
        open.retain(is_there);
        let job = self.jobs.get_mut(&id).unwrap();
        if job.state == State::Dead {
            (job.attempts, job.failures, job.losses) = (0, 0, 0);
            job.deadline = job.deadline.filter(|deadline| *deadline > now);
            job.open = open;
        }
        job.due = now;
        job.wait();
    }

    /// What time brings: leases that were lost, then deadlines that passed.
    pub(crate) fn pass(&mut self, now: Now) {
        let is_lost =
            |job: &Job| matches!(job.state, State::Active { ends, .. } if ends <= now.monotonic);
        for id in self.ids(is_lost) {
            self.lose(id, now.wall);
        }
        let is_over = |job: &Job| {
            let may_die = !job.is_finished() && job.state != State::Dead;
            may_die && job.deadline.is_some_and(|deadline| deadline <= now.wall)
        };
        for id in self.ids(is_over) {
            // It may have died with another one by now.
            if self.jobs[&id].state != State::Dead {
                self.die(id, now.wall);
            }
        }
    }

    /// After a restart every lease has its full time, and nothing of a rate is used.
    pub(crate) fn restart(&mut self, now: Now) {
        for job in self.jobs.values_mut() {
            if let State::Active { ends, lease, .. } = &mut job.state {
                *ends = now.monotonic + *lease;
            }
        }
        for queue in self.queues.values_mut() {
            queue.rates.clear();
        }
    }

    fn ids(&self, is_it: impl Fn(&Job) -> bool) -> Vec<JobId> {
        let found = self.jobs.iter().filter(|(_, job)| is_it(job));
        found.map(|(id, _)| *id).collect()
    }

    /// Sees to every blocked job: lets it go on, or gives it up, if its children say so.
    pub(crate) fn tell_parents(&mut self, now: Timestamp) {
        for parent in self.ids(|job| job.state == State::Blocked) {
            let job = &self.jobs[&parent];
            let mut open = job.open.clone();
            let on_dead_child = job.options.on_dead_child;
            open.retain(|child| match self.jobs[child].state {
                State::Completed { .. } => false,
                State::Dead | State::Cancelled { .. } | State::Dropped => {
                    on_dead_child != OnDeadChild::Ignore
                }
                _ => true,
            });
            let is_fatal = |child: &JobId| match self.jobs[child].state {
                State::Dead => on_dead_child == OnDeadChild::Die,
                State::Cancelled { .. } | State::Dropped => true,
                _ => false,
            };
            let dies = open.iter().any(is_fatal);
            let job = self.jobs.get_mut(&parent).unwrap();
            job.open = open;
            if dies {
                self.die(parent, now);
                return self.tell_parents(now);
            }
            job.wait();
        }
    }

    /// Frees the key that a job holds; `is_over`: it is finished or dead, not only claimed.
    fn free_unique(&mut self, id: JobId, is_over: bool) {
        use portique_jobs::UniqueMode;
        let Some(unique) = self.jobs[&id].options.unique.clone() else {
            return;
        };
        let frees = match unique.mode {
            UniqueMode::UntilClaimed | UniqueMode::Replace => true,
            UniqueMode::UntilFinished => is_over,
            UniqueMode::For(_) => false,
        };
        let queue = self.queue_of(id);
        let is_its = queue
            .unique
            .get(&unique.key)
            .is_some_and(|held| held.0 == id);
        if frees && is_its {
            queue.unique.remove(&unique.key);
        }
    }

    pub(crate) fn policy(&self, id: JobId) -> &RetryPolicy {
        let job = &self.jobs[&id];
        let own = job.options.retry.as_ref();
        own.unwrap_or(&self.queues[&job.queue].options.retry)
    }
}

impl Queue {
    /// Forgets finished jobs past their time, then the oldest over the limits.
    pub(crate) fn evict(&mut self, now: Timestamp) {
        self.finished.retain(|(_, until, _)| now < *until);
        let bytes =
            |finished: &[(JobId, Timestamp, u64)]| finished.iter().map(|job| job.2).sum::<u64>();
        while self.finished.len() > self.options.finished_max as usize
            || bytes(&self.finished) > self.options.result_bytes_max
        {
            self.finished.remove(0);
        }
    }
}
