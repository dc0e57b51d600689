//! Where queries run: on threads that may block, not too many at once, and not for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use portique_clock::Clock;
use portique_promql::{Interrupt, Interruption};
use tokio::sync::Semaphore;

use super::answer::{Refusal, RefusalKind};

/// Queries at once, as in Prometheus; each may take a core.
const QUERIES_MAX: usize = 20;

/// Runs work within limits.
pub(super) struct Work {
    places: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
}

/// Says when a query has to end: at its deadline, or when its visitor is gone.
pub(super) struct Watch {
    abandoned: AtomicBool,
    deadline: Duration,
    clock: Arc<dyn Clock>,
}

impl Interrupt for Watch {
    fn interruption(&self) -> Option<Interruption> {
        if self.abandoned.load(Ordering::Relaxed) {
            return Some(Interruption::Canceled);
        }
        (self.clock.monotonic() >= self.deadline).then_some(Interruption::TimedOut)
    }
}

/// Ends the work when whoever waits for it is gone.
struct Abandon(Arc<Watch>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.abandoned.store(true, Ordering::Relaxed);
    }
}

impl Work {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            places: Arc::new(Semaphore::new(QUERIES_MAX)),
            clock,
        }
    }

    /// Waits for a place, then for the work.
    ///
    /// # Errors
    /// When no place came free within the time, or the work panicked.
    ///
    /// # Cancel safety
    /// Dropped, it tells the work to end.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        timeout: Duration,
        work: impl FnOnce(&Watch) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let watch = Arc::new(Watch {
            abandoned: AtomicBool::new(false),
            deadline: self.clock.monotonic().saturating_add(timeout),
            clock: self.clock.clone(),
        });
        let _abandon = Abandon(watch.clone());
        let place = tokio::time::timeout(timeout, self.places.clone().acquire_owned()).await;
        let Ok(Ok(place)) = place else {
            let message = "query timed out in query queue";
            return Err(Refusal::new(RefusalKind::Timeout, message));
        };
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&watch);
            drop(place);
            done
        });
        done.await.map_err(|error| Refusal::internal(&error))
    }
}

#[cfg(test)]
mod tests {
    use portique_clock::WallClock;

    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    fn work() -> Work {
        Work::new(Arc::new(WallClock::new()))
    }

    #[tokio::test]
    async fn work_is_told_when_its_time_is_over() {
        let work = work();
        let told = work.run(SOON, |watch| {
            loop {
                if let Some(interruption) = watch.interruption() {
                    return interruption;
                }
            }
        });
        assert_eq!(told.await.unwrap(), Interruption::TimedOut);
    }

    #[tokio::test]
    async fn work_is_told_when_nobody_waits_for_it() {
        let (say, told) = tokio::sync::oneshot::channel();
        let work = work();
        let run = work.run(Duration::from_secs(60), move |watch| {
            loop {
                if let Some(interruption) = watch.interruption() {
                    return say.send(interruption);
                }
            }
        });
        assert!(tokio::time::timeout(SOON, run).await.is_err());
        assert_eq!(told.await.unwrap(), Interruption::Canceled);
    }

    #[tokio::test]
    async fn who_finds_no_place_in_time_is_told_so() {
        let work = work();
        let _all = work.places.acquire_many(QUERIES_MAX as u32).await.unwrap();
        let refused = work.run(SOON, |_| ()).await.unwrap_err();
        assert_eq!(refused.kind, RefusalKind::Timeout);
        assert_eq!(refused.message, "query timed out in query queue");
    }
}
