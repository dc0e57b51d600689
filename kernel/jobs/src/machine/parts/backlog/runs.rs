use std::collections::VecDeque;

/// Consecutive ids, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: u64,
    pub(super) last: u64,
}

/// Runs in order, with gaps between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Runs(VecDeque<Run>);

impl Runs {
    /// How many runs, not ids.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn first(&self) -> Option<u64> {
        self.0.front().map(|run| run.first)
    }

    pub(super) fn last(&self) -> Option<u64> {
        self.0.back().map(|run| run.last)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Run> + '_ {
        self.0.iter().copied()
    }

    /// Adds a run above all others.
    pub(super) fn push(&mut self, run: Run) {
        match self.0.back_mut() {
            Some(back) if back.last + 1 == run.first => back.last = run.last,
            _ => self.0.push_back(run),
        }
    }

    pub(super) fn pop_front(&mut self) -> Option<u64> {
        let front = self.0.front_mut()?;
        let id = front.first;
        if front.first == front.last {
            self.0.pop_front();
        } else {
            front.first += 1;
        }
        Some(id)
    }

    pub(super) fn contains(&self, id: u64) -> bool {
        self.0
            .get(self.index_of(id))
            .is_some_and(|run| run.first <= id)
    }

    /// False when the id was there already.
    pub(super) fn insert(&mut self, id: u64) -> bool {
        let index = self.index_of(id);
        let next = self.0.get(index).copied();
        if next.is_some_and(|run| run.first <= id) {
            return false;
        }
        let touches_next = next.is_some_and(|run| run.first == id + 1);
        let before = index.checked_sub(1);
        let touches_before = before.is_some_and(|before| self.0[before].last + 1 == id);
        match (before.filter(|_| touches_before), touches_next) {
            (Some(before), true) => {
                self.0[before].last = self.0[index].last;
                self.0.remove(index);
            }
            (Some(before), false) => self.0[before].last = id,
            (None, true) => self.0[index].first = id,
            (None, false) => self.0.insert(
                index,
                Run {
                    first: id,
                    last: id,
                },
            ),
        }
        true
    }

    /// False when the id was not there.
    pub(super) fn remove(&mut self, id: u64) -> bool {
        let index = self.index_of(id);
        let Some(run) = self.0.get(index).copied().filter(|run| run.first <= id) else {
            return false;
        };
        match (run.first == id, run.last == id) {
            (true, true) => {
                self.0.remove(index);
            }
            (true, false) => self.0[index].first = id + 1,
            (false, true) => self.0[index].last = id - 1,
            (false, false) => {
                self.0[index].last = id - 1;
                let rest = Run {
                    first: id + 1,
                    last: run.last,
                };
                self.0.insert(index + 1, rest);
            }
        }
        true
    }

    /// Keeps `at` runs and returns the others.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        Self(self.0.split_off(at))
    }

    /// The first run that does not end before the id.
    fn index_of(&self, id: u64) -> usize {
        self.0.partition_point(|run| run.last < id)
    }
}
