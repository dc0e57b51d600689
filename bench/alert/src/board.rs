//! The levels, and when each was seen to be too high.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::sync::Notify;

/// A level below the limit of the rule, and one above.
const LOW: f64 = 5.0;
const HIGH: f64 = 500.0;

/// A metric, the value of its label, and its own.
pub(crate) type Sample = (String, String, f64);

/// What both sides of a run share.
#[derive(Debug)]
pub(crate) struct Board {
    levels: Mutex<Vec<Level>>,
    /// How many series the other rules read.
    others: usize,
    seen: Notify,
}

#[derive(Debug, Clone, Copy, Default)]
struct Level {
    crossed: Option<Instant>,
    called: Option<Instant>,
}

/// Milliseconds from each event to the call, ascending.
#[derive(Debug)]
pub(crate) struct Took(Vec<f64>);

impl Took {
    /// The quantile, from 0 to 1.
    pub(crate) fn at(&self, quantile: f64) -> f64 {
        let last = self.0.len() - 1;
        self.0[(quantile * last as f64).ceil() as usize]
    }
}

impl Board {
    pub(crate) fn new(events: usize, others: usize) -> Self {
        Self {
            levels: Mutex::new(vec![Level::default(); events]),
            others,
            seen: Notify::new(),
        }
    }

    /// The event: from here on the level is too high.
    pub(crate) fn cross(&self, number: usize) {
        self.lock()[number].crossed = Some(Instant::now());
    }

    /// A webhook says that the level's alert fires.
    pub(crate) fn called(&self, number: usize, at: Instant) {
        if let Some(level) = self.lock().get_mut(number) {
            level.called.get_or_insert(at);
        }
        self.seen.notify_waiters();
    }

    /// A level as it is now: name, label and value.
    pub(crate) fn level(&self, number: usize) -> Sample {
        let value = match self.lock()[number].crossed {
            Some(_) => HIGH,
            None => LOW,
        };
        ("trial_level".to_owned(), number.to_string(), value)
    }

    /// What the other rules read.
    pub(crate) fn others(&self) -> Vec<Sample> {
        let others = 0..self.others;
        others
            .map(|number| (format!("other_{number:04}"), number.to_string(), LOW))
            .collect()
    }

    /// All levels as they are now.
    pub(crate) fn levels(&self) -> Vec<Sample> {
        let levels = self.lock().len();
        (0..levels).map(|number| self.level(number)).collect()
    }

    /// What an exporter says.
    pub(crate) fn page(&self) -> String {
        let lines = self.levels().into_iter().chain(self.others());
        lines
            .map(|(metric, trial, value)| format!("{metric}{{trial=\"{trial}\"}} {value}\n"))
            .collect()
    }

    /// Waits until all levels were called for.
    ///
    /// # Errors
    /// When that takes longer.
    pub(crate) async fn all_called(&self, wait_max: Duration) -> anyhow::Result<Took> {
        let all = async {
            loop {
                let seen = self.seen.notified();
                if self.lock().iter().all(|level| level.called.is_some()) {
                    return;
                }
                // A call between the look and the wait is looked for soon.
                let _ = tokio::time::timeout(Duration::from_millis(100), seen).await;
            }
        };
        let waited = tokio::time::timeout(wait_max, all).await;
        let levels = self.lock();
        let missing = levels.iter().filter(|level| level.called.is_none()).count();
        ensure!(waited.is_ok(), "{missing} webhooks were not called");
        let took = levels.iter().map(|level| {
            let (crossed, called) = level.crossed.zip(level.called)?;
            Some(called.duration_since(crossed).as_secs_f64() * 1000.0)
        });
        let took: Option<Vec<f64>> = took.collect();
        let mut took = took.context("a webhook was called before its event")?;
        took.sort_by(f64::total_cmp);
        Ok(Took(took))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Level>> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
