//! Commands drawn at random, done to the machine and to the naive queue, and compared after each.

mod compare;
mod draw;
mod liveness;
mod people;
mod work;

use std::collections::BTreeMap;
use std::time::Duration;

use portique_clock::Seeded;
use portique_jobs::{JobId, Label, Lease, QueueName, QueueOptions};
use proptest::prelude::*;
use proptest::sample::Index;

use self::draw::{label, queue, queue_options, worker};
use crate::command::{self, Command};
use crate::naive::Naive;
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

    /// A machine and its journal after these commands.
    pub(crate) fn lived(seed: u64, commands: Vec<Command>) -> Shell {
        let mut pair = Self::new(seed);
        for command in commands {
            pair.run(command);
        }
        pair.shell
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
}
