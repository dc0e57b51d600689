//! What the hub says of itself, put together.

use std::path::Path;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::ready;
use portique_clock::Clock;

use super::engines::Engines;
use super::systems::Systems;
use crate::api::Pusher;
use crate::http::{Ask, Figure, LabelledFigure, Metrics, Readiness, Samples, Source, Value};
use crate::intake::Intake;
use crate::process;
use crate::prometheus::QueryCounts;
use crate::telemetry::{Jumps, OwnCounts};

/// Whoever has figures.
pub(super) struct Told<'a> {
    pub(super) engines: &'a Engines,
    pub(super) systems: &'a Systems,
    pub(super) readiness: &'a Arc<Readiness>,
    pub(super) intake: &'a Intake,
    pub(super) queries: &'a QueryCounts,
    pub(super) pusher: &'a Pusher,
    pub(super) own: &'a OwnCounts,
    /// The data folder.
    pub(super) data: &'a Path,
}

impl Told<'_> {
    /// The figures of all of them, and those of the ports that are asked by `asks`.
    pub(super) fn metrics(&self, mut asks: Vec<Ask>) -> Arc<Metrics> {
        let clock = self.engines.clock.clone();
        let mut sources = self.engines.sources();
        sources.extend(self.systems.sources());
        sources.push(self.own.source());
        sources.push(Jumps::new(clock.clone()).source());
        sources.push(process_source(&*clock));
        sources.push(disk_source(self.data));
        let (intake, queries) = (self.intake.clone(), self.queries.clone());
        asks.push(self.readiness.ask());
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
