//! The due jobs of one group, and of each key in it.
//!
//! When the queue limits its keys, a lane shows at most one job of each key, the first in order; the others
//! stand behind it. A key without room has none shown (it is *hidden*) until it has room again, so that a
//! claim never goes over jobs that it may not give.

use std::collections::{BTreeSet, HashMap};

use portique_clock::Timestamp;

use super::entry::Number;
use super::parts::RateLimit;
use crate::{Label, QueueOptions};

/// A job's place among those of its lane: a virtual time, lower first, and its id.
pub(super) type Place = (i128, u64);

/// Ages a job as if it had become due earlier by `priority` times the queue's ageing time; without ageing
/// priorities go first and age decides between equals.
pub(super) fn rank(options: &QueueOptions, priority: i16, due: Timestamp) -> i128 {
    let due = i128::from(due.as_nanos());
    match options.ageing {
        Some(ageing) => {
            let step = i128::try_from(ageing.as_nanos()).unwrap_or(i128::MAX >> 16);
            due - i128::from(priority) * step
        }
        None => (-i128::from(priority) << 64) + due,
    }
}

/// The due jobs of one group.
#[derive(Debug, Clone, Default)]
pub(super) struct Lane {
    /// None of the lane of jobs without a group.
    pub(super) label: Option<Label>,
    /// Jobs that may be given, as far as their keys go.
    pub(super) shown: BTreeSet<Place>,
    slots: HashMap<Number, Slot>,
    /// Due jobs, hidden ones included.
    pub(super) due: u64,
    pub(super) active: u32,
    pub(super) is_paused: bool,
    pub(super) rate: RateLimit,
    /// It is looked at again once its rate may be idle.
    pub(super) is_looked_at_again: bool,
    /// Jobs that are not finished.
    pub(super) jobs: u64,
}

/// The due jobs of one key in one lane.
#[derive(Debug, Clone, Default)]
struct Slot {
    jobs: BTreeSet<Place>,
    is_shown: bool,
}

/// The jobs of one key, over all lanes.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) label: Label,
    pub(super) active: u32,
    pub(super) rate: RateLimit,
    /// Lanes in which its jobs are not shown.
    pub(super) hidden: BTreeSet<Number>,
    /// It is looked at again once its rate may be idle.
    pub(super) is_looked_at_again: bool,
    /// Jobs that are not finished.
    pub(super) jobs: u64,
}

impl Lane {
    /// The lane of a group.
    pub(super) fn of(label: Label) -> Self {
        Self {
            label: Some(label),
            ..Self::default()
        }
    }

    /// Adds a due job whose key is not limited.
    pub(super) fn insert(&mut self, place: Place) {
        self.due += 1;
        self.shown.insert(place);
    }

    /// Takes a due job out whose key is not limited.
    pub(super) fn remove(&mut self, place: Place) {
        self.due -= u64::from(self.shown.remove(&place));
    }

    /// Adds a due job of a limited key; `has_room`: another job of the key may be given now. True when
    /// the key is hidden here.
    pub(super) fn insert_keyed(&mut self, key: Number, place: Place, has_room: bool) -> bool {
        self.due += 1;
        let slot = self.slots.entry(key).or_default();
        slot.conceal(&mut self.shown);
        slot.jobs.insert(place);
        slot.show(&mut self.shown, has_room)
    }

    /// Takes a due job of a limited key out. True when the key is hidden here.
    pub(super) fn remove_keyed(&mut self, key: Number, place: Place, has_room: bool) -> bool {
        let Some(slot) = self.slots.get_mut(&key) else {
            return false;
        };
        slot.conceal(&mut self.shown);
        self.due -= u64::from(slot.jobs.remove(&place));
        if slot.jobs.is_empty() {
            self.slots.remove(&key);
            return false;
        }
        slot.show(&mut self.shown, has_room)
    }

    /// Shows the first job of a key, or hides the key.
    pub(super) fn show_key(&mut self, key: Number, has_room: bool) {
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.conceal(&mut self.shown);
            slot.show(&mut self.shown, has_room);
        }
    }

    /// How many due jobs of each limited key are here.
    pub(super) fn keyed(&self) -> impl Iterator<Item = (Number, u64)> + '_ {
        let slots = self.slots.iter();
        slots.map(|(key, slot)| (*key, slot.jobs.len() as u64))
    }
}

impl Slot {
    fn conceal(&mut self, shown: &mut BTreeSet<Place>) {
        if let Some(first) = self.jobs.first().filter(|_| self.is_shown) {
            shown.remove(first);
        }
        self.is_shown = false;
    }

    /// True when it stays hidden.
    fn show(&mut self, shown: &mut BTreeSet<Place>, has_room: bool) -> bool {
        self.is_shown = has_room;
        if let Some(first) = self.jobs.first().filter(|_| has_room) {
            shown.insert(*first);
        }
        !has_room
    }
}
