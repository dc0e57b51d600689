//! Jobs in the hands of workers: claimed, failed, given back, lost; and tried again.

use std::sync::Arc;

use portique_clock::Timestamp;

use super::apply::take_plain;
use super::entry::{Entry, Hold, Lease, State};
use super::fact::{Claimed, Failed, Ids, Lost, Released};
use super::queue::Queue;
use super::{Machine, Now};

/// Most bytes of all reasons of failures together; past it, new ones are cut short.
const REASONS_BYTES_MAX: usize = 64 << 20;
/// How long a reason may be when there is no room for long ones.
const REASON_BYTES_SHORT: usize = 128;

impl Machine {
    pub(super) fn claimed(&mut self, claimed: &Claimed, now: Now) {
        self.count_tokens(claimed.token, claimed.ids.len());
        if claimed.ids.is_empty() || !self.queues.contains_key(&claimed.queue) {
            return;
        }
        let time_ms = u32::try_from(claimed.lease().as_millis()).unwrap_or(u32::MAX);
        let until = now.monotonic.saturating_add(claimed.lease());
        let worker = self.workers.number(&claimed.worker);
        let worker = worker.expect("facts are checked when decided or decoded");
        let mut count = 0;
        for (id, token) in claimed.claims() {
            let lease = Lease {
                token,
                since: Timestamp::from_nanos(claimed.at),
                until,
                time_ms,
                worker,
            };
            count += u32::from(self.hand_out(claimed.queue, id, lease));
        }
        if count == 0 {
            self.workers.forget_idle(worker);
        }
    }

    pub(super) fn failed(&mut self, failed: &Failed, now: Now) {
        if !self.is_held(failed.id, failed.token) {
            return;
        }
        let at = Timestamp::from_nanos(failed.at);
        self.end_lease(failed.id);
        let entry = self.entries.get_mut(&failed.id).expect("it is held");
        entry.failures = entry.failures.saturating_add(1);
        let number = entry.queue;
        self.queues
            .get_mut(&number)
            .expect("it exists")
            .happened
            .failures += 1;
        match failed.due {
            Some(due) => {
                self.note_reason(failed.id, &failed.reason);
                let due = Timestamp::from_nanos(due);
                self.change(failed.id, |entry| {
                    entry.put_at(due);
                    entry.state = match entry.waiting_state(now.wall) {
                        State::Delayed => State::Failed,
                        due_already => due_already,
                    };
                });
            }
            None => self.die(failed.id, at, &failed.reason, now),
        }
        self.note_stirred(number);
    }

    pub(super) fn released(&mut self, released: &Released, now: Now) {
        for (id, token) in released.ids.iter().zip(&released.tokens) {
            if !self.is_held(*id, *token) {
                continue;
            }
            self.end_lease(*id);
            let entry = self.entries.get_mut(id).expect("it is held");
            entry.attempts = entry.attempts.saturating_sub(1);
            let number = entry.queue;
            match released.due {
                None => self.wait_again(*id, now),
                Some(due) => {
                    let due = Timestamp::from_nanos(due);
                    self.change(*id, |entry| {
                        entry.put_at(due);
                        entry.state = entry.waiting_state(now.wall);
                    });
                }
            }
            self.note_stirred(number);
        }
    }

    pub(super) fn lost(&mut self, lost: &Lost, now: Now) {
        let at = Timestamp::from_nanos(lost.at);
        let tokens = lost.tokens.iter().zip(&lost.dead);
        for (id, (token, is_dead)) in lost.ids.iter().zip(tokens) {
            if !self.is_held(*id, *token) {
                continue;
            }
            let lease = *self.entries[id].lease().expect("it is held");
            let worker = self.workers.name(lease.worker);
            self.end_lease(*id);
            let entry = self.entries.get_mut(id).expect("it is held");
            entry.losses = entry.losses.saturating_add(1);
            let (number, losses) = (entry.queue, entry.losses);
            self.queues
                .get_mut(&number)
                .expect("it exists")
                .happened
                .losses += 1;
            if *is_dead {
                let reason = format!("lost {losses} times, last by worker {worker}");
                self.die(*id, at, &reason, now);
            } else {
                self.change(*id, |entry| entry.state = entry.waiting_state(now.wall));
            }
            self.note_stirred(number);
        }
    }

    pub(super) fn retried(&mut self, retried: &Ids, now: Now) {
        let at = Timestamp::from_nanos(retried.at);
        for id in &retried.ids {
            let Some(entry) = self.entries.get(id) else {
                continue;
            };
            let number = entry.queue;
            match entry.state {
                State::Dead { .. } => self.revive(*id, at, now),
                // In replay its time may have come in the meantime.
                State::Delayed | State::Failed | State::Ready | State::Suspect
                    if entry.due > at && !entry.is_due_at_once() =>
                {
                    self.change(*id, |entry| {
                        entry.put_at(at);
                        entry.state = entry.waiting_state(now.wall.max(at));
                    });
                }
                _ => continue,
            }
            self.note_stirred(number);
        }
    }

    /// False when the job is not there, or in somebody's hands.
    fn hand_out(&mut self, number: u32, id: u64, lease: Lease) -> bool {
        let queue = self.queues.get_mut(&number).expect("the caller looked");
        if !self.entries.contains_key(&id) {
            // Only in replay: a claim has given it an entry already.
            let Some(entry) = take_plain(queue, &mut self.moved, id) else {
                return false;
            };
            queue.adopt(&entry);
            queue.enter(id, &entry);
            self.entries.insert(id, entry);
        }
        let entry = self.entries.get_mut(&id).expect("it was just looked for");
        if matches!(entry.state, State::Active(_) | State::Dead { .. }) || entry.queue != number {
            return false;
        }
        if entry.state == State::Picked {
            entry.state = State::Active(lease);
        } else {
            queue.leave(id, entry);
            entry.state = State::Active(lease);
            queue.enter(id, entry);
        }
        entry.attempts = entry.attempts.saturating_add(1);
        self.workers.take(lease.worker, entry.is_suspect());
        self.leases.insert((lease.until, id));
        release_unique(queue, id, entry, Hold::Claim);
        true
    }

    /// Lets a dead job wait again. Whoever retries it does so in spite of children that will never be
    /// completed.
    fn revive(&mut self, id: u64, at: Timestamp, now: Now) {
        let entry = self.entries.get(&id);
        let open = entry.map_or_else(Vec::new, |entry| self.still_open(entry));
        let more = entry.and_then(|entry| entry.more.as_ref());
        // What becomes of the others is nothing to it any more.
        for child in more.map_or_else(Vec::new, |more| more.open.clone()) {
            self.wait_no_more(child, id);
        }
        for child in &open {
            self.parents.entry(*child).or_default().push(id);
        }
        self.change(id, |entry| {
            entry.failures = 0;
            entry.losses = 0;
            entry.attempts = 0;
            entry.redrives = entry.redrives.saturating_add(1);
            entry.put_at(at);
            if let Some(more) = &mut entry.more {
                more.deadline = more.deadline.filter(|deadline| *deadline > at);
                more.open = open;
            }
            entry.state = entry.waiting_state(now.wall.max(at));
        });
        let entry = &self.entries[&id];
        if let Some(deadline) = entry.deadline() {
            self.deadlines.insert((deadline, id));
        }
    }

    /// The children a job waits for that may still be completed, for one that is to wait again.
    pub(super) fn still_open(&self, entry: &Entry) -> Vec<u64> {
        let more = entry.more.as_ref();
        let mut open = more.map(|more| more.open.clone()).unwrap_or_default();
        open.retain(|child| match self.entries.get(child) {
            Some(entry) => !entry.is_dead(),
            None => self.waits_plainly(*child).is_some(),
        });
        open
    }

    pub(super) fn is_held(&self, id: u64, token: u64) -> bool {
        self.entries
            .get(&id)
            .is_some_and(|entry| entry.is_held(token))
    }

    /// Takes a job out of its worker's hands; its state is to be changed next.
    pub(super) fn end_lease(&mut self, id: u64) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let is_suspect = entry.is_suspect();
        if let Some(lease) = entry.lease().copied() {
            // A second call, such as when a failed job dies, must not take from what else the worker holds.
            if self.leases.remove(&(lease.until, id)) {
                self.workers.give_up(lease.worker, is_suspect);
            }
        }
        if let Some(more) = &mut entry.more {
            more.progress = None;
        }
        entry.tidy();
    }

    /// Keeps why an attempt failed.
    pub(super) fn note_reason(&mut self, id: u64, reason: &str) {
        let is_short = self.reason_bytes + reason.len() > REASONS_BYTES_MAX;
        let limit = if is_short {
            REASON_BYTES_SHORT
        } else {
            reason.len()
        };
        let reason: Arc<str> = reason[..reason.floor_char_boundary(limit)].into();
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        self.reason_bytes += reason.len();
        let old = entry.more_mut().last_error.replace(reason);
        self.reason_bytes -= old.map_or(0, |old| old.len());
    }
}

/// Gives a job's uniqueness key up, if this event ends its hold or an earlier one should have.
pub(super) fn release_unique(queue: &mut Queue, id: u64, entry: &mut Entry, event: Hold) {
    let Some(more) = &mut entry.more else {
        return;
    };
    let Some(held) = more.unique else {
        return;
    };
    let is_over = match held.hold {
        Hold::Claim => true,
        Hold::Finish => event == Hold::Finish,
        Hold::Time => false,
    };
    if is_over {
        queue.unique.remove(held.hash, id);
        more.unique = None;
    }
}
