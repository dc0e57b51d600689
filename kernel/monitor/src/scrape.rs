//! Scraping: who is asked for samples, when, and what becomes of the answers.
//!
//! ```text
//!   prometheus.yml --> PrometheusFile --> jobs --. TargetGroup (static, file, HTTP) --> Target::build --> Target
//!   time           --> Schedule::next ----------'
//!   answer         --> exposition --> Batch --> SeriesCache::absorb --> Batch: samples, stale markers, up, scrape_*
//! ```
//!
//! All of it is plain code with time as a parameter: whoever asks targets over HTTP, reads files and keeps the
//! clock stands elsewhere. Where an answer cannot be used, what is written is what Prometheus writes: `up` 0 and a
//! stale marker for each series that was there. The difference is that a bad line keeps no good one out: it is
//! counted and shown.
//!
//! Sources: Prometheus 3, `config`, `model/relabel`, `scrape`.

mod answer;
mod config;
mod relabel;
mod schedule;
mod size;
mod target;

pub use answer::{Absorbed, AnswerFault, Report, SeriesCache};
pub use config::{
    FileDiscovery, Global, HttpDiscovery, JobConfig, PROMETHEUS_FILE_BYTES_MAX, PrometheusFile,
    Protocol, QueueConfig, RemoteWriteConfig, RulePattern, ScrapeLimits, TARGETS_FILE_BYTES_MAX,
    read_target_groups,
};
pub use relabel::{RelabelAction, RelabelFault, RelabelRule, relabel};
pub use schedule::Schedule;
pub use target::{Built, Target, TargetFault, TargetGroup};
