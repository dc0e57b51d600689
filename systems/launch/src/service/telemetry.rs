//! Telemetry on its way from the watch into the store, and back for whoever looks it up.

mod derived;
mod history;
mod metrics;
mod recorder;
mod series;
mod writer;

pub(crate) use history::page;
pub use history::{TelemetryPage, TelemetryQuery};
pub(crate) use metrics::is_of_every_module;
pub(crate) use recorder::{Queue, Recorder, RecorderSource};
pub(crate) use writer::{Place, run};

/// What the names of all metrics of launch control begin with.
const PREFIX: &str = "launch_";
