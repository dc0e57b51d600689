//! Facts become state.

use std::collections::BTreeMap;

use super::entry::{Entry, NO_GROUP};
use super::fact::{Decided, Defined, Fact, Pause};
use super::queue::Queue;
use super::{Machine, Now};
use crate::JobId;

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
                    self.plan_ticks();
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
            self.agenda.forget(&queue);
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
                // Suspects of the group are in no lane that would say so.
                queue.is_stirred |= !is_paused;
                queue.forget_group(group, now.wall);
            }
        }
        self.note_stirred(pause.queue);
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

    pub(super) fn note_ended(&mut self, id: u64) {
        if self.watched.contains_key(&id) {
            self.ended.push(JobId(id));
        }
    }
}

/// Takes a plain job out of its backlog, as an entry that is in no structure.
pub(super) fn take_plain(
    queue: &mut Queue,
    moved: &mut BTreeMap<u64, u64>,
    id: u64,
) -> Option<Entry> {
    let enqueued = queue.backlog.time_of(id);
    if !queue.backlog.remove(id) {
        return None;
    }
    queue.refresh(NO_GROUP);
    let enqueued = enqueued.expect("a backlog knows the times of its jobs");
    let mut entry = Entry::plain(queue.number, id, enqueued);
    if let Some(location) = moved.remove(&id) {
        entry.location = location;
    }
    Some(entry)
}
