//! Telemetry as the hub holds it: the store, and the engine that answers queries on it.

mod figures;
mod housekeeping;
mod own;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portique_clock::{Clock, Random};
use portique_promql::syntax::parse_selector;
use portique_promql::{Engine, syntax};
use portique_series::{Limits, RefusalKind, ReservedSink, RetentionClass, Sink, Store};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::config::{ClassConfig, TelemetryConfig, TierConfig};
use crate::error::Error;
use crate::forward::{Tapped, Taps};
pub(crate) use housekeeping::Span;
pub(crate) use own::{Jumps, OwnCounts, OwnWatch};
pub(crate) use report::{OWN_DEADLINES, router};

/// The store's folder in the data folder.
pub(crate) const SERIES_FOLDER: &str = "series";
/// How often the store is asked to do the work that nobody waits for.
const MAINTENANCE_EVERY: Duration = Duration::from_secs(1);

/// What whoever takes or reads telemetry needs; a clone is cheap.
#[derive(Clone)]
pub(crate) struct Telemetry {
    pub(crate) store: Arc<Store>,
    /// Where all that arrives goes. It takes nothing under a name that is [reserved](Self::reserve).
    pub(crate) sink: Arc<dyn Sink>,
    /// Where those write who own names: systems, and rules whose names were looked at when they were loaded.
    pub(crate) owners: Arc<dyn Sink>,
    reserved: Option<Arc<ReservedSink>>,
    /// Who sees what the store takes.
    pub(crate) taps: Arc<Taps>,
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) query_timeout: Duration,
    /// Where the store is.
    folder: Arc<PathBuf>,
    limits: Limits,
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
        let store = store_config(config);
        let limits = store.limits.clone();
        let store = Store::open(store, &folder, clock.clone(), random)
            .map_err(|error| refuse(&error, &folder))?;
        for damage in store.damaged_blocks() {
            let problem = portique_fault::chain(damage);
            tracing::error!(
                problem,
                "a block of telemetry is damaged: queries go without its samples"
            );
        }
        for lost in store.lost_blocks() {
            let (file, samples) = (lost.path.display(), lost.samples);
            let (from_ms, to_ms) = (lost.first_ms, lost.last_ms);
            tracing::error!(
                %file, samples, from_ms, to_ms,
                "a block of telemetry was taken away: queries go without its samples"
            );
        }
        let store = Arc::new(store);
        let taps = Arc::new(Taps::default());
        let sink: Arc<dyn Sink> = Arc::new(Tapped::new(store.clone(), taps.clone()));
        Ok(Self {
            owners: sink.clone(),
            sink,
            reserved: None,
            taps,
            store,
            engine: Engine::new(engine_config(config)),
            clock,
            query_timeout: config.query_timeout,
            folder: Arc::new(folder),
            limits,
        })
    }

    /// Has all that arrives pass somebody on its way into the store; before names are [reserved](Self::reserve).
    pub(crate) fn pass(&mut self, by: impl FnOnce(Arc<dyn Sink>) -> Arc<dyn Sink>) {
        self.owners = by(self.owners.clone());
        self.sink = self.owners.clone();
    }

    /// Keeps metrics whose names begin like this to [those who own them](Self::owners): systems act on what is
    /// measured there.
    pub(crate) fn reserve(&mut self, prefixes: &[&'static str]) {
        let reserved = Arc::new(ReservedSink::new(self.owners.clone(), prefixes));
        self.sink = reserved.clone();
        self.reserved = Some(reserved);
    }

    /// Samples refused since the start, by reason.
    fn refused(&self) -> Vec<(RefusalKind, u64)> {
        let reserved = self.reserved.as_ref();
        let reserved = reserved.map_or(0, |sink| sink.refused_total());
        let mut refused = self.store.figures().refused_total;
        for (kind, count) in &mut refused {
            if *kind == RefusalKind::Reserved {
                *count += reserved;
            }
        }
        refused
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
                Ok(Ok(done)) => {
                    if done.reopened {
                        tracing::info!("the log of telemetry was opened again: samples are taken");
                    }
                    None
                }
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
    let limits = &mut store.limits;
    limits.series_per_metric_max = config
        .series_per_metric_max
        .unwrap_or(limits.series_per_metric_max);
    limits.series_per_job_max = config
        .series_per_job_max
        .unwrap_or(limits.series_per_job_max);
    limits.labels_max = config.labels_max.unwrap_or(limits.labels_max);
    limits.label_bytes_max = config.label_bytes_max.unwrap_or(limits.label_bytes_max);
    store.retention.tiers = config.tiers.iter().map(tier).collect();
    let class = |class: &ClassConfig| RetentionClass {
        name: class.name.clone(),
        selectors: class
            .selectors
            .iter()
            .map(|selector| parse_selector(selector).expect("selectors were checked when read"))
            .collect(),
        age: class.retain_age,
        bytes: class.retain_bytes,
        out_of_order_window: class.out_of_order_window,
        tiers: class.tiers.iter().map(tier).collect(),
    };
    store.retention.classes = config.classes.iter().map(class).collect();
    store
}

fn tier(tier: &TierConfig) -> portique_series::TierConfig {
    let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    portique_series::TierConfig {
        // At most a day.
        resolution_ms: u32::try_from(tier.resolution.as_millis()).unwrap_or(u32::MAX),
        retention_ms: tier.retain_age.map(millis),
    }
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
