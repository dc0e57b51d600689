use std::time::Duration;

use portique_clock::Timestamp;
use portique_jobs::{JobId, JobOptions, Label, Now, QueueName, QueueOptions, Rate, WorkerName};

use super::{Job, Naive, Queue, State};

/// Whose starts a rate counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    Queue,
    Group(Label),
    Key(Label),
}

/// How exactly the age of a plain job is known.
const AGE_SLACK_NANOS: i128 = 100_000_000;

impl Naive {
    /// Why a job may not be given now to a worker that has nothing in hand; none when it may.
    pub(crate) fn hindrance(&self, id: JobId, now: Timestamp) -> Option<&'static str> {
        let job = &self.jobs[&id];
        let queue = &self.queues[&job.queue];
        let options = &queue.options;
        let (group, key) = (&job.options.group, &job.options.key);
        let is_full = |limit: Option<u32>, is_same: &dyn Fn(&Job) -> bool| {
            let active = self.count(&job.queue, |other| other.is_active() && is_same(other));
            limit.is_some_and(|limit| active >= u64::from(limit))
        };
        if !job.is_due(now) || job.deadline.is_some_and(|deadline| deadline <= now) {
            return Some("not due, or overdue");
        }
        if queue.is_paused {
            return Some("the queue is paused");
        }
        if is_full(options.concurrency, &|_| true) {
            return Some("the queue's concurrency");
        }
        if let Some(group) = group {
            let is_same = |other: &Job| other.options.group.as_ref() == Some(group);
            if queue.paused_groups.contains(group) {
                return Some("the group is paused");
            }
            if is_full(options.group_concurrency, &is_same) {
                return Some("the group's concurrency");
            }
        }
        let is_same = |other: &Job| other.options.key == *key;
        if key.is_some() && is_full(options.key_concurrency, &is_same) {
            return Some("the key's concurrency");
        }
        let is_spent = scopes(queue, job)
            .into_iter()
            .any(|(scope, rate)| queue.is_spent(&scope, rate, now));
        is_spent.then_some("a rate")
    }

    /// What a worker that has these in hand must be given something of.
    pub(crate) fn claimable(
        &self,
        queue: &QueueName,
        worker: &WorkerName,
        now: Timestamp,
    ) -> Vec<JobId> {
        let in_hand = self.in_hand(worker);
        if in_hand.iter().any(|id| self.jobs[id].losses > 0) {
            return Vec::new();
        }
        let of_queue = self.jobs.iter().filter(|(_, job)| job.queue == *queue);
        of_queue
            .filter(|(id, job)| {
                (in_hand.is_empty() || job.losses == 0) && self.hindrance(**id, now).is_none()
            })
            .map(|(id, _)| *id)
            .collect()
    }

    fn in_hand(&self, worker: &WorkerName) -> Vec<JobId> {
        self.ids(|job| matches!(&job.state, State::Active { worker: of, .. } if of == worker))
    }

    /// Checks that a job may be given, and gives it.
    pub(crate) fn claim(
        &mut self,
        id: JobId,
        token: u64,
        worker: &WorkerName,
        lease: Duration,
        now: Now,
    ) {
        let job = &self.jobs[&id];
        let hindrance = self.hindrance(id, now.wall);
        assert_eq!(hindrance, None, "{id} was given all the same: {job:?}");
        let in_hand = self.in_hand(worker);
        let is_suspect = |id: &JobId| self.jobs[id].losses > 0;
        assert!(
            in_hand.is_empty() || !is_suspect(&id) && !in_hand.iter().any(is_suspect),
            "worker {worker} holds {in_hand:?} and was given {id} beside a suspect"
        );
        self.check_order(id, now.wall);
        self.count_start(id, now.wall);
        let job = self.jobs.get_mut(&id).unwrap();
        job.attempts += 1;
        job.was_claimed = true;
        job.state = State::Active {
            token,
            worker: worker.clone(),
            ends: now.monotonic + lease,
            lease,
        };
        self.free_unique(id, false);
    }

    /// Counts a start against every rate.
    pub(crate) fn count_start(&mut self, id: JobId, now: Timestamp) {
        let job = &self.jobs[&id];
        let queue = self.queues.get_mut(&job.queue).unwrap();
        for (scope, rate) in scopes(queue, job) {
            queue.spend(scope, rate, now);
        }
    }

    /// No other job of its group that may be given comes clearly before it.
    fn check_order(&self, id: JobId, now: Timestamp) {
        let job = &self.jobs[&id];
        let options = &self.queues[&job.queue].options;
        let rivals = self.jobs.iter().filter(|(other, rival)| {
            **other != id && rival.queue == job.queue && rival.options.group == job.options.group
        });
        for (other, rival) in rivals {
            // A suspect's turn comes when a worker has nothing else in hand.
            let is_suspect = job.losses > 0 || rival.losses > 0;
            if is_suspect || !rival.comes_before(job, *other < id, options) {
                continue;
            }
            let hindrance = self.hindrance(*other, now);
            assert!(
                hindrance.is_some(),
                "{id} was given before {other}: {job:?}, {rival:?}"
            );
        }
    }
}

impl Job {
    /// `has_lower_id` decides between two plain jobs.
    fn comes_before(&self, other: &Self, has_lower_id: bool, options: &QueueOptions) -> bool {
        if self.is_plain() && other.is_plain() {
            return has_lower_id;
        }
        let due = |job: &Self| i128::from(job.due.as_nanos());
        let worth = i128::from(self.options.priority) - i128::from(other.options.priority);
        match options.ageing {
            Some(step) => {
                let worth = worth * step.as_nanos().cast_signed();
                due(self) + AGE_SLACK_NANOS < due(other) + worth
            }
            None => worth > 0 || worth == 0 && due(self) + AGE_SLACK_NANOS < due(other),
        }
    }

    /// First in, first out, and never out yet.
    fn is_plain(&self) -> bool {
        let plain = JobOptions {
            retry: self.options.retry.clone(),
            idempotency_key: self.options.idempotency_key.clone(),
            ..JobOptions::default()
        };
        self.options == plain && self.due == self.enqueued && !self.was_claimed
    }
}

impl Queue {
    fn is_spent(&self, scope: &Scope, rate: Rate, now: Timestamp) -> bool {
        let Some(theoretical) = self.rates.get(scope) else {
            return false;
        };
        let burst = interval(rate) * i128::from(rate.count - 1);
        theoretical - burst > i128::from(now.as_nanos())
    }

    fn spend(&mut self, scope: Scope, rate: Rate, now: Timestamp) {
        let now = i128::from(now.as_nanos());
        let theoretical = self.rates.entry(scope).or_insert(now);
        *theoretical = now.max(*theoretical) + interval(rate);
    }
}

fn scopes(queue: &Queue, job: &Job) -> Vec<(Scope, Rate)> {
    let options = &queue.options;
    let of_queue = options.rate.map(|rate| (Scope::Queue, rate));
    let group = job.options.group.clone().zip(options.group_rate);
    let key = job.options.key.clone().zip(options.key_rate);
    let of_group = group.map(|(group, rate)| (Scope::Group(group), rate));
    let of_key = key.map(|(key, rate)| (Scope::Key(key), rate));
    of_queue.into_iter().chain(of_group).chain(of_key).collect()
}

fn interval(rate: Rate) -> i128 {
    let nanos = rate.per.as_nanos().div_ceil(u128::from(rate.count));
    nanos.cast_signed()
}
