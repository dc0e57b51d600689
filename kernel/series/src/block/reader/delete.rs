//! Deleting samples of a block, which stays as it is.

use std::sync::Arc;

use super::super::folder::replace_deleted;
use super::super::{Deletion, tier::Aggregate};
use super::Block;
use crate::{Error, Matcher, Samples};

impl Block {
    /// How much a deletion would delete.
    ///
    /// # Errors
    /// [`Error::DamagedFile`] when a page cannot be read.
    pub fn count(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Result<Deletion, Error> {
        let mut samples = Samples::default();
        let mut deletion = Deletion::default();
        for id in self.select(matchers, from_ms, to_ms)? {
            samples.clear();
            self.read_aggregate(id, Aggregate::Last, from_ms, to_ms, &mut samples)?;
            deletion.samples += samples.len();
            deletion.series += usize::from(!samples.is_empty());
        }
        Ok(deletion)
    }

    /// Deletes the samples of the matching series from `from_ms` to `to_ms`, both inclusive. When it returns they
    /// are not handed out any more, after a crash neither; the next compaction gives their space back.
    ///
    /// # Errors
    /// [`Error::Io`] when that cannot be written: nothing is deleted then.
    pub fn delete(
        &self,
        matchers: &[Matcher],
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Deletion, Error> {
        let deletion = self.count(matchers, from_ms, to_ms)?;
        if deletion.samples == 0 {
            return Ok(deletion);
        }
        let ids = self.select(matchers, from_ms, to_ms)?;
        let first = from_ms.max(self.meta.first_ms);
        let last = to_ms.min(self.meta.last_ms);
        // Held while the file is written: of two deletions neither undoes the other.
        let mut held = self
            .deleted
            .write()
            .expect("nothing panics with the list in hand");
        let mut deleted = held.as_ref().clone();
        for id in ids {
            deleted.add(id, first, last);
        }
        replace_deleted(&self.path, &deleted.encode(self.meta.number))?;
        *held = Arc::new(deleted);
        Ok(deletion)
    }
}
