//! Nothing that can be done is left undone.

use std::collections::BTreeMap;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_jobs::{Completion, Lease, QueueName, WorkerName};

use super::Pair;
use super::draw::{label, queue, worker};
use crate::naive::State;

impl Pair {
    /// Lets a worker per queue claim that has waited since the last claim gave nothing, if it is woken.
    /// `wakes`: when time alone would wake it.
    pub(super) fn wake_waiting(&mut self, wakes: &mut BTreeMap<QueueName, Option<Timestamp>>) {
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
    pub(super) fn work_off(&mut self) {
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

    pub(super) fn complete_all(&mut self, leases: Vec<Lease>) -> usize {
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
