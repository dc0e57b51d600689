//! Facts become state.

use std::collections::BTreeSet;
use std::sync::Arc;

use portique_clock::Timestamp;

use super::entry::{Entry, HeldKey, Hold, Lease, More, State};
use super::fact::{Claimed, Decided, Defined, Fact, Failed, Ids, Lost, Pause};
use super::fact::{KeyUsed, Record, Released, Rewritten};
use super::parts::{KeyHash, KeyUse};
use super::queue::Queue;
use super::{IDEMPOTENCY_TTL, Machine, Now, request_hash};
use crate::{JobId, OnDeadChild, UniqueMode};

/// Most bytes of all reasons of failures together; past it, new ones are cut short.
const REASONS_BYTES_MAX: usize = 64 << 20;
/// How long a reason may be when there is no room for long ones.
const REASON_BYTES_SHORT: usize = 128;

impl Machine {
    /// Takes a fact in. `sequence` is its record's; `now` counts only for what is not durable, such as how
    /// long leases hold: in replay it is the time of the replay.
    ///
    /// A fact about a queue or job that does not exist is without effect.
    pub fn apply(&mut self, sequence: u64, fact: &Fact, now: Now) {
        match &fact.0 {
            Decided::QueueDefined(defined) => self.define(defined, now),
            Decided::QueueRemoved(removed) => self.remove_queue(removed.queue),
            Decided::QueuePaused(pause) => self.pause(pause, true, now),
            Decided::QueueResumed(pause) => self.pause(pause, false, now),
            Decided::QueueDraining(pause) => {
                if let Some(queue) = self.queues.get_mut(&pause.queue) {
                    queue.is_draining = true;
                }
            }
            Decided::Enqueued(record) => self.enqueue(sequence, record, now),
            Decided::Claimed(claimed) => self.claimed(claimed, now),
            Decided::Completed(completed) => self.complete(sequence, completed, now),
            Decided::Failed(failed) => self.failed(failed, now),
            Decided::Released(released) => self.released(released, now),
            Decided::Lost(lost) => self.lost(lost, now),
            Decided::Cancelled(cancelled) => self.cancelled(sequence, cancelled, now),
            Decided::Retried(retried) => self.retried(retried, now),
            Decided::Edited(edited) => self.edited(sequence, edited, now),
            Decided::Carried(carried) => self.carried(sequence, carried.id),
            Decided::Dropped(dropped) => self.dropped(dropped, now),
            Decided::Expired(expired) => self.expired(expired, now),
            Decided::KeyUsed(used) => self.key_used(sequence, used),
            Decided::ScheduleDefined(body) => self.define_schedule(body),
            Decided::ScheduleRemoved(named) => {
                if let Ok(name) = named.name() {
                    self.schedules.remove(&name);
                }
            }
            Decided::Ticked(ticked) => self.ticked(sequence, ticked),
            Decided::BindingDefined(body) => {
                let binding = body
                    .read()
                    .expect("facts are checked when decided or decoded");
                self.bindings.insert(binding.name.clone(), binding);
            }
            Decided::BindingRemoved(named) => {
                if let Ok(name) = named.name() {
                    self.bindings.remove(&name);
                }
            }
        }
    }

    fn define(&mut self, defined: &Defined, now: Now) {
        self.next_queue = self.next_queue.max(defined.queue.saturating_add(1));
        if let Some(queue) = self.queues.get_mut(&defined.queue) {
            queue.redefine(&mut self.entries, defined.options(), now);
            self.note_stirred(defined.queue);
            return;
        }
        let name = defined.name();
        self.names.insert(name.clone(), defined.queue);
        let queue = Queue::new(defined.queue, name, defined.options(), now);
        self.queues.insert(defined.queue, queue);
    }

    fn remove_queue(&mut self, number: u32) {
        let is_empty = |queue: &Queue| queue.jobs() == 0;
        if self.queues.get(&number).is_some_and(is_empty) {
            let queue = self.queues.remove(&number).expect("it was just looked at");
            self.names.remove(&queue.name);
        }
    }

    fn pause(&mut self, pause: &Pause, is_paused: bool, now: Now) {
        let Some(queue) = self.queues.get_mut(&pause.queue) else {
            return;
        };
        match &pause.group {
            None => {
                queue.is_paused = is_paused;
                queue.is_draining &= is_paused;
                queue.is_stirred = true;
            }
            Some(label) => {
                let group = queue.group_number(Some(label));
                queue.lane_mut(group).is_paused = is_paused;
                queue.refresh(group);
                queue.forget_group(group, now.wall);
            }
        }
        self.note_stirred(pause.queue);
    }

    fn enqueue(&mut self, id: u64, record: &Record, now: Now) {
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

    fn key_used(&mut self, sequence: u64, used: &KeyUsed) {
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

    fn new_entry(&mut self, id: u64, record: &Record) -> Entry {
        let queue = self.queues.get_mut(&record.queue);
        let queue = queue.expect("the caller looked for the queue");
        let enqueued = Timestamp::from_nanos(record.enqueued);
        let mut entry = Entry::plain(record.queue, id, enqueued);
        entry.priority = record.priority();
        entry.group = queue.group_number(record.group.as_deref());
        entry.key = queue.key_number(record.key.as_deref());
        let run_at = record.run_at.map_or(enqueued, Timestamp::from_nanos);
        entry.due = run_at.max(enqueued);
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
        if entry.state == State::Ready {
            queue.arrivals.record(1, now.monotonic);
        }
        queue.adopt(&entry);
        queue.enter(id, &entry);
        self.entries.insert(id, entry);
        if let Some(child) = fate {
            let enqueued = self.entries[&id].enqueued;
            self.die(id, enqueued, &child_is_dead(child), now);
        }
    }

    /// Waits for those of its children that are still to come to an end. The child that makes it die, if one
    /// does.
    fn look_at_children(&mut self, id: u64, entry: &mut Entry) -> Option<u64> {
        let more = entry.more.as_mut()?;
        let children: BTreeSet<u64> = std::mem::take(&mut more.open).into_iter().collect();
        let mut fate = None;
        for child in children {
            let is_over = match self.entries.get(&child) {
                Some(entry) => entry.is_dead(),
                None => self.waits_plainly(child).is_none(),
            };
            match more.on_dead_child {
                OnDeadChild::Ignore if is_over => continue,
                OnDeadChild::Die if is_over => fate = Some(child),
                _ => {}
            }
            more.open.push(child);
            self.parents.entry(child).or_default().push(id);
        }
        fate
    }

    fn claimed(&mut self, claimed: &Claimed, now: Now) {
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

    fn failed(&mut self, failed: &Failed, now: Now) {
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
                    entry.due = due;
                    entry.state = State::Failed;
                });
            }
            None => self.die(failed.id, at, &failed.reason, now),
        }
        self.note_stirred(number);
    }

    fn released(&mut self, released: &Released, now: Now) {
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
                        entry.due = due;
                        entry.state = entry.waiting_state(now.wall);
                    });
                }
            }
            self.note_stirred(number);
        }
    }

    fn lost(&mut self, lost: &Lost, now: Now) {
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

    fn retried(&mut self, retried: &Ids, now: Now) {
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
                    if entry.due > at =>
                {
                    self.change(*id, |entry| {
                        entry.due = at;
                        entry.state = entry.waiting_state(now.wall.max(at));
                    });
                }
                _ => continue,
            }
            self.note_stirred(number);
        }
    }

    /// Lets a dead job wait again. Whoever retries it does so in spite of children that will never be
    /// completed.
    fn revive(&mut self, id: u64, at: Timestamp, now: Now) {
        let more = self.entries.get(&id).and_then(|entry| entry.more.as_ref());
        let mut open = more.map(|more| more.open.clone()).unwrap_or_default();
        open.retain(|child| match self.entries.get(child) {
            Some(entry) => !entry.is_dead(),
            None => self.waits_plainly(*child).is_some(),
        });
        for child in &open {
            self.wait_no_more(*child, id);
            self.parents.entry(*child).or_default().push(id);
        }
        self.change(id, |entry| {
            entry.failures = 0;
            entry.losses = 0;
            entry.attempts = 0;
            entry.redrives = entry.redrives.saturating_add(1);
            entry.due = at;
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

    fn edited(&mut self, sequence: u64, edited: &Rewritten, now: Now) {
        let id = edited.id;
        if self.entries.get(&id).is_some_and(Entry::is_dead) {
            self.carried(sequence, id);
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

    fn carried(&mut self, sequence: u64, id: u64) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.location = sequence;
        } else if self.waits_plainly(id).is_some() {
            self.moved.insert(id, sequence);
        }
    }

    /// Changes a job, and puts it where it belongs after the change.
    pub(super) fn change(&mut self, id: u64, change: impl FnOnce(&mut Entry)) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let queue = self.queues.get_mut(&entry.queue);
        let queue = queue.expect("a job's queue exists");
        queue.leave(id, entry);
        change(entry);
        queue.enter(id, entry);
    }

    /// Lets a job wait in the place it had: a plain one in its backlog.
    pub(super) fn wait_again(&mut self, id: u64, now: Now) {
        let Some(entry) = self.entries.get(&id) else {
            return;
        };
        if !entry.is_plain() {
            self.change(id, |entry| entry.state = entry.waiting_state(now.wall));
            return;
        }
        let entry = self.entries.remove(&id).expect("it was just found");
        let queue = self.queues.get_mut(&entry.queue);
        let queue = queue.expect("a job's queue exists");
        queue.leave(id, &entry);
        queue.orphan(&entry, now.wall);
        queue.enter_plain(id, entry.enqueued);
        if entry.location != id {
            self.moved.insert(id, entry.location);
        }
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

    pub(super) fn note_ended(&mut self, id: u64) {
        if self.watched.contains_key(&id) {
            self.ended.push(JobId(id));
        }
    }
}

/// Why a job died that was to die with a child.
pub(super) fn child_is_dead(child: u64) -> String {
    format!("job {child}, which it waits for, is dead or cancelled")
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

/// Takes a plain job out of its backlog, as an entry that is in no structure.
pub(super) fn take_plain(
    queue: &mut Queue,
    moved: &mut std::collections::BTreeMap<u64, u64>,
    id: u64,
) -> Option<Entry> {
    let enqueued = queue.backlog.time_of(id);
    if !queue.backlog.remove(id) {
        return None;
    }
    queue.refresh(super::entry::NO_GROUP);
    let enqueued = enqueued.expect("a backlog knows the times of its jobs");
    let mut entry = Entry::plain(queue.number, id, enqueued);
    if let Some(location) = moved.remove(&id) {
        entry.location = location;
    }
    Some(entry)
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
