//! Jobs come in: enqueued, written again, carried.

use std::collections::BTreeSet;

use portique_clock::Timestamp;

use super::entry::{Entry, HeldKey, Hold, More, State};
use super::fact::{KeyUsed, Record, Rewritten};
use super::finish::Outcome;
use super::parts::{KeyHash, KeyUse};
use super::queue::Queue;
use super::{IDEMPOTENCY_TTL, Machine, Now, request_hash};
use crate::{OnDeadChild, UniqueMode};

impl Machine {
    pub(super) fn enqueue(&mut self, id: u64, record: &Record, now: Now) {
        let Some(queue) = self.queues.get_mut(&record.queue) else {
            return;
        };
        queue.happened.enqueued += 1;
        let enqueued = Timestamp::from_nanos(record.enqueued);
        if let Some(key) = &record.idempotency_key {
            let used = KeyUse {
                id,
                payload: content_hash(record),
                expires: Some(enqueued.plus(IDEMPOTENCY_TTL)),
            };
            self.keys.insert(request_hash(&queue.name, key), used);
        }
        if is_plain(record) {
            queue.enter_plain(id, enqueued);
            queue.arrivals.record(1, now.monotonic);
        } else {
            let entry = self.new_entry(id, record);
            self.take_in(id, entry, now);
        }
        self.note_stirred(record.queue);
    }

    pub(super) fn key_used(&mut self, sequence: u64, used: &KeyUsed) {
        let Some(queue) = self.queues.get(&used.queue) else {
            return;
        };
        let key = request_hash(&queue.name, &used.key);
        let used = KeyUse {
            id: used.id(sequence),
            payload: used.content,
            expires: Some(Timestamp::from_nanos(used.at).plus(IDEMPOTENCY_TTL)),
        };
        self.keys.insert(key, used);
    }

    pub(super) fn edited(&mut self, sequence: u64, edited: &Rewritten, now: Now) {
        let id = edited.id;
        if self.entries.get(&id).is_some_and(Entry::is_dead) {
            self.carried(sequence, id);
            return;
        }
        if !self.queues.contains_key(&edited.job.queue) {
            return;
        }
        let Some(old) = self.take_away(id, now) else {
            return;
        };
        let mut entry = self.new_entry(id, &edited.job);
        entry.location = sequence;
        entry.attempts = old.attempts;
        entry.failures = old.failures;
        entry.losses = old.losses;
        entry.redrives = old.redrives;
        self.take_in(id, entry, now);
        self.note_stirred(edited.job.queue);
    }

    pub(super) fn carried(&mut self, sequence: u64, id: u64) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.location = sequence;
        } else if self.waits_plainly(id).is_some() {
            self.moved.insert(id, sequence);
        }
    }

    fn new_entry(&mut self, id: u64, record: &Record) -> Entry {
        let queue = self.queues.get_mut(&record.queue);
        let queue = queue.expect("the caller looked for the queue");
        let enqueued = Timestamp::from_nanos(record.enqueued);
        let mut entry = Entry::plain(record.queue, id, enqueued);
        entry.priority = record.priority();
        entry.group = queue.group_number(record.group.as_deref());
        entry.key = queue.key_number(record.key.as_deref());
        let run_at = record.run_at.map_or(enqueued, Timestamp::from_nanos);
        entry.put_at(run_at.max(enqueued));
        let more = More {
            deadline: record.deadline.map(Timestamp::from_nanos),
            unique: hold(queue, id, record),
            result_ttl: record.result_ttl(),
            open: record.dependencies(id, true).collect(),
            on_dead_child: record.on_dead_child(),
            ..More::default()
        };
        if !more.is_empty() {
            entry.more = Some(Box::new(more));
        }
        entry
    }

    /// Puts a job where it belongs that is in no structure yet.
    fn take_in(&mut self, id: u64, mut entry: Entry, now: Now) {
        let fate = self.look_at_children(id, &mut entry);
        entry.state = entry.waiting_state(now.wall);
        if let Some(deadline) = entry.deadline() {
            self.deadlines.insert((deadline, id));
        }
        let queue = self.queues.get_mut(&entry.queue);
        let queue = queue.expect("a job's queue exists");
        if entry.is_due_at_once() {
            entry.line = queue.next_in_line(entry.due);
        }
        if entry.state == State::Ready {
            queue.arrivals.record(1, now.monotonic);
        }
        queue.adopt(&entry);
        queue.enter(id, &entry);
        self.entries.insert(id, entry);
        if let Some((child, outcome)) = fate {
            let enqueued = self.entries[&id].enqueued;
            self.die(id, enqueued, &outcome.reason(child), now);
        }
    }

    /// Waits for those of its children that are still to come to an end. The child that makes it die, if one
    /// does.
    fn look_at_children(&mut self, id: u64, entry: &mut Entry) -> Option<(u64, Outcome)> {
        let more = entry.more.as_mut()?;
        let children: BTreeSet<u64> = std::mem::take(&mut more.open).into_iter().collect();
        let mut fate = None;
        for child in children {
            let over = match self.entries.get(&child) {
                Some(entry) => entry.is_dead().then_some(Outcome::Dead),
                // Completed ones were left out when it was decided.
                None if self.waits_plainly(child).is_none() => Some(Outcome::Cancelled),
                None => None,
            };
            if let Some(outcome) = over {
                if more.on_dead_child == OnDeadChild::Ignore {
                    continue;
                }
                if outcome.is_fatal(more.on_dead_child) {
                    fate = Some((child, outcome));
                }
            }
            more.open.push(child);
            self.parents.entry(child).or_default().push(id);
        }
        fate
    }
}

/// What tells the work of one request from that of another.
pub(super) fn content_hash(record: &Record) -> u64 {
    let parts: [&[u8]; 3] = [
        record.kind.as_bytes(),
        record.content_type.as_bytes(),
        &record.payload,
    ];
    KeyHash::of(&parts).short()
}

/// The hash of a uniqueness key within its queue.
pub(super) fn unique_hash(key: &str) -> KeyHash {
    KeyHash::of(&[b"unique", key.as_bytes()])
}

fn is_plain(record: &Record) -> bool {
    record.priority() == 0
        && record.run_at.is_none_or(|due| due <= record.enqueued)
        && record.group.is_none()
        && record.key.is_none()
        && record.deadline.is_none()
        && record.unique().is_none()
        && record.result_ttl().is_none()
        && record.dependencies(0, true).next().is_none()
}

/// Gives a job its uniqueness key.
fn hold(queue: &mut Queue, id: u64, record: &Record) -> Option<HeldKey> {
    let (key, mode) = record.unique()?;
    let hash = unique_hash(key);
    let enqueued = Timestamp::from_nanos(record.enqueued);
    let (hold, expires) = match mode {
        UniqueMode::UntilFinished => (Hold::Finish, None),
        UniqueMode::UntilClaimed | UniqueMode::Replace => (Hold::Claim, None),
        UniqueMode::For(time) => (Hold::Time, Some(enqueued.plus(time))),
    };
    let used = KeyUse {
        id,
        payload: 0,
        expires,
    };
    queue.unique.insert(hash, used);
    Some(HeldKey { hash, hold })
}
