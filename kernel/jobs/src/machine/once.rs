//! A job that one call names more than once.

use std::collections::HashSet;

use crate::JobId;

/// Tells the first mention of a job in a call from later ones.
pub(super) struct Once {
    /// None when the ids rise, as they mostly do: then none is there twice.
    seen: Option<HashSet<JobId>>,
}

impl Once {
    /// For a call about these jobs.
    pub(super) fn new(ids: impl Iterator<Item = JobId>) -> Self {
        let seen = (!ids.is_sorted_by(|id, next| id < next)).then(HashSet::new);
        Self { seen }
    }

    /// Whether it has not been asked about this one before.
    pub(super) fn is_first(&mut self, id: JobId) -> bool {
        self.seen.as_mut().is_none_or(|seen| seen.insert(id))
    }
}
