//! A target and how it is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portique_monitor::scrape::{Schedule, SeriesCache};
use portique_series::Metadata;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::pool::Asked;
use super::registry::Watched;
use super::visit;

/// Whether the last scrape counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Health {
    /// Nobody asked yet.
    #[default]
    Unknown,
    Up,
    Down,
}

impl Health {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// How a target is, since the hub asks it.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) health: Health,
    /// Why the last scrape did not count; empty when it did.
    pub(crate) last_error: String,
    /// When it was asked last, Unix milliseconds.
    pub(crate) last_scrape_ms: Option<i64>,
    pub(crate) last_duration: Duration,
    /// Samples of its last answer.
    pub(crate) samples: usize,
    /// Lines that could not be read, and samples that were left out, since the hub asks it, by reason.
    pub(crate) rejected: BTreeMap<&'static str, u64>,
    /// The last of them, and why.
    pub(crate) last_rejection: String,
    pub(crate) metadata: Arc<BTreeMap<String, Metadata>>,
}

/// What a target's task holds.
pub(super) struct Visitor {
    pub(super) shared: Arc<Shared>,
    pub(super) watched: Arc<Watched>,
    pub(super) asked: watch::Receiver<Arc<Asked>>,
    /// Nobody asks it any more: its series end.
    pub(super) gone: CancellationToken,
    /// The hub stops: its series go on after the next start.
    pub(super) stop: CancellationToken,
    pub(super) cache: Arc<Mutex<SeriesCache>>,
}

impl Visitor {
    pub(super) fn new(
        shared: Arc<Shared>,
        watched: Arc<Watched>,
        asked: watch::Receiver<Arc<Asked>>,
        gone: CancellationToken,
        stop: CancellationToken,
    ) -> Self {
        let cache = SeriesCache::new(watched.target.labels.clone());
        Self {
            shared,
            watched,
            asked,
            gone,
            stop,
            cache: Arc::new(Mutex::new(cache)),
        }
    }

    /// Asks until nobody wants to know any more.
    pub(super) async fn run(mut self) {
        let target = &self.watched.target;
        let schedule = Schedule::new(target.interval, target.hash());
        let mut asked = self.asked.borrow_and_update().clone();
        loop {
            let now_ms = self.shared.now_ms();
            let due_ms = schedule.next(now_ms);
            let wait = Duration::from_millis((due_ms - now_ms).unsigned_abs());
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.gone.cancelled() => break,
                () = tokio::time::sleep(wait) => {}
            }
            let current = self.asked.borrow_and_update().clone();
            if !Arc::ptr_eq(&current, &asked) {
                lock(&self.cache).forget_rules();
                asked = current;
            }
            let at_ms = schedule.stamp(due_ms, self.shared.now_ms());
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = visit::visit(&self, &asked, at_ms) => {}
            }
        }
        visit::end(&self).await;
    }
}

pub(super) fn lock(cache: &Mutex<SeriesCache>) -> MutexGuard<'_, SeriesCache> {
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}
