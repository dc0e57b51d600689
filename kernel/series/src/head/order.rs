//! The series of the head sorted by labels, so that a large selection compares none.

use std::cmp::Ordering;
use std::sync::{Mutex, PoisonError};

use roaring::RoaringBitmap;

use super::Table;

/// Selections of fewer series are sorted by their labels: that costs less than looking further.
const SORT_MAX: usize = 256;

/// New series are searched a place one by one while they are fewer than this part of all.
const FEW_PART: usize = 16;

/// A place for each slot, in the order of labels, brought up to date when somebody asks.
#[derive(Debug, Default)]
pub(super) struct Order {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    sorted: Vec<u32>,
    place: Vec<u32>,
    added: Vec<u32>,
    removed: RoaringBitmap,
}

impl Order {
    pub(super) fn added(&mut self, slot: u32) {
        let known = self.known.get_mut().unwrap_or_else(PoisonError::into_inner);
        known.added.push(slot);
    }

    pub(super) fn removed(&mut self, slot: u32) {
        let known = self.known.get_mut().unwrap_or_else(PoisonError::into_inner);
        known.removed.insert(slot);
        known.added.retain(|added| *added != slot);
    }

    /// Gives the series that came since the last time their places.
    pub(super) fn update(&self, table: &Table) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.update(table);
    }

    /// The slots, sorted by the labels of their series.
    pub(super) fn sort(&self, slots: &RoaringBitmap, table: &Table) -> Vec<u32> {
        let mut sorted: Vec<u32> = slots.iter().collect();
        if sorted.len() < SORT_MAX {
            sorted.sort_unstable_by(|a, b| compare(table, *a, *b));
            return sorted;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.update(table);
        for slot in &mut sorted {
            *slot = known.place[*slot as usize];
        }
        sorted.sort_unstable();
        for place in &mut sorted {
            *place = known.sorted[*place as usize];
        }
        sorted
    }
}

impl Known {
    fn update(&mut self, table: &Table) {
        if self.added.is_empty() && self.removed.is_empty() {
            return;
        }
        let removed = std::mem::take(&mut self.removed);
        if !removed.is_empty() {
            self.sorted.retain(|slot| !removed.contains(*slot));
        }
        let mut added = std::mem::take(&mut self.added);
        added.sort_unstable_by(|a, b| compare(table, *a, *b));
        self.sorted = merge(std::mem::take(&mut self.sorted), &added, table);
        self.place.resize(table.slots(), 0);
        for (place, slot) in (0..).zip(&self.sorted) {
            self.place[*slot as usize] = place;
        }
    }
}

fn merge(sorted: Vec<u32>, added: &[u32], table: &Table) -> Vec<u32> {
    let is_before = |slot: u32, other: u32| compare(table, slot, other) == Ordering::Less;
    let few = added.len() < sorted.len() / FEW_PART;
    let mut merged = Vec::with_capacity(sorted.len() + added.len());
    let mut rest = &sorted[..];
    for slot in added {
        let before = match few {
            true => rest.partition_point(|other| is_before(*other, *slot)),
            false => rest
                .iter()
                .take_while(|other| is_before(**other, *slot))
                .count(),
        };
        merged.extend_from_slice(&rest[..before]);
        merged.push(*slot);
        rest = &rest[before..];
    }
    merged.extend_from_slice(rest);
    merged
}

fn compare(table: &Table, a: u32, b: u32) -> Ordering {
    let labels = |slot| table.series(slot).map(|series| &series.labels);
    labels(a).cmp(&labels(b))
}
