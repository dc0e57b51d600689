//! What time brings: lost leases, deadlines, ticks of schedules; and when to look again.

use std::time::Duration;

use portique_clock::Timestamp;

use super::fact::{Decided, Fact, Ids, Lost};
use super::queue::Queue;
use super::{Machine, Now};
use crate::QueueName;

/// Most jobs of one kind of trouble that one call sees to; the next call goes on.
const DUE_MAX: usize = 1_024;

impl Machine {
    /// What has become due: leases that were lost, deadlines that passed, ticks of schedules.
    /// To be called at
    /// [`next_due`](Self::next_due), again and again until it gives nothing; facts are written and applied
    /// before the next call.
    pub fn due(&mut self, now: Now) -> Vec<Fact> {
        debug_assert!(self.is_planned(), "every change of a queue is noted");
        for queue in self.queues.values_mut() {
            queue.make_due(&mut self.entries, now);
            queue.forget_finished(now.wall);
            if queue.is_stirred && !self.stirred.contains(&queue.number) {
                self.stirred.push(queue.number);
            }
        }
        self.plan_all();
        self.keys.expire(now.wall);
        let mut facts = Vec::new();
        facts.extend(self.decide_lost(now));
        facts.extend(self.decide_expired(now.wall));
        facts.extend(self.decide_ticks(now));
        facts
    }

    /// How long until [`due`](Self::due) has something to do; none while nothing is planned.
    pub fn next_due(&self, now: Now) -> Option<Duration> {
        let lease = self.leases.first();
        let lease = lease.map(|(until, _)| until.saturating_sub(now.monotonic));
        let deadline = self.deadlines.first().map(|(at, _)| at.since(now.wall));
        let planned = self.next_on_agenda().map(|at| at.since(now.wall));
        lease.into_iter().chain(deadline).chain(planned).min()
    }

    /// How long until time alone lets a job of this queue be claimed; none when it will not.
    pub fn next_ready(&self, name: &QueueName, now: Now) -> Option<Duration> {
        let queue = self.queue_named(name)?;
        queue.next_ready(now.wall)
    }

    fn decide_lost(&self, now: Now) -> Option<Fact> {
        let mut fact = Lost {
            at: now.wall.as_nanos(),
            ..Lost::default()
        };
        for (until, id) in self.leases.iter().take(DUE_MAX) {
            if *until > now.monotonic {
                break;
            }
            let entry = &self.entries[id];
            let token = entry.lease().expect("a job with a lease is active").token;
            let losses_max = self.queues[&entry.queue].options.losses_max;
            fact.ids.push(*id);
            fact.tokens.push(token);
            fact.dead.push(u32::from(entry.losses) + 1 >= losses_max);
        }
        (!fact.ids.is_empty()).then(|| Fact(Decided::Lost(fact)))
    }

    fn decide_expired(&self, now: Timestamp) -> Option<Fact> {
        let passed = self.deadlines.iter().take(DUE_MAX);
        let passed = passed.take_while(|(deadline, _)| *deadline <= now);
        let ids: Vec<u64> = passed.map(|(_, id)| *id).collect();
        let fact = Ids {
            ids,
            at: now.as_nanos(),
        };
        (!fact.ids.is_empty()).then(|| Fact(Decided::Expired(fact)))
    }
}

impl Queue {
    fn forget_finished(&mut self, now: Timestamp) {
        if self
            .finished
            .next_expiry()
            .is_some_and(|expiry| expiry <= now)
        {
            let limits = self.finished_limits();
            self.finished.evict(limits, now);
        }
    }

    fn next_ready(&self, now: Timestamp) -> Option<Duration> {
        if self.is_paused || self.room() == 0 {
            return None;
        }
        let delayed = self.delayed.first().map(|(due, _)| due.since(now));
        let wake = self.wakes.first().map(|(at, _)| at.since(now));
        let has_due = self.fair.len() > 0 || !self.suspects.is_empty();
        let rate = self.options.rate.filter(|_| has_due);
        let rate = rate.map(|rate| self.rate.ready_at(rate, now).since(now));
        let rate = rate.filter(|wait| !wait.is_zero());
        delayed.into_iter().chain(wake).chain(rate).min()
    }
}
