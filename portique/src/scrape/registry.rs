//! The targets and how they are, for whoever asks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use portique_monitor::scrape::Target;
use portique_series::Labels;

use super::target::State;

/// A target that is asked.
pub(crate) struct Watched {
    pub(crate) target: Target,
    state: Mutex<State>,
}

impl Watched {
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            state: Mutex::default(),
        }
    }

    /// How it is now.
    pub(crate) fn state(&self) -> State {
        self.lock().clone()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The targets of a job.
#[derive(Clone, Default)]
pub(crate) struct PoolView {
    pub(crate) active: Vec<Arc<Watched>>,
    /// Some of those that the job's rules drop, before relabelling.
    pub(crate) dropped: Vec<Labels>,
    /// How many the rules drop.
    pub(crate) dropped_count: usize,
    /// What is wrong with its discovery and its addresses, the first few.
    pub(crate) problems: Vec<String>,
}

/// The targets of all jobs, by the job's name.
#[derive(Default)]
pub(crate) struct Registry {
    pools: RwLock<BTreeMap<String, Arc<PoolView>>>,
}

impl Registry {
    /// What is there now.
    pub(crate) fn pools(&self) -> BTreeMap<String, Arc<PoolView>> {
        let pools = self.pools.read().unwrap_or_else(PoisonError::into_inner);
        pools.clone()
    }

    pub(super) fn set(&self, pool: &str, view: PoolView) {
        let mut pools = self.pools.write().unwrap_or_else(PoisonError::into_inner);
        pools.insert(pool.to_owned(), Arc::new(view));
    }

    pub(super) fn remove(&self, pool: &str) {
        let mut pools = self.pools.write().unwrap_or_else(PoisonError::into_inner);
        pools.remove(pool);
    }
}
