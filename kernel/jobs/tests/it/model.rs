//! Commands drawn at random, done to the machine and to the naive queue, and compared after each.

use std::collections::BTreeMap;
use std::time::Duration;

use portique_clock::{Seeded, Timestamp};
use portique_jobs::{
    Backoff, Claim, Completion, Dependency, Error, Extension, Failing, Failure, JobFilter, JobId,
    JobKind, JobOptions, JobState, Label, Lease, NewJob, OnDeadChild, Payload, QueueName,
    QueueOptions, Rate, RetryPolicy, Settled, Unique, UniqueMode, WorkerName,
};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::command::{self, Command, Uniqueness};
use crate::naive::enqueue::Refusal;
use crate::naive::{Naive, State};
use crate::shell::Shell;

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(200)
    })]

    #[test]
    fn the_machine_agrees_with_a_naive_queue(seed: u64, commands in command::commands()) {
        let mut pair = Pair::new(seed);
        for command in commands {
            pair.run(command);
            pair.compare();
        }
        pair.work_off();
        pair.compare();
    }

    /// Workers that claim only when they are told to try again miss nothing.
    #[test]
    fn who_waits_for_work_is_woken(seed: u64, commands in command::commands()) {
        let mut pair = Pair::new(seed);
        let mut wakes = BTreeMap::new();
        for command in commands {
            if !matches!(command, Command::Claim { .. } | Command::Unclaim { .. }) {
                pair.run(command);
                pair.wake_waiting(&mut wakes);
            }
        }
    }
}

/// The machine and the naive queue, in step.
pub(crate) struct Pair {
    shell: Shell,
    naive: Naive,
    random: Seeded,
    ids: Vec<JobId>,
    leases: Vec<Lease>,
}

fn queue(number: u8) -> QueueName {
    QueueName::new(format!("queue-{number}")).unwrap()
}

fn worker(number: u8) -> WorkerName {
    WorkerName::new(format!("worker-{number}")).unwrap()
}

fn label(number: u8) -> Label {
    Label::new(format!("label {number}")).unwrap()
}

fn payload(number: u8) -> Payload {
    Payload::json(format!("{{\"n\":{number}}}"))
}

impl Pair {
    fn new(seed: u64) -> Self {
        let mut pair = Self {
            shell: Shell::new(),
            naive: Naive::default(),
            random: Seeded::new(seed),
            ids: Vec::new(),
            leases: Vec::new(),
        };
        for number in 0..2 {
            pair.naive.queues.entry(queue(number)).or_default();
            let options = QueueOptions::default();
            pair.define(&queue(number), options);
        }
        pair
    }

    fn run(&mut self, command: Command) {
        match command {
            Command::Define {
                queue: number,
                options,
            } => {
                let mut options = queue_options(&options);
                // What is used of a rate that is taken away and given again is nobody's promise.
                let now = &self.naive.queues[&queue(number)].options;
                options.rate = now.rate.or(options.rate);
                options.group_rate = now.group_rate.or(options.group_rate);
                options.key_rate = now.key_rate.or(options.key_rate);
                self.define(&queue(number), options);
            }
            Command::Enqueue(jobs) => self.enqueue(&jobs),
            Command::Claim {
                queue: number,
                worker: by,
                limit,
            } => {
                self.claim(&queue(number), &worker(by), limit);
            }
            Command::Unclaim {
                queue: number,
                worker: by,
                limit,
            } => self.unclaim(&queue(number), &worker(by), limit),
            Command::Extend(lease) => self.extend(lease),
            Command::Complete(leases) => self.complete(&leases),
            Command::Fail { lease, how } => self.fail(lease, how),
            Command::Release { lease, delay } => self.release(lease, delay),
            Command::Cancel(job) => self.cancel(job),
            Command::Retry(job) => self.retry(job),
            Command::Edit(job) => self.edit(job),
            Command::Drop(job) => self.drop_dead(job),
            Command::Pause {
                queue: number,
                group,
            } => self.pause(&queue(number), group.map(label)),
            Command::Resume {
                queue: number,
                group,
            } => self.resume(&queue(number), group.map(label)),
            Command::Drain { queue: number } => self.drain(&queue(number)),
            Command::Pass(time) => self.pass(time),
            Command::Carry(before) => self.carry(before),
            Command::Checkpoint => self.shell.checkpoint(),
            Command::Restart => self.restart(true),
            Command::ReplayAll => self.restart(false),
        }
    }

    fn define(&mut self, name: &QueueName, options: QueueOptions) {
        let fact = self.shell.machine.decide_define_queue(name, &options);
        let fact = fact.unwrap();
        self.shell.commit(fact.as_slice());
        let wall = self.shell.wall();
        let queue = self.naive.queues.get_mut(name).unwrap();
        queue.options = options;
        queue.evict(wall);
    }

    fn enqueue(&mut self, jobs: &[command::Job]) {
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

    fn seen(&self, index: Index) -> Option<&JobId> {
        (!self.ids.is_empty()).then(|| &self.ids[index.index(self.ids.len())])
    }

    /// Claims, and says how many jobs there were.
    fn claim(&mut self, name: &QueueName, by: &WorkerName, limit: usize) -> usize {
        let now = self.shell.now;
        let must = self.naive.claimable(name, by, now.wall);
        let claim = claim(name, by, limit);
        let Some(picked) = self.shell.machine.claim(&claim, now).unwrap() else {
            assert!(must.is_empty(), "{by} was given nothing, not even {must:?}");
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

    fn unclaim(&mut self, name: &QueueName, by: &WorkerName, limit: usize) {
        let claim = claim(name, by, limit);
        let picked = self.shell.machine.claim(&claim, self.shell.now).unwrap();
        if let Some(picked) = picked {
            self.shell.machine.unclaim(&picked.fact, self.shell.now);
        }
    }

    fn lease(&self, index: Index) -> Option<Lease> {
        (!self.leases.is_empty()).then(|| self.leases[index.index(self.leases.len())])
    }

    fn extend(&mut self, index: Index) {
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

    fn complete(&mut self, indices: &[Index]) {
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

    fn fail(&mut self, index: Index, how: command::Failing) {
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
        let policy = self.naive.policy(lease.id);
        let failures = self.naive.jobs[&lease.id].failures + 1;
        let is_spent = failures >= policy.attempts;
        let due = match (how, is_spent) {
            (_, true) | (command::Failing::Reject, _) => None,
            (command::Failing::After(delay), _) => Some((delay, delay)),
            (command::Failing::Policy, _) => {
                let backoff = &policy.backoff;
                let full = backoff
                    .first
                    .mul_f64(backoff.factor.powi(failures as i32 - 1));
                let full = full.min(backoff.max);
                Some((full.mul_f64(1.0 - backoff.jitter), full))
            }
        };
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

    fn release(&mut self, index: Index, delay: Duration) {
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

    fn cancel(&mut self, index: Index) {
        let Some(id) = self.seen(index).copied() else {
            return;
        };
        let now = self.shell.now;
        let settling = self.shell.machine.decide_cancel(&[id], now);
        self.shell.commit(&settling.facts);
        let word = self.naive.known(id, now.wall).map(|job| job.word(now.wall));
        let expected = match word {
            None => Settled::Unknown,
            Some(word @ ("dead" | "completed" | "cancelled")) => Settled::Refused(word),
            Some(_) => {
                self.naive.cancel(id, now.wall);
                Settled::Done
            }
        };
        assert_eq!(settling.settled, [expected]);
    }

    fn retry(&mut self, index: Index) {
        let Some(id) = self.seen(index).copied() else {
            return;
        };
        let now = self.shell.now;
        let settling = self.shell.machine.decide_retry(&[id], now);
        self.shell.commit(&settling.facts);
        let word = self.naive.known(id, now.wall).map(|job| job.word(now.wall));
        let expected = match word {
            None => Settled::Unknown,
            Some("delayed" | "failed" | "dead") => {
                self.naive.retry(id, now.wall);
                Settled::Done
            }
            Some(word) => Settled::Refused(word),
        };
        assert_eq!(settling.settled, [expected]);
    }

    fn edit(&mut self, index: Index) {
        let Some(id) = self.seen(index).copied() else {
            return;
        };
        let now = self.shell.now;
        let job = self.naive.jobs.get_mut(&id).unwrap();
        if job.is_finished() {
            return;
        }
        let record = self.shell.record(id);
        let edited = self.shell.machine.decide_edit_dead(record, payload(9), now);
        match (&job.state, edited) {
            (State::Dead, Ok(fact)) => {
                job.payload = payload(9);
                self.shell.commit(&[fact]);
            }
            (State::Dead, Err(error)) => panic!("{error}"),
            (_, answer) => assert!(matches!(answer, Err(Error::WrongState { .. }))),
        }
    }

    fn drop_dead(&mut self, index: Index) {
        let Some(id) = self.seen(index).copied() else {
            return;
        };
        let now = self.shell.now;
        let settling = self.shell.machine.decide_drop_dead(&[id], now);
        self.shell.commit(&settling.facts);
        let word = self.naive.known(id, now.wall).map(|job| job.word(now.wall));
        let expected = match word {
            None => Settled::Unknown,
            Some("dead") => {
                self.naive.drop_dead(id);
                Settled::Done
            }
            Some(word) => Settled::Refused(word),
        };
        assert_eq!(settling.settled, [expected]);
    }

    fn pause(&mut self, name: &QueueName, group: Option<Label>) {
        let fact = self.shell.machine.decide_pause(name, group.as_ref());
        self.shell.commit(&[fact.unwrap()]);
        let queue = self.naive.queues.get_mut(name).unwrap();
        match group {
            None => queue.is_paused = true,
            Some(group) => {
                queue.paused_groups.insert(group);
            }
        }
    }

    fn resume(&mut self, name: &QueueName, group: Option<Label>) {
        let fact = self.shell.machine.decide_resume(name, group.as_ref());
        self.shell.commit(&[fact.unwrap()]);
        let queue = self.naive.queues.get_mut(name).unwrap();
        match group {
            None => (queue.is_paused, queue.is_draining) = (false, false),
            Some(group) => {
                queue.paused_groups.remove(&group);
            }
        }
    }

    fn drain(&mut self, name: &QueueName) {
        let fact = self.shell.machine.decide_drain(name);
        self.shell.commit(&[fact.unwrap()]);
        self.naive.queues.get_mut(name).unwrap().is_draining = true;
    }

    fn pass(&mut self, time: Duration) {
        self.shell.advance(time);
        self.see_to_what_is_due();
    }

    fn see_to_what_is_due(&mut self) {
        loop {
            let facts = self.shell.machine.due(self.shell.now);
            if facts.is_empty() {
                break;
            }
            self.shell.commit(&facts);
        }
        self.naive.pass(self.shell.now);
    }

    /// Carries forward what stands before some record, so that it could be forgotten.
    fn carry(&mut self, index: Index) {
        let before = index.index(self.shell.next_sequence() as usize) as u64;
        loop {
            let stale = self.shell.machine.to_carry(before, 3);
            if stale.is_empty() {
                break;
            }
            for (id, location) in stale {
                let record = self.shell.record(id);
                let fact = self.shell.machine.decide_carry(record, location);
                self.shell.commit(&[fact.unwrap()]);
            }
        }
        let needed = self.shell.machine.oldest_needed();
        assert!(needed.is_none_or(|needed| needed >= before));
    }

    fn restart(&mut self, from_checkpoint: bool) {
        self.shell.restart(from_checkpoint);
        self.naive.restart(self.shell.now);
        self.see_to_what_is_due();
    }

    fn compare(&self) {
        let now = self.shell.now;
        for (id, job) in &self.naive.jobs {
            let found = self.shell.machine.job(*id, now);
            let Some(expected) = self.naive.known(*id, now.wall) else {
                assert_eq!(found, None, "{id} should be forgotten: {job:?}");
                continue;
            };
            let Some(found) = found else {
                panic!("{id} is lost: {expected:?}");
            };
            let view = found.view;
            assert_eq!(
                view.state.word(),
                expected.word(now.wall),
                "{id}: {expected:?}"
            );
            assert_eq!(view.queue, expected.queue);
            let waits = matches!(expected.state, State::Held { .. } | State::Blocked);
            assert_eq!(view.waits.is_some(), waits, "{id}: {expected:?}");
            if expected.is_finished() {
                continue;
            }
            assert_eq!(
                (view.attempts, view.failures, view.losses),
                (expected.attempts, expected.failures, expected.losses),
                "{id}: {expected:?}"
            );
            assert_eq!(view.group, expected.options.group);
            assert_eq!(view.key, expected.options.key);
            if let (
                JobState::Active { left, token, .. },
                State::Active {
                    ends, token: held, ..
                },
            ) = (&view.state, &expected.state)
            {
                assert_eq!(
                    (*left, token.0),
                    (ends.saturating_sub(now.monotonic), *held)
                );
            }
        }
        for name in self.naive.queues.keys() {
            self.compare_queue(name);
        }
    }

    fn compare_queue(&self, name: &QueueName) {
        let now = self.shell.now;
        let expected = &self.naive.queues[name];
        let found = self.shell.machine.queue_state(name, now).unwrap();
        assert_eq!(found.options, expected.options);
        assert_eq!(
            (found.is_paused, found.is_draining),
            (expected.is_paused, expected.is_draining)
        );
        assert!(
            found
                .paused_groups
                .iter()
                .all(|group| expected.paused_groups.contains(group))
        );
        assert_eq!(found.paused_groups.len(), expected.paused_groups.len());
        let count = |word| self.naive.count(name, |job| job.word(now.wall) == word);
        let counts = found.counts;
        let of_states = [
            (counts.waiting, "waiting"),
            (counts.prioritized, "prioritized"),
            (counts.delayed, "delayed"),
            (counts.failed, "failed"),
            (counts.blocked, "blocked"),
            (counts.active, "active"),
            (counts.dead, "dead"),
        ];
        for (found, word) in of_states {
            assert_eq!(found, count(word), "{word} jobs of {name}");
            self.compare_list(name, word);
        }
        let due = counts.waiting + counts.prioritized;
        assert_eq!(
            found.waits.values().sum::<u64>(),
            due,
            "every due job has a reason: {:?}",
            found.waits
        );
        let totals = &found.totals;
        let expected = &expected.totals;
        assert_eq!(
            [
                totals.enqueued,
                totals.completed,
                totals.failures,
                totals.losses,
                totals.dead,
                totals.cancelled
            ],
            [
                expected.enqueued,
                expected.completed,
                expected.failures,
                expected.losses,
                expected.dead,
                expected.cancelled
            ]
        );
        let durations = totals.durations.last().map_or(0, |(_, count)| *count);
        assert_eq!(durations, expected.completed);
    }

    fn compare_list(&self, name: &QueueName, word: &str) {
        let now = self.shell.now;
        let mut filter = JobFilter {
            queue: name.clone(),
            state: Some(word.into()),
            after: None,
            limit: 3,
        };
        let mut listed = Vec::new();
        loop {
            let page = self.shell.machine.list(&filter, now).unwrap();
            listed.extend(page.jobs.iter().map(|job| job.view.id));
            let Some(next) = page.next else {
                break;
            };
            filter.after = Some(next);
        }
        let jobs = self.naive.jobs.iter();
        let expected = jobs.filter(|(_, job)| job.queue == *name && job.word(now.wall) == word);
        let expected: Vec<_> = expected.map(|(id, _)| *id).collect();
        assert_eq!(listed, expected, "{word} jobs of {name}");
    }

    /// A machine and its journal after these commands.
    pub(crate) fn lived(seed: u64, commands: Vec<Command>) -> Shell {
        let mut pair = Self::new(seed);
        for command in commands {
            pair.run(command);
        }
        pair.shell
    }

    /// Lets a worker per queue claim that has waited since the last claim gave nothing, if it is woken.
    /// `wakes`: when time alone would wake it.
    fn wake_waiting(&mut self, wakes: &mut BTreeMap<QueueName, Option<Timestamp>>) {
        loop {
            let now = self.shell.now;
            let stirred = self.shell.machine.take_stirred();
            let is_woken = |name: &QueueName| match wakes.get(name) {
                Some(wake) => stirred.contains(name) || wake.is_some_and(|wake| wake <= now.wall),
                None => true,
            };
            let woken: Vec<_> = (0..2).map(queue).filter(is_woken).collect();
            if woken.is_empty() {
                break;
            }
            for name in woken {
                // Each holds nothing, so that it may be given a suspect.
                let by = |pair: &Self| WorkerName::new(format!("waiting-{}", pair.leases.len()));
                while self.claim(&name, &by(self).unwrap(), 1) > 0 {}
                let wait = self.shell.machine.next_ready(&name, now);
                wakes.insert(name, wait.map(|wait| now.wall.plus(wait)));
            }
        }
        let fresh = WorkerName::new("fresh").unwrap();
        for name in wakes.keys() {
            let missed = self.naive.claimable(name, &fresh, self.shell.wall());
            assert!(missed.is_empty(), "nobody was told of {missed:?}");
        }
    }

    /// Everything that can be worked off is, by a worker that never fails.
    fn work_off(&mut self) {
        for number in 0..2 {
            let name = queue(number);
            self.resume(&name, None);
            for group in 0..3 {
                self.resume(&name, Some(label(group)));
            }
        }
        for _ in 0..500 {
            self.pass(Duration::from_secs(1_800));
            let mut done = 0;
            for number in 0..2 {
                while self.claim(&queue(number), &worker(9), 3) > 0 {
                    let held: Vec<_> = self.leases.split_off(0);
                    done += self.complete_all(held);
                }
            }
            let is_left = |job: &crate::naive::Job| {
                matches!(job.state, State::Held { .. } | State::Active { .. })
            };
            if done == 0 && !self.naive.jobs.values().any(is_left) {
                return;
            }
        }
        panic!("jobs are left that nobody is given");
    }

    fn complete_all(&mut self, leases: Vec<Lease>) -> usize {
        let now = self.shell.now;
        let held: Vec<_> = leases
            .into_iter()
            .filter(|lease| self.naive.held(*lease).is_some())
            .collect();
        let completions = held.iter().map(|lease| Completion {
            lease: *lease,
            result: None,
        });
        let settling = self
            .shell
            .machine
            .decide_complete(completions.collect(), now);
        self.shell.commit(&settling.unwrap().facts);
        for lease in &held {
            self.naive.complete(lease.id, lease.token.0, 0, now.wall);
        }
        held.len()
    }
}

fn claim(name: &QueueName, by: &WorkerName, limit: usize) -> Claim {
    Claim {
        queue: name.clone(),
        worker: by.clone(),
        limit,
        wait: Duration::ZERO,
        lease: None,
    }
}

fn policy(attempts: u32) -> RetryPolicy {
    RetryPolicy {
        attempts,
        backoff: Backoff {
            first: Duration::from_millis(500),
            factor: 3.0,
            max: Duration::from_secs(10),
            jitter: 0.3,
        },
    }
}

fn unique((key, mode): (u8, Uniqueness)) -> Unique {
    Unique {
        key: key.to_string(),
        mode: match mode {
            Uniqueness::UntilFinished => UniqueMode::UntilFinished,
            Uniqueness::UntilClaimed => UniqueMode::UntilClaimed,
            Uniqueness::Replace => UniqueMode::Replace,
            Uniqueness::For(time) => UniqueMode::For(time),
        },
    }
}

fn queue_options(options: &command::Options) -> QueueOptions {
    let rate = |rate: Option<(u32, Duration)>| rate.map(|(count, per)| Rate { count, per });
    QueueOptions {
        ageing: options.has_ageing.then_some(Duration::from_secs(5)),
        losses_max: options.losses_max,
        concurrency: options.concurrency,
        group_concurrency: options.group_concurrency,
        key_concurrency: options.key_concurrency,
        rate: rate(options.rate),
        group_rate: rate(options.group_rate),
        key_rate: rate(options.key_rate),
        weights: options
            .heavy_group
            .map(|group| (label(group), 5))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
        jobs_max: options.jobs_max,
        finished_max: options.finished_max,
        ..QueueOptions::default()
    }
}
