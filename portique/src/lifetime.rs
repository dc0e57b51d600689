//! The tasks of a hub, by name, from the first to the last.

use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::error::Error;

/// A handful of named tasks that stop together; a hub has one such group for its edges and one for
/// what they lean on, so that the edges can drain first.
#[derive(Debug, Clone)]
pub(crate) struct TaskGroup {
    tracker: TaskTracker,
    stop: CancellationToken,
    running: Arc<Mutex<BTreeMap<String, usize>>>,
    /// Who asked for nothing and ended all the same.
    fallen: mpsc::Sender<Error>,
}

impl TaskGroup {
    /// A group whose tasks report to `fallen` when they end by themselves.
    pub(crate) fn new(fallen: mpsc::Sender<Error>) -> Self {
        Self {
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            running: Arc::default(),
            fallen,
        }
    }

    /// What the tasks watch.
    pub(crate) fn token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts a task that runs until the group stops.
    pub(crate) fn spawn<F>(&self, name: &str, task: F)
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let entry = Entry::new(name, self.running.clone());
        let stop = self.stop.clone();
        let fallen = self.fallen.clone();
        let span = tracing::debug_span!("task", name);
        let run = async move {
            // A panic would end the task without a word, and leave a hub up that is none.
            let result = AssertUnwindSafe(task).catch_unwind().await;
            let result = result.unwrap_or_else(|panic| Err(words_of(panic.as_ref())));
            if !stop.is_cancelled() {
                let message = result
                    .err()
                    .unwrap_or_else(|| "it has nothing left to do".into());
                let error = Error::TaskFailed {
                    task: entry.name.clone(),
                    message,
                };
                // The first to fall stops the hub; the others are its consequence.
                let _ = fallen.try_send(error);
            } else if let Err(message) = result {
                tracing::warn!(message, "ended with an error while stopping");
            }
            drop(entry);
        };
        self.tracker.spawn(run.instrument(span));
    }

    /// Asks all tasks to stop and waits for them.
    ///
    /// # Errors
    /// The names of those that did not end in time.
    pub(crate) async fn stop(&self, within: Duration) -> Result<(), Vec<String>> {
        self.stop.cancel();
        self.tracker.close();
        tokio::time::timeout(within, self.tracker.wait())
            .await
            .map_err(|_| self.running())
    }

    /// Whether a task of this name is at work.
    pub(crate) fn runs(&self, name: &str) -> bool {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(name)
    }

    fn running(&self) -> Vec<String> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.keys().cloned().collect()
    }
}

/// What a panic said, when it said it in words.
fn words_of(panic: &(dyn Any + Send)) -> String {
    let words = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("it panicked: {}", words.unwrap_or("without words"))
}

/// Keeps a task's name on the list until it ends, however it ends.
struct Entry {
    name: String,
    running: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Entry {
    fn new(name: &str, running: Arc<Mutex<BTreeMap<String, usize>>>) -> Self {
        let entry = Self {
            name: name.to_owned(),
            running,
        };
        *entry.names().entry(name.to_owned()).or_insert(0) += 1;
        entry
    }

    fn names(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, usize>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut names = self.names();
        if let Some(count) = names.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                names.remove(&self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_does_not_stop_is_named() {
        let (fallen, _keep) = mpsc::channel(1);
        let group = TaskGroup::new(fallen);
        let stop = group.token();
        group.spawn("obedient", async move {
            stop.cancelled().await;
            Ok(())
        });
        group.spawn("stubborn", std::future::pending());
        let left = group.stop(Duration::from_millis(100)).await.unwrap_err();
        assert!(left.contains(&"stubborn".to_owned()), "{left:?}");
    }

    #[tokio::test]
    async fn a_task_that_ends_by_itself_is_reported() {
        let (fallen, mut reports) = mpsc::channel(1);
        let group = TaskGroup::new(fallen);
        group.spawn("frail", async { Err("it broke".into()) });
        let error = reports.recv().await.expect("the group holds a sender");
        assert_eq!(
            error.to_string(),
            "the task frail ended by itself: it broke"
        );
    }

    #[tokio::test]
    async fn a_task_that_panics_is_reported_and_off_the_list() {
        let (fallen, mut reports) = mpsc::channel(1);
        let group = TaskGroup::new(fallen);
        group.spawn("frail", async { panic!("{} went wrong", "it") });
        let error = reports.recv().await.expect("the group holds a sender");
        assert_eq!(
            error.to_string(),
            "the task frail ended by itself: it panicked: it went wrong"
        );
        group.stop(Duration::from_secs(5)).await.unwrap();
        assert!(!group.runs("frail"));
    }
}
