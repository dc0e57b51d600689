use std::collections::BTreeSet;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_jobs::{Dependency, Enqueued, JobId, NewJob, QueueName, Unique, UniqueMode};

use super::{Job, Naive, State};

const REQUESTS_REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

/// Why a batch is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    UnknownJob,
    KeyConflict,
    Draining,
    Full,
    /// It would take the place of a job and wait for a later one.
    After,
}

impl Naive {
    /// Takes all jobs in or none. The records of what changes are numbered from `first` on.
    pub(crate) fn enqueue(
        &mut self,
        jobs: &[NewJob],
        first: u64,
        now: Timestamp,
    ) -> Result<Vec<Enqueued>, Refusal> {
        self.rewritten.clear();
        let before = self.clone();
        let mut next = first;
        let mut answers = Vec::new();
        for job in jobs {
            match self.enqueue_one(job, &answers, &mut next, first, now) {
                Ok(answer) => answers.push(answer),
                Err(refusal) => {
                    *self = before;
                    return Err(refusal);
                }
            }
        }
        // Children that were dead before are heard of once the batch is whole.
        self.tell_parents(now);
        Ok(answers)
    }

    fn enqueue_one(
        &mut self,
        new: &NewJob,
        batch: &[Enqueued],
        next: &mut u64,
        first: u64,
        now: Timestamp,
    ) -> Result<Enqueued, Refusal> {
        let children = self.children(new, batch, now)?;
        if let Some(earlier) = self.earlier_request(new, now)? {
            return Ok(existing(earlier));
        }
        let queue = &self.queues[&new.queue];
        if queue.is_draining {
            return Err(Refusal::Draining);
        }
        let holder = new.options.unique.as_ref();
        let holder = holder.and_then(|unique| self.holder(&new.queue, unique, now));
        if let Some(holder) = holder {
            self.come_after(holder, new, children, next, first, now)?;
            // The key of a request that has no job of its own has a record.
            *next += u64::from(new.options.idempotency_key.is_some());
            self.note_request(new, holder, now);
            return Ok(existing(holder));
        }
        if self.count(&new.queue, |job| !job.is_finished()) >= queue.options.jobs_max {
            return Err(Refusal::Full);
        }
        let id = JobId(*next);
        *next += 1;
        self.queues.get_mut(&new.queue).unwrap().totals.enqueued += 1;
        self.take_in(id, new, children, now);
        self.note_request(new, id, now);
        Ok(Enqueued { id, is_new: true })
    }

    /// The jobs it is to wait for: those that were not completed.
    fn children(
        &self,
        new: &NewJob,
        batch: &[Enqueued],
        now: Timestamp,
    ) -> Result<BTreeSet<JobId>, Refusal> {
        let mut children = BTreeSet::new();
        for dependency in &new.options.after {
            let id = match dependency {
                Dependency::Job(id) => *id,
                Dependency::InBatch(index) => batch[*index].id,
            };
            let child = self.known(id, now).ok_or(Refusal::UnknownJob)?;
            if !matches!(child.state, State::Completed { .. }) {
                children.insert(id);
            }
        }
        Ok(children)
    }

    fn earlier_request(&self, new: &NewJob, now: Timestamp) -> Result<Option<JobId>, Refusal> {
        let Some(key) = &new.options.idempotency_key else {
            return Ok(None);
        };
        let mut requests = self.requests.iter().rev();
        let earlier = requests.find(|(queue, other, ..)| queue == &new.queue && other == key);
        match earlier {
            Some((_, _, payload, id, until)) if now < *until => match payload == &new.payload {
                true => Ok(Some(*id)),
                false => Err(Refusal::KeyConflict),
            },
            _ => Ok(None),
        }
    }

    fn note_request(&mut self, new: &NewJob, id: JobId, now: Timestamp) {
        if let Some(key) = new.options.idempotency_key.clone() {
            let until = now.plus(REQUESTS_REMEMBERED);
            self.requests
                .push((new.queue.clone(), key, new.payload.clone(), id, until));
        }
    }

    fn holder(&self, queue: &QueueName, unique: &Unique, now: Timestamp) -> Option<JobId> {
        let (id, until) = self.queues[queue].unique.get(&unique.key)?;
        until.is_none_or(|until| now < until).then_some(*id)
    }

    /// A job whose uniqueness key another holds: it takes its place, if it may.
    fn come_after(
        &mut self,
        holder: JobId,
        new: &NewJob,
        children: BTreeSet<JobId>,
        next: &mut u64,
        first: u64,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let unique = new.options.unique.as_ref().unwrap();
        if unique.mode != UniqueMode::Replace {
            return Ok(());
        }
        if children.iter().any(|child| child.0 >= first) {
            return Err(Refusal::After);
        }
        let state = &self.jobs[&holder].state;
        if !matches!(state, State::Held { .. } | State::Blocked) {
            return Ok(());
        }
        if holder.0 < first {
            if children.iter().any(|child| *child >= holder) {
                return Err(Refusal::After);
            }
            *next += u64::from(self.rewritten.insert(holder));
        } else {
            let replaced = &self.jobs[&holder].options;
            *next += u64::from(replaced.idempotency_key.is_some());
        }
        let old = self.jobs[&holder].clone();
        self.free_unique(holder, true);
        self.take_in(holder, new, children, now);
        let job = self.jobs.get_mut(&holder).unwrap();
        (job.attempts, job.failures, job.losses) = (old.attempts, old.failures, old.losses);
        Ok(())
    }

    fn take_in(&mut self, id: JobId, new: &NewJob, children: BTreeSet<JobId>, now: Timestamp) {
        let options = new.options.clone();
        if let Some(unique) = &options.unique {
            let until = match unique.mode {
                UniqueMode::For(time) => Some(now.plus(time)),
                _ => None,
            };
            let queue = self.queues.get_mut(&new.queue).unwrap();
            queue.unique.insert(unique.key.clone(), (id, until));
        }
        let mut job = Job {
            queue: new.queue.clone(),
            payload: new.payload.clone(),
            enqueued: now,
            due: options.run_at.unwrap_or(now).max(now),
            deadline: options.deadline,
            state: State::Blocked,
            attempts: 0,
            failures: 0,
            losses: 0,
            was_claimed: false,
            open: children,
            options,
        };
        job.wait();
        self.jobs.insert(id, job);
    }
}

fn existing(id: JobId) -> Enqueued {
    Enqueued { id, is_new: false }
}
