//! How telemetry is kept and queried, as it is configured.

mod classes;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::limit::Limit;
use super::problem::Problem;
use super::raw::RawConfig;
pub use classes::{ClassConfig, TierConfig};

/// One minute, under which rules see nothing of what they are about, to ten years.
const RETAIN_AGE_S: Limit = Limit::of(
    "telemetry.retain_age_s",
    "seconds",
    RETAIN_AGE_MIN_S,
    RETAIN_AGE_MAX_S,
);
const RETAIN_AGE_MIN_S: f64 = 60.0;
const RETAIN_AGE_MAX_S: f64 = 315_360_000.0;
/// One gibibyte to one pebibyte.
const RETAIN_BYTES: Limit = Limit::of(
    "telemetry.retain_bytes",
    "bytes",
    1_073_741_824.0,
    1_125_899_906_842_624.0,
);
/// A hundred, enough for one small program, to what the memory of a large machine holds.
const SERIES_MAX: Limit = Limit::of("telemetry.series_max", "series", 100.0, 100_000_000.0);
const SERIES_PER_METRIC_MAX: Limit = Limit::of(
    "telemetry.series_per_metric_max",
    "series",
    10.0,
    100_000_000.0,
);
const SERIES_PER_JOB_MAX: Limit = Limit::of(
    "telemetry.series_per_job_max",
    "series",
    10.0,
    100_000_000.0,
);
/// Eight, below which the hub's own series lack some, to what the store packs.
const LABELS_MAX: Limit = Limit::of("telemetry.labels_max", "labels", 8.0, 256.0);
/// As much as a path takes, to what one record of the store holds.
const LABEL_BYTES_MAX: Limit = Limit::of("telemetry.label_bytes_max", "bytes", 128.0, 65_536.0);
/// Nothing out of order, to the month that meters are late by at most.
const OUT_OF_ORDER_S: Limit = Limit::of(
    "telemetry.out_of_order_window_s",
    "seconds",
    0.0,
    OUT_OF_ORDER_MAX_S,
);
const OUT_OF_ORDER_MAX_S: f64 = 2_678_400.0;
/// A tenth of a second, to the ten minutes that nobody waits longer than.
const QUERY_TIMEOUT_S: Limit = Limit::of("query.timeout_s", "seconds", 0.1, 600.0);
/// A thousand, to as many as 100 GB hold.
const QUERY_SAMPLES_MAX: Limit = Limit::of("query.samples_max", "samples", 1000.0, 4e9);
/// A second, under which a look costs more than it shows, to half a minute: the rule that a hub is silent
/// waits for a whole one.
const OWN_FIGURES_EVERY_S: Limit = Limit::of("telemetry.own_figures_every_s", "seconds", 1.0, 30.0);
/// Short enough for an alert to mean now; some hundred series cost nothing that can be measured.
const OWN_FIGURES_EVERY_DEFAULT: Duration = Duration::from_secs(5);
/// As in Prometheus.
const QUERY_TIMEOUT_DEFAULT: Duration = Duration::from_secs(120);

/// How telemetry is kept and queried; what is not said is the store's and the engine's own default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelemetryConfig {
    /// Age of samples that are kept; without limit by default, range 60 s to ten years.
    pub retain_age: Option<Duration>,
    /// Bytes of samples that are kept; without limit by default, range 1 GiB to 1 PiB.
    pub retain_bytes: Option<u64>,
    /// Series with recent samples; range 100 to 100 million.
    pub series_max: Option<usize>,
    /// Of these, series of one metric; range 10 to 100 million.
    pub series_per_metric_max: Option<usize>,
    /// Of these, series of one source, the label `job`; range 10 to 100 million.
    pub series_per_job_max: Option<usize>,
    /// Labels of one series; range 8 to 256.
    pub labels_max: Option<usize>,
    /// Bytes of a label's name, and of its value; range 128 to 65,536.
    pub label_bytes_max: Option<usize>,
    /// Downsampled tiers of series of no class; none by default, at most 4.
    pub tiers: Vec<TierConfig>,
    /// Series that are kept for a time of their own: the first class that accepts a series decides;
    /// none by default, at most 64.
    pub classes: Vec<ClassConfig>,
    /// How far a sample may lie before the newest of its series; range 0 s to 31 days.
    pub out_of_order_window: Option<Duration>,
    /// Whether samples are taken from whoever reaches the hub, without a token; off by default.
    pub open_writes: bool,
    /// Where lines of Graphite's plaintext are taken, from whoever reaches it; nowhere by default.
    pub graphite_listen: Option<SocketAddr>,
    /// A `prometheus.yml` that says who is asked for samples and where samples are sent; none by default.
    pub prometheus_file: Option<PathBuf>,
    /// How often the hub's own figures go into its store; default 5 s, range 1 s to 30 s, none when
    /// they do not.
    pub own_figures_every: Option<Duration>,
    /// Whether the experimental parts of PromQL are on; off by default.
    pub experimental_queries: bool,
    /// How long a query may take; default 2 min, range 0.1 s to 10 min.
    pub query_timeout: Duration,
    /// Samples that a query may hold at once; range 1,000 to 4 billion.
    pub query_samples_max: Option<usize>,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            retain_age: None,
            retain_bytes: None,
            series_max: None,
            series_per_metric_max: None,
            series_per_job_max: None,
            labels_max: None,
            label_bytes_max: None,
            tiers: Vec::new(),
            classes: Vec::new(),
            out_of_order_window: None,
            open_writes: false,
            graphite_listen: None,
            prometheus_file: None,
            own_figures_every: Some(OWN_FIGURES_EVERY_DEFAULT),
            experimental_queries: false,
            query_timeout: QUERY_TIMEOUT_DEFAULT,
            query_samples_max: None,
        }
    }
}

pub(super) fn resolve(raw: &RawConfig, problems: &mut Vec<Problem>) -> TelemetryConfig {
    let raw = &raw.telemetry;
    let tiers = classes::resolve_tiers(&raw.tiers, problems);
    let classes = classes::resolve(&raw.classes, problems);
    let mut number = |limit: &Limit, written: &Option<_>| limit.resolve(written.as_ref(), problems);
    let seconds = Duration::from_secs_f64;
    TelemetryConfig {
        retain_age: number(&RETAIN_AGE_S, &raw.retain_age_s).map(seconds),
        retain_bytes: number(&RETAIN_BYTES, &raw.retain_bytes).map(|bytes| bytes as u64),
        series_max: number(&SERIES_MAX, &raw.series_max).map(|series| series as usize),
        series_per_metric_max: number(&SERIES_PER_METRIC_MAX, &raw.series_per_metric_max)
            .map(|series| series as usize),
        series_per_job_max: number(&SERIES_PER_JOB_MAX, &raw.series_per_job_max)
            .map(|series| series as usize),
        labels_max: number(&LABELS_MAX, &raw.labels_max).map(|labels| labels as usize),
        label_bytes_max: number(&LABEL_BYTES_MAX, &raw.label_bytes_max).map(|bytes| bytes as usize),
        tiers,
        classes,
        out_of_order_window: number(&OUT_OF_ORDER_S, &raw.out_of_order_window_s).map(seconds),
        own_figures_every: match &raw.own_figures_every_s {
            Some(written) if written.value == 0.0 => None,
            written => Some(
                number(&OWN_FIGURES_EVERY_S, written).map_or(OWN_FIGURES_EVERY_DEFAULT, seconds),
            ),
        },
        // Addresses are resolved with the others.
        graphite_listen: None,
        prometheus_file: raw
            .prometheus_file
            .as_ref()
            .map(|written| PathBuf::from(&written.value)),
        open_writes: raw
            .open_writes
            .as_ref()
            .is_some_and(|written| written.value),
        experimental_queries: raw
            .experimental
            .as_ref()
            .is_some_and(|written| written.value),
        query_timeout: number(&QUERY_TIMEOUT_S, &raw.query_timeout_s)
            .map_or(QUERY_TIMEOUT_DEFAULT, seconds),
        query_samples_max: number(&QUERY_SAMPLES_MAX, &raw.query_samples_max)
            .map(|samples| samples as usize),
    }
}
