//! What producers and workers do.

use std::time::Duration;

use portique_jobs::{
    Completion, Dependency, Error, Extension, Failing, Failure, JobId, JobKind, JobOptions, Lease,
    NewJob, OnDeadChild, QueueName, Settled, WorkerName,
};
use proptest::sample::Index;

use super::Pair;
use super::draw::{claim, label, payload, policy, queue, unique};
use crate::command;
use crate::naive::State;
use crate::naive::enqueue::Refusal;

impl Pair {
    pub(super) fn enqueue(&mut self, jobs: &[command::Job]) {
        let jobs = self.new_jobs(jobs);
        let now = self.shell.now;
        let first = self.shell.next_sequence();
        let expected = self.naive.enqueue(&jobs, first, now.wall);
        match self.shell.machine.decide_enqueue(jobs.clone(), now) {
            Ok(plan) => {
                let answers = plan.enqueued(first);
                assert_eq!(expected.as_ref(), Ok(&answers), "{jobs:#?}");
                self.shell.commit(&plan.facts);
                self.ids.extend(answers.iter().map(|answer| answer.id));
            }
            Err(error) => {
                let refusal = match error {
                    Error::UnknownJob { .. } => Refusal::UnknownJob,
                    Error::KeyConflict { .. } => Refusal::KeyConflict,
                    Error::Draining { .. } => Refusal::Draining,
                    Error::QueueFull { .. } => Refusal::Full,
                    Error::InvalidOption { name: "after", .. } => Refusal::After,
                    other => panic!("{other}: {jobs:#?}"),
                };
                assert_eq!(expected, Err(refusal), "{jobs:#?}");
            }
        }
    }

    fn new_jobs(&self, jobs: &[command::Job]) -> Vec<NewJob> {
        let now = self.shell.wall();
        let jobs = jobs.iter().enumerate();
        jobs.map(|(place, job)| NewJob {
            queue: queue(job.queue),
            kind: JobKind::new("work").unwrap(),
            payload: payload(job.payload),
            options: JobOptions {
                priority: job.priority,
                run_at: job.delay.map(|delay| now.plus(delay)),
                group: job.group.map(label),
                key: job.key.map(label),
                retry: job.attempts.map(policy),
                deadline: job.deadline.map(|deadline| now.plus(deadline)),
                idempotency_key: job.idempotency_key.map(|key| key.to_string()),
                unique: job.unique.map(unique),
                after: self.dependencies(&job.after, place),
                on_dead_child: match job.on_dead_child {
                    0 => OnDeadChild::Wait,
                    1 => OnDeadChild::Ignore,
                    _ => OnDeadChild::Die,
                },
                ..JobOptions::default()
            },
        })
        .collect()
    }

    fn dependencies(&self, after: &[command::After], place: usize) -> Vec<Dependency> {
        let dependency = |after: &command::After| match after {
            command::After::Seen(index) => Some(Dependency::Job(*self.seen(*index)?)),
            command::After::InBatch(_) if place == 0 => None,
            command::After::InBatch(index) => Some(Dependency::InBatch(index.index(place))),
        };
        after.iter().filter_map(dependency).collect()
    }

    pub(super) fn seen(&self, index: Index) -> Option<&JobId> {
        (!self.ids.is_empty()).then(|| &self.ids[index.index(self.ids.len())])
    }

    /// Claims, and says how many jobs there were.
    pub(super) fn claim(&mut self, name: &QueueName, by: &WorkerName, limit: usize) -> usize {
        let now = self.shell.now;
        let must = self.naive.claimable(name, by, now.wall);
        let claim = claim(name, by, limit);
        let Some(picked) = self.shell.machine.claim(&claim, now).unwrap() else {
            // A busy worker may be kept free for a suspect.
            let is_kept_free = self.shell.machine.is_kept_free(&claim);
            assert!(
                must.is_empty() || is_kept_free,
                "{by} was given nothing, not even {must:?}"
            );
            return 0;
        };
        assert!(picked.jobs.len() <= limit);
        for job in &picked.jobs {
            let lease = job.lease;
            let lower = self.leases.iter().filter(|other| other.id == lease.id);
            assert!(lower.into_iter().all(|other| other.token < lease.token));
            self.naive
                .claim(lease.id, lease.token.0, by, job.lease_time, now);
            let expected = &self.naive.jobs[&lease.id];
            assert_eq!(
                (job.attempt, job.failures, job.losses),
                (expected.attempts, expected.failures, expected.losses)
            );
            let record = self.shell.record(lease.id);
            assert_eq!(record.payload(), expected.payload);
            self.leases.push(lease);
        }
        self.shell.commit(std::slice::from_ref(&picked.fact));
        if picked.jobs.len() < limit {
            let left = self.naive.claimable(name, by, now.wall);
            assert!(
                left.is_empty(),
                "{left:?} was left although {by} asked for more"
            );
        }
        picked.jobs.len()
    }

    pub(super) fn unclaim(&mut self, name: &QueueName, by: &WorkerName, limit: usize) {
        let claim = claim(name, by, limit);
        let picked = self.shell.machine.claim(&claim, self.shell.now).unwrap();
        if let Some(picked) = picked {
            self.shell.machine.unclaim(&picked.fact, self.shell.now);
        }
    }

    fn lease(&self, index: Index) -> Option<Lease> {
        (!self.leases.is_empty()).then(|| self.leases[index.index(self.leases.len())])
    }

    pub(super) fn extend(&mut self, index: Index) {
        let Some(lease) = self.lease(index) else {
            return;
        };
        let now = self.shell.now;
        let answer = self.shell.machine.extend(&[lease], now);
        let is_known = self.naive.known(lease.id, now.wall).is_some();
        let expected = match self.naive.jobs.get_mut(&lease.id).map(|job| &mut job.state) {
            Some(State::Active {
                token,
                ends,
                lease: time,
                ..
            }) if *token == lease.token.0 => {
                *ends = now.monotonic + *time;
                Extension::Held
            }
            Some(State::Cancelled { token }) if is_known && *token == Some(lease.token.0) => {
                Extension::Cancelled
            }
            _ => Extension::Lost,
        };
        assert_eq!(answer, [expected]);
    }

    pub(super) fn complete(&mut self, indices: &[Index]) {
        let leases: Vec<_> = indices
            .iter()
            .filter_map(|index| self.lease(*index))
            .collect();
        let completion = |lease: &Lease| Completion {
            lease: *lease,
            result: lease.id.0.is_multiple_of(2).then(|| payload(7)),
        };
        let completions = leases.iter().map(completion).collect();
        let now = self.shell.now;
        let settling = self
            .shell
            .machine
            .decide_complete(completions, now)
            .unwrap();
        self.shell.commit(&settling.facts);
        let expected = leases.iter().map(|lease| match self.naive.held(*lease) {
            Some(_) => Settled::Done,
            None => self.naive.stale(*lease, now.wall),
        });
        assert_eq!(settling.settled, expected.collect::<Vec<_>>());
        for lease in leases {
            if self.naive.held(lease).is_some() {
                let result = completion(&lease).result;
                let bytes = result.map_or(0, |result| result.body.len() as u64);
                self.naive
                    .complete(lease.id, lease.token.0, bytes, now.wall);
            }
        }
    }

    pub(super) fn fail(&mut self, index: Index, how: command::Failing) {
        let Some(lease) = self.lease(index) else {
            return;
        };
        let now = self.shell.now;
        let is_held = self.naive.held(lease).is_some();
        let own = is_held
            .then(|| self.shell.record(lease.id).retry())
            .flatten();
        let failing = Failing {
            lease,
            reason: "did not work".into(),
            failure: match how {
                command::Failing::Policy => Failure::Policy,
                command::Failing::After(delay) => Failure::After(delay),
                command::Failing::Reject => Failure::Reject,
            },
        };
        let machine = &self.shell.machine;
        let settling = machine.decide_fail(vec![failing], &[own], now, &mut self.random);
        let settling = settling.unwrap();
        self.shell.commit(&settling.facts);
        let settled = &settling.settled[0];
        if !is_held {
            assert_eq!(*settled, self.naive.stale(lease, now.wall));
            return;
        }
        let due = self.expected_wait(lease.id, how);
        let due = match (settled, due) {
            (Settled::Dead, None) => None,
            (Settled::Retrying { at }, Some((least, most))) => {
                let wait = at.since(now.wall);
                assert!(
                    (least..=most).contains(&wait),
                    "{wait:?} in {least:?}..={most:?}"
                );
                Some(*at)
            }
            (settled, due) => panic!("{settled:?} instead of {due:?}"),
        };
        self.naive.fail(lease.id, due, now.wall);
    }

    /// Between what and what a job that fails now waits; none when it dies.
    fn expected_wait(&self, id: JobId, how: command::Failing) -> Option<(Duration, Duration)> {
        let policy = self.naive.policy(id);
        let failures = self.naive.jobs[&id].failures + 1;
        if failures >= policy.attempts {
            return None;
        }
        match how {
            command::Failing::Reject => None,
            command::Failing::After(delay) => Some((delay, delay)),
            command::Failing::Policy => {
                let backoff = &policy.backoff;
                let growth = backoff.factor.powi(failures as i32 - 1);
                let full = backoff.first.mul_f64(growth).min(backoff.max);
                Some((full.mul_f64(1.0 - backoff.jitter), full))
            }
        }
    }

    pub(super) fn release(&mut self, index: Index, delay: Duration) {
        let Some(lease) = self.lease(index) else {
            return;
        };
        let now = self.shell.now;
        let settling = self.shell.machine.decide_release(&[lease], delay, now);
        let settling = settling.unwrap();
        self.shell.commit(&settling.facts);
        let expected = match self.naive.held(lease) {
            None => self.naive.stale(lease, now.wall),
            Some(_) => {
                self.naive.release(lease.id, delay, now.wall);
                match delay.is_zero() {
                    true => Settled::Done,
                    false => Settled::Retrying {
                        at: now.wall.plus(delay),
                    },
                }
            }
        };
        assert_eq!(settling.settled, [expected]);
    }
}
