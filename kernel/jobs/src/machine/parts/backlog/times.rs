use std::collections::VecDeque;
use std::time::Duration;

use portique_clock::Timestamp;

use super::WHAT;
use crate::machine::parts::codec::{Malformed, Parts, take, unzigzag, zigzag};

/// Finest distance of two marks: a tenth of a second says all that people and ageing need.
const SPACING_MIN: Duration = Duration::from_millis(100);
/// Most marks, 16 bytes each; past this every other one goes and the distance grows, so that even a
/// backlog of weeks knows its ages to a thousandth.
const MARKS_MAX: usize = 8_192;
/// Marks that are left then.
const MARKS_KEPT: u32 = 4_096;

/// About when each id of a backlog was enqueued: a mark says "from this id on, at this time".
#[derive(Debug, Clone)]
pub(super) struct TimeMarks {
    marks: VecDeque<(u64, Timestamp)>,
    spacing: Duration,
}

impl Default for TimeMarks {
    fn default() -> Self {
        Self {
            marks: VecDeque::new(),
            spacing: SPACING_MIN,
        }
    }
}

impl TimeMarks {
    pub(super) fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// Notes an id above all others.
    pub(super) fn push(&mut self, id: u64, at: Timestamp) {
        // A clock that was set back is marked too: what follows is older than the mark says otherwise.
        let is_far = |last: Timestamp| at < last || at.since(last) >= self.spacing;
        if self.marks.back().is_none_or(|(_, last)| is_far(*last)) {
            self.marks.push_back((id, at));
            self.thin();
        }
    }

    /// Notes an id that is not above all others; those after it keep the time they had.
    pub(super) fn insert(&mut self, id: u64, at: Timestamp) {
        let after = self.marks.partition_point(|(first, _)| *first <= id);
        let Some(before) = after.checked_sub(1) else {
            self.marks.push_front((id, at));
            self.thin();
            return;
        };
        let (first, time) = self.marks[before];
        if time <= at && at.since(time) < self.spacing {
            return;
        }
        if self.marks.get(after).is_none_or(|(next, _)| *next > id + 1) {
            self.marks.insert(after, (id + 1, time));
        }
        if first == id {
            self.marks[before].1 = at;
        } else {
            self.marks.insert(after, (id, at));
        }
        self.thin();
    }

    pub(super) fn time_of(&self, id: u64) -> Option<Timestamp> {
        let after = self.marks.partition_point(|(first, _)| *first <= id);
        self.marks
            .get(after.saturating_sub(1))
            .map(|(_, time)| *time)
    }

    /// Drops what only ids below `id` need.
    pub(super) fn forget_before(&mut self, id: u64) {
        while self.marks.get(1).is_some_and(|(second, _)| *second <= id) {
            self.marks.pop_front();
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn encode(&self, bytes_max: usize, tag: u64) -> Vec<Vec<u8>> {
        let mut parts = Parts::tagged(bytes_max, tag);
        let (mut id_before, mut time_before) = (0, 0);
        for (id, time) in &self.marks {
            let elapsed = time.as_nanos().wrapping_sub(time_before);
            parts.entry(&[id - id_before, zigzag(elapsed)]);
            (id_before, time_before) = (*id, time.as_nanos());
        }
        parts.finish()
    }

    pub(super) fn absorb(&mut self, mut piece: &[u8]) -> Result<(), Malformed> {
        while !piece.is_empty() {
            let (id_before, time_before) = self.marks.back().copied().unwrap_or_default();
            let distance = take(&mut piece, WHAT)?;
            let id = id_before
                .checked_add(distance)
                .ok_or(Malformed { what: WHAT })?;
            let elapsed = unzigzag(take(&mut piece, WHAT)?);
            let time = Timestamp::from_nanos(time_before.as_nanos().wrapping_add(elapsed));
            self.marks.push_back((id, time));
            self.thin();
        }
        Ok(())
    }

    fn thin(&mut self) {
        if self.marks.len() <= MARKS_MAX {
            return;
        }
        let mut keep = false;
        self.marks.retain(|_| {
            keep = !keep;
            keep
        });
        let first = self
            .marks
            .front()
            .map_or(Timestamp::EPOCH, |(_, time)| *time);
        let last = self.marks.back().map_or(first, |(_, time)| *time);
        let kept = last.since(first) / MARKS_KEPT;
        self.spacing = kept.max(self.spacing * 2);
    }
}
