//! Telemetry as the hub holds it: the store, and the engine that answers queries on it.

mod figures;
mod own;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use portique_clock::{Clock, Random};
use portique_promql::{Engine, syntax};
use portique_series::{Sink, Store};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::config::TelemetryConfig;
use crate::error::Error;
use crate::forward::{Taps, Tapped};
pub(crate) use own::{Jumps, OwnCounts, OwnWatch};

/// The store's folder in the data folder.
pub(crate) const SERIES_FOLDER: &str = "series";
/// How often the store is asked to do the work that nobody waits for.
const MAINTENANCE_EVERY: Duration = Duration::from_secs(1);

/// What whoever takes or reads telemetry needs; a clone is cheap.
#[derive(Clone)]
pub(crate) struct Telemetry {
    pub(crate) store: Arc<Store>,
    /// Where all that arrives goes.
    pub(crate) sink: Arc<dyn Sink>,
    /// Who sees what the store takes.
    pub(crate) taps: Arc<Taps>,
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) query_timeout: Duration,
    /// Series that the store takes at most.
    series_max: usize,
}

impl Telemetry {
    /// Opens the store in the data folder; blocks on the disk.
    ///
    /// # Errors
    /// [`Error::Damaged`] with what is damaged, or [`Error::Part`].
    pub(crate) fn open(
        data: &Path,
        config: &TelemetryConfig,
        clock: Arc<dyn Clock>,
        random: &mut dyn Random,
    ) -> Result<Self, Error> {
        let folder = data.join(SERIES_FOLDER);
        let store_config = store_config(config);
        let series_max = store_config.limits.series_max;
        let store = Store::open(store_config, &folder, clock.clone(), random)
            .map_err(|error| refuse(&error, &folder))?;
        for damage in store.damaged_blocks() {
            let problem = portique_fault::chain(damage);
            tracing::error!(
                problem,
                "a block of telemetry is damaged: queries go without its samples"
            );
        }
        let store = Arc::new(store);
        let taps = Arc::new(Taps::default());
        Ok(Self {
            sink: Arc::new(Tapped::new(store.clone(), taps.clone())),
            taps,
            store,
            engine: Engine::new(engine_config(config)),
            clock,
            query_timeout: config.query_timeout,
            series_max,
        })
    }

    /// Has the store's work done until it is told to stop.
    pub(crate) async fn maintain(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(MAINTENANCE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let store = self.store.clone();
            let done = tokio::task::spawn_blocking(move || store.maintain()).await;
            let problem = match done {
                Ok(Ok(_)) => None,
                Ok(Err(error)) => Some(portique_fault::chain(&error)),
                Err(error) => Some(error.to_string()),
            };
            match problem {
                Some(problem) if !failing => {
                    tracing::error!(problem, "the telemetry store cannot do its housekeeping");
                    failing = true;
                }
                Some(_) => {}
                None => failing = false,
            }
        }
    }

    /// Leaves a checkpoint, so that the next start is quick.
    pub(crate) async fn close(self) {
        let store = self.store;
        let left = tokio::task::spawn_blocking(move || store.checkpoint()).await;
        if let Ok(Err(error)) = left {
            let problem = portique_fault::chain(&error);
            tracing::warn!(
                problem,
                "no checkpoint of the telemetry: the next start reads its log"
            );
        }
    }
}

fn store_config(config: &TelemetryConfig) -> portique_series::Config {
    let mut store = portique_series::Config::default();
    store.retention.age = config.retain_age;
    store.retention.bytes = config.retain_bytes;
    if let Some(series_max) = config.series_max {
        store.limits.series_max = series_max;
    }
    if let Some(window) = config.out_of_order_window {
        store.out_of_order_window = window;
    }
    store
}

fn engine_config(config: &TelemetryConfig) -> portique_promql::Config {
    let mut engine = portique_promql::Config::default();
    if config.experimental_queries {
        engine.syntax = syntax::Options::all();
    }
    if let Some(samples_max) = config.query_samples_max {
        engine.samples_max = samples_max;
    }
    engine
}

/// Damage is for people to decide about: nothing is changed, and the way on is said.
fn refuse(error: &portique_series::Error, folder: &Path) -> Error {
    match Error::part("the telemetry store", error) {
        Error::Part {
            code: portique_fault::Code::DataLoss,
            message,
            ..
        } => Error::Damaged {
            message: format!(
                "{message}; nothing was changed: restore {} from a backup, or move it away to start \
                 without its telemetry",
                folder.display()
            ),
        },
        other => other,
    }
}
