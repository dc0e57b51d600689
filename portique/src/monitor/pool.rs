//! Threads that evaluate: no more than a few at once, and none while there is nothing to evaluate.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portique_monitor::DueRule;
use tokio::runtime::Handle;

/// Lists of rules that wait for a thread. There are no more of them than groups and rules, as the engine hands
/// none out twice.
pub(super) struct Pool {
    threads_max: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lists: VecDeque<Vec<DueRule>>,
    threads: usize,
}

impl Pool {
    pub(super) fn new(threads_max: usize) -> Arc<Self> {
        Arc::new(Self {
            threads_max,
            state: Mutex::default(),
        })
    }

    /// Has a list evaluated as soon as a thread is free.
    pub(super) fn give(
        self: &Arc<Self>,
        list: Vec<DueRule>,
        handle: &Handle,
        evaluate: impl Fn(Vec<DueRule>) + Send + 'static,
    ) {
        let mut state = self.state();
        state.lists.push_back(list);
        if state.threads == self.threads_max {
            return;
        }
        state.threads += 1;
        drop(state);
        let pool = Arc::clone(self);
        handle.spawn_blocking(move || {
            while let Some(list) = pool.next() {
                evaluate(list);
            }
        });
    }

    /// The next list; without one, the thread that asks ends.
    fn next(&self) -> Option<Vec<DueRule>> {
        let mut state = self.state();
        let list = state.lists.pop_front();
        if list.is_none() {
            state.threads -= 1;
        }
        list
    }

    /// Whether no thread is at work.
    pub(super) fn is_idle(&self) -> bool {
        self.state().threads == 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
