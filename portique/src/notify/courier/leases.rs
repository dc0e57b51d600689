//! Leases that are held while something is under way, and nobody's when the hub is gone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portique_jobs::{JobId, Jobs, Lease};

use crate::notify::queue::LEASE;

/// Twice in a lease's time, and once more for a busy machine.
const EXTENDED_PER_LEASE: u32 = 3;

/// All leases held.
#[derive(Clone)]
pub(super) struct Leases {
    jobs: Arc<dyn Jobs>,
    held: Arc<Mutex<BTreeMap<JobId, Lease>>>,
}

/// A lease that is extended until this is dropped.
pub(super) struct Held {
    leases: Leases,
    id: JobId,
}

impl Leases {
    pub(super) fn new(jobs: Arc<dyn Jobs>) -> Self {
        let held = Arc::default();
        Self { jobs, held }
    }

    pub(super) fn hold(&self, lease: Lease) -> Held {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(lease.id, lease);
        Held {
            leases: self.clone(),
            id: lease.id,
        }
    }

    /// Extends all of them for ever.
    pub(super) async fn keep(self) {
        loop {
            tokio::time::sleep(LEASE / EXTENDED_PER_LEASE).await;
            let leases = self.all();
            if leases.is_empty() {
                continue;
            }
            if let Err(error) = self.jobs.extend(&leases).await {
                let problem = portique_fault::chain(&error);
                tracing::warn!(problem, "leases of notifications cannot be extended");
            }
        }
    }

    /// Gives back what is still held: nobody is at work on it any more.
    pub(super) async fn release(&self) {
        let leases = self.all();
        if leases.is_empty() {
            return;
        }
        if let Err(error) = self.jobs.release(&leases, Duration::ZERO).await {
            let problem = portique_fault::chain(&error);
            tracing::debug!(problem, "leases run out by themselves");
        }
    }

    fn all(&self) -> Vec<Lease> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.values().copied().collect()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let held = &self.leases.held;
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        held.remove(&self.id);
    }
}
