//! What the hub says of itself, put together.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::ready;
use portique_clock::Clock;

use super::engines::Engines;
use super::scrapes::Scrapes;
use super::systems::Systems;
use crate::api::Pusher;
use crate::http::{Ask, Figure, LabelledFigure, Metrics, Readiness, Samples, Source, Value};
use crate::intake::Intake;
use crate::process;
use crate::prometheus::QueryCounts;
use crate::telemetry::{Jumps, OwnCounts, OwnWatch};

/// Whoever has figures.
pub(super) struct Told<'a> {
    pub(super) engines: &'a Engines,
    pub(super) systems: &'a Systems,
    pub(super) scrapes: &'a Scrapes,
    pub(super) readiness: &'a Arc<Readiness>,
    pub(super) intake: &'a Intake,
    pub(super) pusher: &'a Pusher,
    /// The data folder.
    pub(super) data: &'a Path,
}

/// What is told, and what tells it on.
pub(super) struct Watched {
    pub(super) metrics: Arc<Metrics>,
    /// For those who answer queries.
    pub(super) queries: QueryCounts,
    /// None when the hub is told not to keep its own figures.
    pub(super) own_watch: Option<OwnWatch>,
}

impl Told<'_> {
    /// The figures of all of them, and those of the ports that are asked by `asks`; they are kept as those of
    /// `instance`, so often.
    pub(super) fn watched(
        &self,
        asks: Vec<Ask>,
        instance: SocketAddr,
        every: Option<Duration>,
    ) -> Watched {
        let (queries, counts) = (QueryCounts::default(), OwnCounts::default());
        let metrics = self.metrics(asks, &queries, &counts);
        let own_watch = every.map(|every| OwnWatch {
            metrics: metrics.clone(),
            sink: self.engines.telemetry.sink.clone(),
            clock: self.engines.clock.clone(),
            instance: instance.to_string(),
            every,
            counts,
        });
        Watched {
            metrics,
            queries,
            own_watch,
        }
    }

    fn metrics(&self, mut asks: Vec<Ask>, queries: &QueryCounts, own: &OwnCounts) -> Arc<Metrics> {
        let clock = self.engines.clock.clone();
        let mut sources = self.engines.sources();
        sources.extend(self.systems.sources());
        sources.extend(self.scrapes.sources());
        sources.push(own.source());
        sources.push(Jumps::new(clock.clone()).source());
        sources.push(process_source(&*clock));
        sources.push(disk_source(self.data));
        let (intake, queries) = (self.intake.clone(), queries.clone());
        asks.push(self.readiness.ask());
        asks.push(self.systems.ask());
        asks.push(self.pusher.ask());
        asks.push(ask(move || intake.figures()));
        asks.push(ask(move || queries.figures()));
        asks.push(ask(|| vec![build_info()]));
        Arc::new(Metrics::new(clock, sources, asks))
    }
}

fn ask(figures: impl Fn() -> Vec<LabelledFigure> + Send + Sync + 'static) -> Ask {
    Box::new(move || ready(figures()).boxed())
}

fn process_source(clock: &dyn Clock) -> Source {
    let began = clock.now();
    Source(Box::new(move || process::figures(began)))
}

/// The disk that the data folder is on; nothing when the machine does not say.
fn disk_source(data: &Path) -> Source {
    let data = data.to_path_buf();
    Source(Box::new(move || {
        let Ok(disk) = rustix::fs::statvfs(&data) else {
            return Vec::new();
        };
        let figure = |name, help, blocks: u64| Figure {
            name,
            help,
            value: Value::Gauge((blocks * disk.f_frsize) as f64),
        };
        vec![
            figure(
                "data_disk_free_bytes",
                "Room on the disk of the data folder",
                disk.f_bavail,
            ),
            figure(
                "data_disk_size_bytes",
                "Size of the disk of the data folder",
                disk.f_blocks,
            ),
        ]
    }))
}

fn build_info() -> LabelledFigure {
    let labels = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    LabelledFigure {
        name: "build_info",
        help: "1, with the version of the hub",
        samples: Samples::Gauges(vec![(labels, 1.0)]),
    }
}
