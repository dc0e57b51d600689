//! The tasks of one link, and their end.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Longest time for all tasks of a link to end, together: a computer that does not stop is killed
/// after three seconds.
const CLOSE_MAX: Duration = Duration::from_secs(4);

/// The tasks of one link.
#[derive(Debug, Clone, Default)]
pub(crate) struct Work {
    pub(crate) tracker: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl Work {
    /// Ends all tasks at the same time; says so when some do not end.
    pub(crate) async fn close(&self) {
        self.stop.cancel();
        self.tracker.close();
        let ended = tokio::time::timeout(CLOSE_MAX, self.tracker.wait()).await;
        if ended.is_err() {
            tracing::warn!(left = self.tracker.len(), "tasks of a closed link go on");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_stop_does_not_hold_up_the_others_end() {
        let work = Work::default();
        work.tracker.spawn(std::future::pending::<()>());
        let started = tokio::time::Instant::now();
        work.close().await;
        assert!(started.elapsed() <= CLOSE_MAX + Duration::from_millis(10));
    }
}
