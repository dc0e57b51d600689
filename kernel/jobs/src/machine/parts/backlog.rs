//! The plain jobs that wait in a queue, oldest first, without an entry each.
//!
//! Ids are kept as runs of consecutive ids. The runs at both ends are unpacked, where jobs leave and
//! arrive; those between are packed into chunks of two varints a run. So a million ids in a row cost
//! a few bytes, and a million with gaps cost two or three each.

mod chunk;
mod runs;
mod times;

use std::collections::VecDeque;

use portique_clock::Timestamp;

use self::chunk::Chunk;
use self::runs::{Run, Runs};
use self::times::TimeMarks;
use super::codec::{Malformed, Parts, take};

/// Most runs that are changed together: a removal in the middle unpacks and packs this many, which takes
/// microseconds.
const CHUNK_RUNS_MAX: usize = 512;
/// What a piece of a checkpoint holds, in its first number.
const PIECE_OF_TIMES: u64 = 0;
const PIECE_OF_RUNS: u64 = 1;
const WHAT: &str = "backlogs";

/// Ids of plain jobs, in order, and about when each was enqueued.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backlog {
    /// Every id of `front` is less than those of `middle`, and these less than those of `back`.
    front: Runs,
    middle: VecDeque<Chunk>,
    back: Runs,
    times: TimeMarks,
    len: u64,
}

impl Backlog {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// How many ids it holds.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// It holds none.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The lowest id.
    pub(crate) fn front(&self) -> Option<u64> {
        self.front
            .first()
            .or_else(|| self.middle.front().map(Chunk::first))
            .or_else(|| self.back.first())
    }

    /// The highest id.
    pub(crate) fn last(&self) -> Option<u64> {
        self.back
            .last()
            .or_else(|| self.middle.back().map(Chunk::last))
            .or_else(|| self.front.last())
    }

    /// Adds an id that was enqueued at `at`. Constant time for an id above all others; any other place
    /// is right too, such as that of a job handed back. An id it holds already is left as it is.
    pub(crate) fn push(&mut self, id: u64, at: Timestamp) {
        if self.last().is_none_or(|last| id > last) {
            self.times.push(id, at);
            self.push_run(Run {
                first: id,
                last: id,
            });
            return;
        }
        if self.insert(id) {
            self.len += 1;
            self.times.insert(id, at);
        }
    }

    /// Takes the lowest id out.
    pub(crate) fn pop_front(&mut self) -> Option<u64> {
        if self.front.is_empty() {
            self.front = match self.middle.pop_front() {
                Some(chunk) => chunk.unpack(),
                None => std::mem::take(&mut self.back),
            };
        }
        let id = self.front.pop_front()?;
        self.len -= 1;
        self.forget_times();
        Some(id)
    }

    /// Takes an id out, wherever it is; false when it is not there.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        if self.front() == Some(id) {
            self.pop_front();
            return true;
        }
        if !self.remove_inside(id) {
            return false;
        }
        self.len -= 1;
        self.forget_times();
        true
    }

    /// Whether it holds this id.
    pub(crate) fn contains(&self, id: u64) -> bool {
        if self.front.last().is_some_and(|last| id <= last) {
            return self.front.contains(id);
        }
        match self.middle.get(self.chunk_of(id)) {
            Some(chunk) => chunk.contains(id),
            None => self.back.contains(id),
        }
    }

    /// Ids greater than `after`, ascending.
    pub(crate) fn iter_from(&self, after: u64) -> impl Iterator<Item = u64> + '_ {
        let middle = self.middle.range(self.chunk_of(after)..);
        self.front
            .iter()
            .chain(middle.flat_map(Chunk::iter))
            .chain(self.back.iter())
            .skip_while(move |run| run.last <= after)
            .flat_map(move |run| run.first.max(after.saturating_add(1))..=run.last)
    }

    /// About when a job that it holds was enqueued: earlier by up to 100 ms, or by more in a backlog that
    /// is hours old.
    pub(crate) fn time_of(&self, id: u64) -> Option<Timestamp> {
        self.times.time_of(id)
    }

    /// When the job at the front was enqueued, as exact as [`time_of`](Self::time_of).
    pub(crate) fn front_time(&self) -> Option<Timestamp> {
        self.time_of(self.front()?)
    }

    /// Writes all of it into pieces of at most `bytes_max` bytes, to be [absorbed](Self::absorb) in order; the
    /// same ids and times give the same bytes.
    pub(crate) fn encode(&self, bytes_max: usize) -> Vec<Vec<u8>> {
        let mut pieces = self.times.encode(bytes_max, PIECE_OF_TIMES);
        let mut parts = Parts::tagged(bytes_max, PIECE_OF_RUNS);
        let mut end = 0;
        let mut runs = self.runs().peekable();
        while let Some(mut run) = runs.next() {
            // Runs of different chunks may touch.
            while let Some(next) = runs.next_if(|next| next.first == run.last + 1) {
                run.last = next.last;
            }
            parts.entry(&[run.first - end, run.last - run.first]);
            end = run.last;
        }
        pieces.extend(parts.finish());
        pieces
    }

    /// Adds what one piece holds, after what the pieces before it held.
    ///
    /// # Errors
    /// [`Malformed`] when the piece was not written by [`encode`](Self::encode), or does not come next.
    pub(crate) fn absorb(&mut self, mut piece: &[u8]) -> Result<(), Malformed> {
        match take(&mut piece, WHAT)? {
            PIECE_OF_TIMES => self.times.absorb(piece),
            PIECE_OF_RUNS => self.absorb_runs(piece),
            _ => Err(Malformed { what: WHAT }),
        }
    }

    fn absorb_runs(&mut self, mut piece: &[u8]) -> Result<(), Malformed> {
        let malformed = Malformed { what: WHAT };
        if self.times.is_empty() {
            return Err(malformed);
        }
        while !piece.is_empty() {
            let end = self.last();
            let gap = take(&mut piece, WHAT)?;
            let first = end.unwrap_or(0).checked_add(gap).ok_or(malformed)?;
            let last = first
                .checked_add(take(&mut piece, WHAT)?)
                .ok_or(malformed)?;
            let is_right = end.is_none_or(|end| first > end) && last < u64::MAX;
            if !is_right {
                return Err(malformed);
            }
            self.push_run(Run { first, last });
        }
        Ok(())
    }

    /// Its ids as ranges, ascending, both ends included; two of them may touch.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.runs().map(|run| (run.first, run.last))
    }

    fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        let middle = self.middle.iter().flat_map(Chunk::iter);
        self.front.iter().chain(middle).chain(self.back.iter())
    }

    /// Adds a run above all others.
    fn push_run(&mut self, run: Run) {
        self.len += run.last - run.first + 1;
        self.back.push(run);
        if self.back.len() > CHUNK_RUNS_MAX {
            let open = self.back.split_off(CHUNK_RUNS_MAX);
            let full = std::mem::replace(&mut self.back, open);
            self.middle.push_back(Chunk::pack(&full));
        }
    }

    /// Where in the middle an id is, if it is there: the first chunk that does not end before it.
    fn chunk_of(&self, id: u64) -> usize {
        self.middle.partition_point(|chunk| chunk.last() < id)
    }

    fn remove_inside(&mut self, id: u64) -> bool {
        if self.front.last().is_some_and(|last| id <= last) {
            return self.front.remove(id);
        }
        let index = self.chunk_of(id);
        if index < self.middle.len() {
            return self.change_chunk(index, |runs| runs.remove(id));
        }
        self.back.remove(id)
    }

    fn insert(&mut self, id: u64) -> bool {
        if self.front.last().is_some_and(|last| id <= last) || self.is_before_all(id) {
            return self.insert_front(id);
        }
        let index = self.chunk_of(id);
        if index < self.middle.len() {
            return self.change_chunk(index, |runs| runs.insert(id));
        }
        self.back.insert(id)
    }

    fn is_before_all(&self, id: u64) -> bool {
        self.front().is_none_or(|front| id < front)
    }

    fn insert_front(&mut self, id: u64) -> bool {
        let is_new = self.front.insert(id);
        if self.front.len() > CHUNK_RUNS_MAX {
            let rest = self.front.split_off(CHUNK_RUNS_MAX / 2);
            self.middle.push_front(Chunk::pack(&rest));
        }
        is_new
    }

    /// Changes one chunk; it may come to nothing, or be cut in two.
    fn change_chunk(&mut self, index: usize, change: impl FnOnce(&mut Runs) -> bool) -> bool {
        let mut runs = self.middle[index].unpack();
        if !change(&mut runs) {
            return false;
        }
        if runs.is_empty() {
            self.middle.remove(index);
            return true;
        }
        if runs.len() > CHUNK_RUNS_MAX {
            let rest = runs.split_off(CHUNK_RUNS_MAX / 2);
            self.middle.insert(index + 1, Chunk::pack(&rest));
        }
        self.middle[index] = Chunk::pack(&runs);
        true
    }

    fn forget_times(&mut self) {
        match self.front() {
            Some(front) => self.times.forget_before(front),
            None => self.times.clear(),
        }
    }
}

#[cfg(test)]
mod tests;
