//! How notifications that are on their way fare, for people who ask.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use portique_clock::Timestamp;
use portique_jobs::JobId;

/// Most notifications that are remembered; more are on their way only when nobody can be reached.
const REMEMBERED_MAX: usize = 10_000;

/// What became of the last attempt of each notification that is on its way.
#[derive(Clone, Default)]
pub(super) struct Attempts(Arc<Mutex<BTreeMap<u64, Attempt>>>);

/// An attempt that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) job: JobId,
    /// Which it was, from 1.
    pub(super) number: u32,
    pub(super) at: Timestamp,
    pub(super) reason: String,
}

impl Attempts {
    pub(super) fn note(&self, notification: u64, attempt: Attempt) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(notification, attempt);
        while all.len() > REMEMBERED_MAX {
            all.pop_first();
        }
    }

    pub(super) fn of(&self, notification: u64) -> Option<Attempt> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&notification).cloned()
    }

    pub(super) fn forget(&self, notification: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&notification);
    }
}
