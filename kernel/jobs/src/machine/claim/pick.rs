//! What one claim chooses, one job after the other.

use std::collections::BTreeMap;

use portique_clock::Timestamp;

use crate::machine::entry::{Entry, NO_GROUP, Number, State};
use crate::machine::lane;
use crate::machine::queue::{Queue, Wake};

/// Most suspects a claim looks at for one whose group and key have room.
const SUSPECTS_LOOKED_AT_MAX: usize = 32;

/// One claim's choice.
pub(super) struct Pick<'a> {
    pub(super) queue: &'a mut Queue,
    pub(super) entries: &'a mut BTreeMap<u64, Entry>,
    pub(super) moved: &'a mut BTreeMap<u64, u64>,
    pub(super) now: Timestamp,
    pub(super) ids: Vec<u64>,
}

/// Who is next in a lane.
enum Candidate {
    Plain(u64),
    WithEntry(u64),
}

impl Pick<'_> {
    /// The first suspect that may be given now, to a worker with nothing in hand.
    pub(super) fn suspect(&mut self) -> Option<u64> {
        if !self.may_give() {
            return None;
        }
        let suspects = self.queue.suspects.iter();
        let looked_at: Vec<u64> = suspects
            .take(SUSPECTS_LOOKED_AT_MAX)
            .map(|(_, id)| *id)
            .collect();
        for id in looked_at {
            let entry = &self.entries[&id];
            let (group, key) = (entry.group, entry.key);
            if self.lane_may_give(group) && self.key_may_give(key) && !self.is_overdue(id) {
                return Some(id);
            }
        }
        None
    }

    /// Chooses up to `limit` jobs that are not suspects.
    pub(super) fn others(&mut self, limit: usize) {
        while self.ids.len() < limit && self.may_give() {
            let Some(group) = self.queue.fair.turn().copied() else {
                return;
            };
            if !self.lane_may_give(group) {
                self.queue.fair.deactivate(&group);
                continue;
            }
            match self.candidate(group) {
                None => self.queue.refresh(group),
                Some(Candidate::Plain(id)) => {
                    self.queue.fair.served();
                    self.take_plain(id);
                }
                Some(Candidate::WithEntry(id)) => {
                    let key = self.entries[&id].key;
                    if self.is_overdue(id) {
                        continue;
                    }
                    if self.key_may_give(key) {
                        self.queue.fair.served();
                        self.take(id);
                    } else {
                        self.queue.hide_key(key, group);
                        self.queue.refresh(group);
                    }
                }
            }
        }
    }

    fn candidate(&self, group: Number) -> Option<Candidate> {
        let lane = self.queue.lane(group);
        let first = lane.shown.first().copied();
        if group != NO_GROUP {
            return first.map(|(_, id)| Candidate::WithEntry(id));
        }
        let Some(front) = self.queue.backlog.front() else {
            return first.map(|(_, id)| Candidate::WithEntry(id));
        };
        let Some((rank, id)) = first else {
            return Some(Candidate::Plain(front));
        };
        Some(if self.is_before_plain(rank, id, front) {
            Candidate::WithEntry(id)
        } else {
            Candidate::Plain(front)
        })
    }

    /// Whether a job with an entry goes before the plain one at the front. Plain ones know their times only
    /// roughly; between two that were due at once, ids know better, unless one took an earlier job's place.
    fn is_before_plain(&self, rank: i128, id: u64, front: u64) -> bool {
        let entry = &self.entries[&id];
        let was_written_once = entry.location == id;
        if entry.priority == 0 && entry.is_due_at_once() && was_written_once {
            return id < front;
        }
        let front_time = self.queue.backlog.front_time();
        let front_time = front_time.expect("a backlog with a front knows its time");
        (rank, id) < (lane::rank(&self.queue.options, 0, front_time), front)
    }

    fn may_give(&self) -> bool {
        let queue = &self.queue;
        let is_in_rate = queue
            .options
            .rate
            .is_none_or(|rate| queue.rate.is_ready(rate, self.now));
        !queue.is_paused && queue.room() > 0 && is_in_rate
    }

    /// Whether a group may be given one more; when its rate says no, it is looked at again in time.
    fn lane_may_give(&mut self, group: Number) -> bool {
        if group == NO_GROUP {
            return true;
        }
        let lane = self.queue.lane(group);
        let limit = self.queue.options.group_concurrency.unwrap_or(u32::MAX);
        if lane.is_paused || lane.active >= limit {
            return false;
        }
        let Some(rate) = self.queue.options.group_rate else {
            return true;
        };
        let ready = lane.rate.ready_at(rate, self.now);
        if ready > self.now {
            self.queue.wakes.insert((ready, Wake::Group(group)));
        }
        ready <= self.now
    }

    /// As [`lane_may_give`](Self::lane_may_give), for a key.
    fn key_may_give(&mut self, number: Number) -> bool {
        let Some(key) = self.queue.keys.find(number) else {
            return true;
        };
        if !self.queue.key_has_room(number) {
            return false;
        }
        let Some(rate) = self.queue.options.key_rate else {
            return true;
        };
        let ready = key.rate.ready_at(rate, self.now);
        if ready > self.now {
            self.queue.wakes.insert((ready, Wake::Key(number)));
        }
        ready <= self.now
    }

    /// Sets a job aside whose deadline has passed.
    fn is_overdue(&mut self, id: u64) -> bool {
        let entry = self.entries.get_mut(&id).expect("who waits has an entry");
        if entry.deadline().is_none_or(|deadline| deadline > self.now) {
            return false;
        }
        self.queue.leave(id, entry);
        entry.state = State::Overdue;
        self.queue.enter(id, entry);
        true
    }

    fn take_plain(&mut self, id: u64) {
        let enqueued = self.queue.backlog.front_time().unwrap_or(self.now);
        self.queue.backlog.pop_front();
        let mut entry = Entry::plain(self.queue.number, id, enqueued);
        if let Some(location) = self.moved.remove(&id) {
            entry.location = location;
        }
        entry.state = State::Picked;
        self.queue.adopt(&entry);
        self.queue.enter(id, &entry);
        if self.queue.backlog.is_empty() {
            self.queue.refresh(NO_GROUP);
        }
        self.count_start(NO_GROUP, entry.key);
        self.entries.insert(id, entry);
        self.ids.push(id);
    }

    pub(super) fn take(&mut self, id: u64) {
        let entry = self.entries.get_mut(&id).expect("who waits has an entry");
        let waiting = entry.state;
        // First among the active, so that a key without room for another shows none.
        entry.state = State::Picked;
        self.queue.enter(id, entry);
        entry.state = waiting;
        self.queue.leave(id, entry);
        entry.state = State::Picked;
        let (group, key) = (entry.group, entry.key);
        self.count_start(group, key);
        self.ids.push(id);
    }

    fn count_start(&mut self, group: Number, key: Number) {
        let options = &self.queue.options;
        let (rate, group_rate, key_rate) = (options.rate, options.group_rate, options.key_rate);
        if let Some(rate) = rate {
            self.queue.rate.take(rate, self.now);
        }
        if let Some(rate) = group_rate.filter(|_| group != NO_GROUP) {
            self.queue.lane_mut(group).rate.take(rate, self.now);
        }
        if let (Some(rate), Some(key)) = (key_rate, self.queue.keys.find_mut(key)) {
            key.rate.take(rate, self.now);
        }
    }
}
