//! The hub watches itself: its own figures go into the store like anybody's, without a detour over HTTP.

mod jumps;
mod look;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use portique_clock::Clock;
use portique_series::{Appended, Batch, Error, Sink};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::http::{Figure, Metrics, Source, Value};
pub(crate) use jumps::Jumps;
use look::Looks;

/// What the hub's own figures need to be kept.
pub(crate) struct OwnWatch {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The hub's HTTP address.
    pub(crate) instance: String,
    pub(crate) every: Duration,
    pub(crate) counts: OwnCounts,
}

/// What the watch says of itself; a clone is cheap.
#[derive(Clone, Default)]
pub(crate) struct OwnCounts(Arc<Counts>);

#[derive(Default)]
struct Counts {
    series: AtomicU64,
    left_out: AtomicU64,
    lost: AtomicU64,
}

impl OwnCounts {
    pub(crate) fn source(&self) -> Source {
        let counts = self.0.clone();
        Source(Box::new(move || {
            let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
            vec![
                Figure {
                    name: "own_series",
                    help: "Series of the hub's own figures in its store",
                    value: Value::Gauge(read(&counts.series) as f64),
                },
                Figure {
                    name: "own_series_left_out",
                    help: "Series of the hub's own figures beyond the limit of them in its store",
                    value: Value::Gauge(read(&counts.left_out) as f64),
                },
                Figure {
                    name: "own_samples_lost",
                    help: "Samples of the hub's own figures that its store did not take",
                    value: Value::Counter(read(&counts.lost)),
                },
            ]
        }))
    }
}

impl OwnWatch {
    /// Puts the figures into the store until it is told to stop; then their series end.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut looks = Looks::new(&self.instance);
        let mut batch = Batch::new();
        let mut ticks = tokio::time::interval(self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => {}
            }
            let families = self.metrics.gather().await;
            batch.clear();
            let looked = looks.look(&families, self.clock.now(), &mut batch);
            let counts = &self.counts.0;
            counts.series.store(looked.series, Ordering::Relaxed);
            counts.left_out.store(looked.left_out, Ordering::Relaxed);
            let problem;
            (batch, problem) = self.keep(batch).await;
            match problem {
                Some(problem) if !failing => {
                    tracing::warn!(problem, "the hub's own figures are not kept");
                    failing = true;
                }
                Some(_) => {}
                None => failing = false,
            }
        }
        batch.clear();
        looks.end(self.clock.now(), &mut batch);
        self.keep(batch).await;
    }

    /// Has the store take a batch; gives it back, with what went wrong.
    async fn keep(&self, batch: Batch) -> (Batch, Option<String>) {
        let sink = self.sink.clone();
        let samples = batch.samples() as u64;
        let given = tokio::task::spawn_blocking(move || {
            let submitted = sink.submit(&batch);
            (batch, submitted)
        });
        let (batch, submitted) = match given.await {
            Ok(given) => given,
            Err(error) => return (Batch::new(), Some(error.to_string())),
        };
        let taken = match submitted {
            Ok(submitted) => submitted.durable().await,
            Err(error) => Err(error),
        };
        let (lost, problem) = lost(taken, samples);
        self.counts.0.lost.fetch_add(lost, Ordering::Relaxed);
        (batch, problem)
    }
}

/// How many samples were not taken, and why.
fn lost(taken: Result<Appended, Error>, samples: u64) -> (u64, Option<String>) {
    match taken {
        Ok(appended) => {
            let refused = appended.refused_samples() as u64;
            let first = appended.refused.first();
            (refused, first.map(|refusal| refusal.reason.to_string()))
        }
        Err(error) => (samples, Some(portique_fault::chain(&error))),
    }
}
