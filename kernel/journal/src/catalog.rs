use std::collections::VecDeque;
use std::time::Duration;

use portique_clock::Timestamp;

use crate::walk::Position;
use crate::{Retention, Sequence};

/// A reader that starts in the middle passes over half of this on average.
pub(crate) const MARK_BYTES: u64 = 256 * 1024;

/// The segments of an open journal, in memory.
#[derive(Debug)]
pub(crate) struct Catalog {
    /// Never empty; the last is the active one.
    entries: VecDeque<CatalogEntry>,
}

/// One segment.
#[derive(Debug, Clone)]
pub(crate) struct CatalogEntry {
    pub(crate) number: u64,
    pub(crate) first: u64,
    /// When the last frame before it was written.
    pub(crate) time: Timestamp,
    pub(crate) bytes: u64,
    /// The chain value at the end of the previous segment.
    pub(crate) previous: u32,
    /// Where reading may start, in order; the first is the first frame.
    pub(crate) marks: Vec<Position>,
}

/// Where in the journal a reader starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub(crate) number: u64,
    pub(crate) bytes: u64,
    pub(crate) position: Position,
}

/// The first segment kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oldest {
    /// Its first record.
    pub first: Sequence,
    /// The first record of the next segment; none when it is the active one.
    pub next: Option<Sequence>,
    /// How long ago its youngest record was written; zero for the active one.
    pub age: Duration,
    /// Bytes of all segments.
    pub bytes: u64,
    /// Whether retention has no limit.
    pub is_unlimited: bool,
    /// Whether a limit of retention is passed, so that it goes once it is released.
    pub is_over: bool,
}

impl CatalogEntry {
    fn mark(&mut self, position: Position) {
        let index = self
            .marks
            .partition_point(|mark| mark.offset <= position.offset);
        let before = index.checked_sub(1).map(|before| self.marks[before].offset);
        if before.is_none_or(|before| position.offset >= before + MARK_BYTES) {
            self.marks.insert(index, position);
        }
    }

    fn start(&self, position: Position) -> Start {
        Start {
            number: self.number,
            bytes: self.bytes,
            position,
        }
    }
}

impl Catalog {
    pub(crate) fn new(entries: impl Iterator<Item = CatalogEntry>) -> Self {
        Self {
            entries: entries.collect(),
        }
    }

    /// The first sequence kept, or the next to come.
    pub(crate) fn first(&self) -> Sequence {
        self.entries
            .front()
            .map_or(Sequence::FIRST, |entry| Sequence(entry.first))
    }

    /// The number of the first segment kept.
    pub(crate) fn first_number(&self) -> u64 {
        self.entries.front().map_or(0, |entry| entry.number)
    }

    /// Adds a segment, which is the active one from now on.
    pub(crate) fn push(&mut self, entry: CatalogEntry) {
        self.entries.push_back(entry);
    }

    /// Notes a place between two frames of the active segment, if the last such place is far.
    pub(crate) fn mark(&mut self, position: Position) {
        if let Some(active) = self.entries.back_mut() {
            active.mark(position);
        }
    }

    /// Notes a place that a reader came to in segment `number`: a start knows only where segments
    /// begin, and the next reader is not to walk there again.
    pub(crate) fn mark_in(&mut self, number: u64, position: Position) {
        let index = self.index(number);
        if let Some(entry) = index.and_then(|index| self.entries.get_mut(index)) {
            entry.mark(position);
        }
    }

    /// The best place to start reading at a sequence, unless it is dropped.
    pub(crate) fn locate(&self, sequence: u64) -> Option<Start> {
        let after = self
            .entries
            .partition_point(|entry| entry.first <= sequence);
        let entry = self.entries.get(after.checked_sub(1)?)?;
        let after = entry
            .marks
            .partition_point(|mark| mark.sequence <= sequence);
        Some(entry.start(*entry.marks.get(after.checked_sub(1)?)?))
    }

    /// The segment in which the first record of `time` or later is, or the one before it.
    pub(crate) fn locate_time(&self, time: Timestamp) -> Option<Start> {
        let after = self.entries.partition_point(|entry| entry.time < time);
        let entry = self.entries.get(after.saturating_sub(1))?;
        Some(entry.start(*entry.marks.first()?))
    }

    /// The place of a segment that is kept, or is to come.
    fn index(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first_number())?).ok()
    }

    /// The start of the segment after `number`.
    pub(crate) fn after(&self, number: u64) -> Option<Start> {
        let next = self.entries.get(self.index(number + 1)?)?;
        next.marks.first().map(|mark| next.start(*mark))
    }

    /// The start of the segment after `number`, when that ends at `position`.
    pub(crate) fn successor(&self, number: u64, position: Position) -> Option<Start> {
        let next = self.entries.get(self.index(number + 1)?)?;
        let ends = next.first == position.sequence && next.previous == position.chain;
        ends.then(|| self.after(number)).flatten()
    }

    /// The first segment, under these limits.
    pub(crate) fn oldest(&self, retention: &Retention, now: Timestamp) -> Oldest {
        let second = self.entries.get(1);
        let age = second.map_or(Duration::ZERO, |second| now.since(second.time));
        let bytes = self.entries.iter().map(|entry| entry.bytes).sum();
        let old = retention.age.is_some_and(|limit| age > limit);
        let many = retention.bytes.is_some_and(|limit| bytes > limit);
        Oldest {
            first: self.first(),
            next: second.map(|second| Sequence(second.first)),
            age,
            bytes,
            is_unlimited: retention.age.is_none() && retention.bytes.is_none(),
            is_over: old || many,
        }
    }

    /// Takes out the first segment, if it is released and too old or one too many.
    pub(crate) fn drop_first(
        &mut self,
        retention: &Retention,
        floor: Sequence,
        now: Timestamp,
    ) -> Option<CatalogEntry> {
        let oldest = self.oldest(retention, now);
        let released = oldest.next? <= floor;
        if released && oldest.is_over {
            self.entries.pop_front()
        } else {
            None
        }
    }
}
