//! Jobs come to an end: completed, cancelled, dead, dropped; and who waited for them hears of it.

use portique_clock::Timestamp;

use super::apply::take_plain;
use super::attempt::release_unique;
use super::entry::{Entry, Hold, State};
use super::fact::{Completed, Ids};
use super::parts::{Ending, FinishedJob};
use super::{Machine, Now};
use crate::OnDeadChild;

/// Why a job died that was not completed in time.
const DEADLINE_REASON: &str = "its deadline passed";

/// What a child came to, as far as its parents are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Completed,
    /// People may still retry it.
    Dead,
    Cancelled,
    /// Dead and dropped.
    Dropped,
}

impl Outcome {
    /// Whether a parent that does not ignore it dies of it. Whoever waits, waits for as long as the child
    /// may still be completed.
    pub(super) fn is_fatal(self, on_dead_child: OnDeadChild) -> bool {
        match self {
            Self::Completed => false,
            Self::Dead => on_dead_child == OnDeadChild::Die,
            Self::Cancelled | Self::Dropped => on_dead_child != OnDeadChild::Ignore,
        }
    }

    /// Why a job died that waits for this child.
    pub(super) fn reason(self, child: u64) -> String {
        let became = match self {
            Self::Completed => "is completed",
            Self::Dead => "is dead",
            Self::Cancelled => "was cancelled",
            Self::Dropped => "was dead and dropped",
        };
        format!("job {child}, which it waits for, {became}")
    }
}

impl Machine {
    pub(super) fn complete(&mut self, sequence: u64, completed: &Completed, now: Now) {
        let at = Timestamp::from_nanos(completed.at);
        let mut results = completed.results.iter().peekable();
        for (id, token) in completed.ids.iter().zip(&completed.tokens) {
            let result = results.next_if(|result| result.id == *id);
            let result_bytes = result.map_or(0, |result| result.body.len() as u64);
            if !self.is_held(*id, *token) {
                continue;
            }
            let lease = *self.entries[id].lease().expect("it is held");
            let entry = self.take_away(*id, now).expect("it is held");
            let queue = self.queues.get_mut(&entry.queue);
            let queue = queue.expect("a job's queue exists");
            queue.happened.completed += 1;
            queue.happened.durations.observe(at.since(lease.since));
            queue.completions.record(1, now.monotonic);
            self.remember(
                *id,
                &entry,
                FinishedJob {
                    ending: Ending::Completed,
                    at,
                    token: *token,
                    record: sequence,
                    result_bytes,
                    expires: at,
                },
            );
            self.tell_parents(*id, Outcome::Completed, at, now);
            self.note_stirred(entry.queue);
        }
    }

    pub(super) fn cancelled(&mut self, sequence: u64, cancelled: &Ids, now: Now) {
        let at = Timestamp::from_nanos(cancelled.at);
        let mut ended = Vec::with_capacity(cancelled.ids.len());
        for id in &cancelled.ids {
            if self.entries.get(id).is_some_and(Entry::is_dead) {
                continue;
            }
            let token = self.entries.get(id).and_then(Entry::lease);
            let token = token.map_or(0, |lease| lease.token);
            let Some(entry) = self.take_away(*id, now) else {
                continue;
            };
            let queue = self.queues.get_mut(&entry.queue);
            queue.expect("a job's queue exists").happened.cancelled += 1;
            self.remember(
                *id,
                &entry,
                FinishedJob {
                    ending: Ending::Cancelled,
                    at,
                    token,
                    record: sequence,
                    result_bytes: 0,
                    expires: at,
                },
            );
            ended.push(*id);
            self.note_stirred(entry.queue);
        }
        // Afterwards: a job that is cancelled together with one it would die with is cancelled, as was
        // answered.
        for id in ended {
            self.tell_parents(id, Outcome::Cancelled, at, now);
        }
    }

    pub(super) fn dropped(&mut self, dropped: &Ids, now: Now) {
        let at = Timestamp::from_nanos(dropped.at);
        for id in &dropped.ids {
            if self.entries.get(id).is_some_and(Entry::is_dead) {
                self.take_away(*id, now);
                self.note_ended(*id);
                self.tell_parents(*id, Outcome::Dropped, at, now);
            }
        }
    }

    pub(super) fn expired(&mut self, expired: &Ids, now: Now) {
        let at = Timestamp::from_nanos(expired.at);
        for id in &expired.ids {
            let Some(entry) = self.entries.get(id).filter(|entry| !entry.is_dead()) else {
                continue;
            };
            let number = entry.queue;
            self.die(*id, at, DEADLINE_REASON, now);
            self.note_stirred(number);
        }
    }

    /// Gives a job up, and those that are to die with it.
    pub(super) fn die(&mut self, id: u64, at: Timestamp, reason: &str, now: Now) {
        self.die_alone(id, at, reason);
        self.tell_parents(id, Outcome::Dead, at, now);
    }

    fn die_alone(&mut self, id: u64, at: Timestamp, reason: &str) {
        self.end_lease(id);
        self.note_reason(id, reason);
        self.change(id, |entry| entry.state = State::Dead { at });
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        if let Some(deadline) = entry.deadline() {
            self.deadlines.remove(&(deadline, id));
        }
        let queue = self.queues.get_mut(&entry.queue);
        let queue = queue.expect("a job's queue exists");
        release_unique(queue, id, entry, Hold::Finish);
        queue.happened.dead += 1;
        self.note_ended(id);
    }

    /// Lets the jobs that wait for this one go on, or die: one after another, not one inside another, so
    /// that a long chain of jobs takes no stack.
    fn tell_parents(&mut self, id: u64, outcome: Outcome, at: Timestamp, now: Now) {
        if self.parents.is_empty() {
            return;
        }
        let mut told = vec![(id, outcome)];
        while let Some((child, outcome)) = told.pop() {
            for parent in self.parents.remove(&child).unwrap_or_default() {
                let Some(entry) = self.entries.get(&parent) else {
                    continue;
                };
                if entry.state != State::Blocked {
                    continue;
                }
                let on_dead_child = entry.more.as_ref().map(|more| more.on_dead_child);
                let on_dead_child = on_dead_child.unwrap_or_default();
                if outcome.is_fatal(on_dead_child) {
                    self.die_alone(parent, at, &outcome.reason(child));
                    told.push((parent, Outcome::Dead));
                } else if outcome == Outcome::Dead && on_dead_child == OnDeadChild::Wait {
                    self.parents.entry(child).or_default().push(parent);
                } else {
                    self.wait_less(parent, child, now);
                }
            }
        }
    }

    fn wait_less(&mut self, parent: u64, child: u64, now: Now) {
        self.change(parent, |entry| {
            entry.more_mut().open.retain(|open| *open != child);
            entry.tidy();
            entry.state = entry.waiting_state(now.wall);
        });
        let entry = &self.entries[&parent];
        let (number, is_ready) = (entry.queue, entry.state == State::Ready);
        if is_ready {
            let queue = self.queues.get_mut(&number);
            let queue = queue.expect("a job's queue exists");
            queue.arrivals.record(1, now.monotonic);
        }
        self.note_stirred(number);
    }

    /// Takes a job out of everything but what waits for it.
    pub(super) fn take_away(&mut self, id: u64, now: Now) -> Option<Entry> {
        if !self.entries.contains_key(&id) {
            let number = self.waits_plainly(id)?;
            let queue = self.queues.get_mut(&number)?;
            return take_plain(queue, &mut self.moved, id);
        }
        self.end_lease(id);
        let mut entry = self.entries.remove(&id)?;
        let queue = self.queues.get_mut(&entry.queue);
        let queue = queue.expect("a job's queue exists");
        queue.leave(id, &entry);
        queue.orphan(&entry, now.wall);
        release_unique(queue, id, &mut entry, Hold::Finish);
        if let Some(more) = &entry.more {
            if let Some(deadline) = more.deadline {
                self.deadlines.remove(&(deadline, id));
            }
            self.reason_bytes -= more.last_error.as_ref().map_or(0, |reason| reason.len());
            for child in &more.open {
                self.wait_no_more(*child, id);
            }
        }
        Some(entry)
    }

    pub(super) fn wait_no_more(&mut self, child: u64, parent: u64) {
        if let Some(parents) = self.parents.get_mut(&child) {
            parents.retain(|waiting| *waiting != parent);
            if parents.is_empty() {
                self.parents.remove(&child);
            }
        }
    }

    /// Keeps what became of a job, for as long as its queue or the job itself says.
    fn remember(&mut self, id: u64, entry: &Entry, mut job: FinishedJob) {
        let queue = self.queues.get_mut(&entry.queue);
        let queue = queue.expect("a job's queue exists");
        let own_ttl = entry.more.as_ref().and_then(|more| more.result_ttl);
        job.expires = job.at.plus(own_ttl.unwrap_or(queue.options.result_ttl));
        let limits = queue.finished_limits();
        queue.finished.insert(id, job, limits);
        self.note_ended(id);
    }
}
