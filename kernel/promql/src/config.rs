//! How queries are evaluated, and how far.

use crate::syntax;

/// Samples older than this are not seen by an instant selector; as in Prometheus.
const LOOKBACK_MS: i64 = 5 * 60 * 1000;
/// Step of a subquery that names none: Prometheus' default evaluation interval.
const SUBQUERY_STEP_MS: i64 = 60 * 1000;
/// Samples in memory at once, as in Prometheus; about 1.6 GB of floats at the worst.
const SAMPLES_MAX: usize = 50_000_000;
/// Points of one series in an answer, as in Prometheus: more than any screen has columns.
const STEPS_MAX: usize = 11_000;

/// Threads of one query by default: others want an answer too.
const THREADS_MAX: usize = 4;

/// What holds for all queries of an engine.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// How old a sample may be for an instant selector, milliseconds, exclusive; 5 minutes by default.
    pub lookback_ms: i64,
    /// Step of subqueries that name none, milliseconds; one minute by default.
    pub subquery_step_ms: i64,
    /// Samples in memory at once; 50 million by default.
    pub samples_max: usize,
    /// Steps of a range query; 11,000 by default.
    pub steps_max: usize,
    /// Whether metric names are removed at the end only, so that `or`, `by (__name__)` and `label_replace` still
    /// see them; on by default, unlike in Prometheus.
    pub delayed_name_removal: bool,
    /// Whether `rate` looks at the label `__type__` instead of the end of the name; off by default.
    pub type_and_unit_labels: bool,
    /// Whether `rate` and the like see counter resets in start timestamps; on by default.
    pub start_timestamps: bool,
    /// How many threads read a query's series, when there are a thousand or more; by default one for each processor,
    /// but at most 4. Below 2 there are none besides the caller's.
    pub threads: usize,
    /// Which experimental parts of the language are on; none by default.
    pub syntax: syntax::Options,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            lookback_ms: LOOKBACK_MS,
            subquery_step_ms: SUBQUERY_STEP_MS,
            samples_max: SAMPLES_MAX,
            steps_max: STEPS_MAX,
            delayed_name_removal: true,
            type_and_unit_labels: false,
            start_timestamps: true,
            threads: std::thread::available_parallelism().map_or(1, |n| n.get().min(THREADS_MAX)),
            syntax: syntax::Options::default(),
        }
    }
}

/// What holds for one query.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Another lookback than the engine's, milliseconds.
    pub lookback_ms: Option<i64>,
    /// Asked between series whether to go on.
    pub interrupt: Option<&'a dyn Interrupt>,
}

/// Why a query has to end before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// Nobody waits for the answer any more.
    Canceled,
    /// The deadline has passed.
    TimedOut,
}

/// Tells a query to end; asked often, so it has to be quick.
pub trait Interrupt: Send + Sync {
    /// Why to end now, if so.
    fn interruption(&self) -> Option<Interruption>;
}

/// Canceled once it is true.
impl Interrupt for std::sync::atomic::AtomicBool {
    fn interruption(&self) -> Option<Interruption> {
        let canceled = self.load(std::sync::atomic::Ordering::Relaxed);
        canceled.then_some(Interruption::Canceled)
    }
}
