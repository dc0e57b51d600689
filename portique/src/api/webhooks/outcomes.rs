use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::verdict::Verdict;

/// What became of the pushes of each webhook since the hub was started.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcomes(Arc<Mutex<BTreeMap<String, Outcome>>>);

/// What became of a webhook's pushes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) received: u64,
    pub(super) retried: u64,
    pub(super) rejected: u64,
    /// Why the last one that was not received was not.
    pub(super) last_problem: Option<String>,
}

impl Outcome {
    /// Each count with its word.
    pub(super) fn by_word(&self) -> [(&'static str, u64); 3] {
        [
            ("received", self.received),
            ("retried", self.retried),
            ("rejected", self.rejected),
        ]
    }
}

impl Outcomes {
    pub(super) fn count(&self, webhook: &str, verdict: &Verdict) {
        let mut outcomes = self.lock();
        let outcome = outcomes.entry(webhook.to_owned()).or_default();
        match verdict {
            Verdict::Ack => outcome.received += 1,
            Verdict::Retry { reason, .. } => {
                outcome.retried += 1;
                outcome.last_problem = Some(reason.clone());
            }
            Verdict::Reject { reason } => {
                outcome.rejected += 1;
                outcome.last_problem = Some(reason.clone());
            }
        }
    }

    pub(super) fn of(&self, webhook: &str) -> Outcome {
        self.lock().get(webhook).cloned().unwrap_or_default()
    }

    pub(super) fn forget(&self, webhook: &str) {
        self.lock().remove(webhook);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Outcome>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
