use prost::encoding::{decode_varint, encode_varint};

use super::runs::{Run, Runs};

/// Runs that nobody touches, packed: for each the distance from the end of the one before and its
/// length, less what every run has at least.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    first: u64,
    last: u64,
    packed: Box<[u8]>,
}

impl Chunk {
    /// # Panics
    /// When there are no runs.
    pub(super) fn pack(runs: &Runs) -> Self {
        let first = runs.first().expect("a chunk has a run");
        let last = runs.last().expect("a chunk has a run");
        let mut packed = Vec::new();
        let mut end = first;
        for run in runs.iter() {
            encode_varint(run.first - end, &mut packed);
            encode_varint(run.last - run.first, &mut packed);
            end = run.last;
        }
        Self {
            first,
            last,
            packed: packed.into(),
        }
    }

    pub(super) fn first(&self) -> u64 {
        self.first
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Bytes that it takes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.packed.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Run> + '_ {
        let mut rest = &*self.packed;
        let mut end = self.first;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let mut next = || decode_varint(&mut rest).expect("pack wrote whole varints");
            let first = end + next();
            let last = first + next();
            end = last;
            Some(Run { first, last })
        })
    }

    pub(super) fn contains(&self, id: u64) -> bool {
        self.iter()
            .find(|run| run.last >= id)
            .is_some_and(|run| run.first <= id)
    }

    pub(super) fn unpack(&self) -> Runs {
        let mut runs = Runs::default();
        for run in self.iter() {
            runs.push(run);
        }
        runs
    }
}
