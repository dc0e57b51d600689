//! Telemetry on its way from the watch into the store, and back for whoever looks it up.

#[cfg(test)]
mod books;
mod derived;
mod history;
mod metrics;
mod recorder;
mod series;
mod writer;

#[cfg(test)]
pub(crate) use books::Books;
pub(crate) use history::page;
pub use history::{TelemetryPage, TelemetryQuery};
pub(crate) use metrics::is_of_every_module;
pub(crate) use recorder::{Queue, Recorder, RecorderSource};
pub(crate) use writer::{Place, run};

/// What the names of all metrics of launch control begin with. Its rules destroy modules by what is measured under them:
/// nobody else may write there.
pub const PREFIX: &str = "launch_";
