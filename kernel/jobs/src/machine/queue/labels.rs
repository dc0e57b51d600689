//! Groups and keys: their numbers, what they hold back, and when they are forgotten.

use std::collections::BTreeSet;

use portique_clock::Timestamp;

use super::{Queue, Wake};
use crate::Label;
use crate::machine::entry::{Entry, NO_GROUP, NO_KEY, Number};
use crate::machine::lane::{Key, Lane};
use crate::machine::parts::RateLimit;

impl Queue {
    /// The number of a group, which is made when it is new.
    pub(in crate::machine) fn group_number(&mut self, label: Option<&str>) -> Number {
        let Some(label) = label else {
            return NO_GROUP;
        };
        self.lanes
            .number_or_insert(label, || Lane::of(checked(label)))
    }

    /// The number of a key, which is made when it is new.
    pub(in crate::machine) fn key_number(&mut self, label: Option<&str>) -> Number {
        let Some(label) = label else {
            return NO_KEY;
        };
        self.keys.number_or_insert(label, || Key {
            label: checked(label),
            active: 0,
            rate: RateLimit::new(),
            hidden: BTreeSet::new(),
            is_looked_at_again: false,
            jobs: 0,
        })
    }

    /// Counts a job with an entry among those of its group and key.
    pub(in crate::machine) fn adopt(&mut self, entry: &Entry) {
        self.lane_mut(entry.group).jobs += 1;
        if let Some(key) = self.keys.find_mut(entry.key) {
            key.jobs += 1;
        }
    }

    /// The opposite of [`adopt`](Self::adopt): forgets groups and keys that nothing needs any more.
    pub(in crate::machine) fn orphan(&mut self, entry: &Entry, now: Timestamp) {
        self.lane_mut(entry.group).jobs -= 1;
        if let Some(key) = self.keys.find_mut(entry.key) {
            key.jobs -= 1;
        }
        self.forget_group(entry.group, now);
        self.forget_key(entry.key, now);
    }

    /// Forgets a group without jobs, or sees to it when its rate is free again.
    pub(in crate::machine) fn forget_group(&mut self, group: Number, now: Timestamp) {
        let Some(lane) = self.lanes.find_mut(group) else {
            return;
        };
        if lane.jobs > 0 || lane.is_paused {
            return;
        }
        match self.options.group_rate {
            Some(_) if lane.is_looked_at_again => {}
            Some(rate) if !lane.rate.is_idle(now) => {
                lane.is_looked_at_again = true;
                self.wakes
                    .insert((now.plus(rate.per), Wake::LookAtGroup(group)));
            }
            _ => {
                self.fair.deactivate(&group);
                self.lanes.remove(group);
            }
        }
    }

    fn forget_key(&mut self, number: Number, now: Timestamp) {
        let Some(key) = self.keys.find_mut(number).filter(|key| key.jobs == 0) else {
            return;
        };
        match self.options.key_rate {
            Some(_) if key.is_looked_at_again => {}
            Some(rate) if !key.rate.is_idle(now) => {
                key.is_looked_at_again = true;
                self.wakes
                    .insert((now.plus(rate.per), Wake::LookAtKey(number)));
            }
            _ => self.keys.remove(number),
        }
    }

    /// Lets groups and keys go on whose rate allows it by now.
    pub(in crate::machine) fn wake(&mut self, now: Timestamp) {
        while let Some((at, wake)) = self.wakes.first().copied() {
            if at > now {
                return;
            }
            self.wakes.remove(&(at, wake));
            match wake {
                Wake::Group(group) => self.refresh(group),
                Wake::Key(key) => self.show_key(key),
                Wake::LookAtGroup(group) => {
                    if let Some(lane) = self.lanes.find_mut(group) {
                        lane.is_looked_at_again = false;
                    }
                    self.forget_group(group, now);
                }
                Wake::LookAtKey(number) => {
                    if let Some(key) = self.keys.find_mut(number) {
                        key.is_looked_at_again = false;
                    }
                    self.forget_key(number, now);
                }
            }
        }
    }

    /// Shows a key's jobs in every lane again, if it has room.
    pub(in crate::machine) fn show_key(&mut self, number: Number) {
        if !self.key_has_room(number) {
            return;
        }
        let Some(key) = self.keys.find_mut(number) else {
            return;
        };
        for group in std::mem::take(&mut key.hidden) {
            self.lane_mut(group).show_key(number, true);
            self.refresh(group);
        }
    }

    /// Hides a key's jobs in one lane until the key has room again.
    pub(in crate::machine) fn hide_key(&mut self, number: Number, group: Number) {
        self.lane_mut(group).show_key(number, false);
        if let Some(key) = self.keys.find_mut(number) {
            key.hidden.insert(group);
        }
    }

    /// Whether the key of a job is limited here.
    pub(in crate::machine) fn is_key_limited(&self, entry: &Entry) -> bool {
        let options = &self.options;
        entry.key != NO_KEY && (options.key_concurrency.is_some() || options.key_rate.is_some())
    }

    /// Whether one more job of this key may be active, as far as their number goes.
    pub(in crate::machine) fn key_has_room(&self, key: Number) -> bool {
        let limit = self.options.key_concurrency.unwrap_or(u32::MAX);
        self.keys.find(key).is_none_or(|key| key.active < limit)
    }

    pub(super) fn note_hidden(&mut self, entry: &Entry, is_hidden: bool) {
        let Some(key) = self.keys.find_mut(entry.key) else {
            return;
        };
        if is_hidden {
            key.hidden.insert(entry.group);
        } else {
            key.hidden.remove(&entry.group);
        }
    }
}

fn checked(label: &str) -> Label {
    Label::new(label).expect("labels are checked when decided or decoded")
}
