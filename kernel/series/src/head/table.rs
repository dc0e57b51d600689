//! From labels to slots, and what a slot holds.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::{Last, Series};

/// All series of the head. A slot that was given up is given away again.
#[derive(Debug, Default)]
pub(crate) struct Table {
    hasher: DefaultHashBuilder,
    slots: HashTable<u32>,
    series: Vec<Option<Series>>,
    last: Vec<Last>,
    free: Vec<u32>,
}

impl Table {
    /// The slot of packed labels.
    #[inline]
    pub(crate) fn find(&self, packed: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(packed.as_bytes());
        let is_it = |slot: &u32| self.packed(*slot) == Some(packed);
        self.slots.find(hash, is_it).copied()
    }

    /// A slot for a series that has none yet.
    pub(crate) fn add(&mut self, series: Series) -> u32 {
        let slot = self.free.pop().unwrap_or(self.series.len() as u32);
        self.put(slot, series);
        slot
    }

    /// Gives a series a certain slot, which must not hold another.
    pub(crate) fn put(&mut self, slot: u32, series: Series) {
        let Self {
            hasher,
            slots,
            series: all,
            last,
            ..
        } = self;
        let at = slot as usize;
        if all.len() <= at {
            all.resize_with(at + 1, || None);
            last.resize(at + 1, Last::default());
        }
        let hash = hasher.hash_one(series.labels.packed().as_bytes());
        all[at] = Some(series);
        last[at] = Last::default();
        let rehash = |slot: &u32| {
            let labels = all[*slot as usize]
                .as_ref()
                .map(|series| series.labels.packed());
            hasher.hash_one(labels.unwrap_or_default().as_bytes())
        };
        slots.insert_unique(hash, slot, rehash);
    }

    /// Makes room for so many slots at once.
    pub(crate) fn reserve(&mut self, slots: usize) {
        let Self {
            hasher,
            slots: table,
            series,
            last,
            ..
        } = self;
        series.reserve(slots);
        last.reserve(slots);
        table.reserve(slots, |slot| {
            let labels = series[*slot as usize]
                .as_ref()
                .map(|series| series.labels.packed());
            hasher.hash_one(labels.unwrap_or_default().as_bytes())
        });
    }

    /// Gives up a slot.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<Series> {
        let series = self.series.get_mut(slot as usize)?.take()?;
        let hash = self.hasher.hash_one(series.labels.packed().as_bytes());
        if let Ok(entry) = self.slots.find_entry(hash, |found| *found == slot) {
            entry.remove();
        }
        self.last[slot as usize] = Last::default();
        self.free.push(slot);
        Some(series)
    }

    /// Makes the list of free slots anew, after slots were filled out of turn.
    pub(crate) fn find_free(&mut self) {
        let slots = 0..self.series.len() as u32;
        self.free = slots
            .rev()
            .filter(|slot| self.series[*slot as usize].is_none())
            .collect();
    }

    #[inline]
    pub(crate) fn series(&self, slot: u32) -> Option<&Series> {
        self.series.get(slot as usize)?.as_ref()
    }

    #[inline]
    pub(crate) fn series_mut(&mut self, slot: u32) -> Option<&mut Series> {
        self.series.get_mut(slot as usize)?.as_mut()
    }

    /// The newest sample of a slot.
    #[inline]
    pub(crate) fn last(&self, slot: u32) -> Last {
        self.last.get(slot as usize).copied().unwrap_or_default()
    }

    #[inline]
    pub(crate) fn set_last(&mut self, slot: u32, last: Last) {
        if let Some(place) = self.last.get_mut(slot as usize) {
            *place = last;
        }
    }

    /// How many series there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// One more than the highest slot in use.
    pub(crate) fn slots(&self) -> usize {
        self.series.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Series)> {
        let all = (0..).zip(&self.series);
        all.filter_map(|(slot, series)| Some((slot, series.as_ref()?)))
    }

    fn packed(&self, slot: u32) -> Option<&str> {
        Some(self.series(slot)?.labels.packed())
    }
}
