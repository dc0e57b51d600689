//! What parts say of themselves when they are asked.

use futures_util::future::BoxFuture;

/// What one sample is about, such as `queue` and its name.
pub(crate) type Labels = Vec<(&'static str, String)>;

/// A figure that a part knows when it is asked.
pub(crate) struct Figure {
    /// Without `portique_`, and without `_total`.
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) value: Value,
}

impl Figure {
    /// One that only grows.
    pub(crate) fn counter(name: &'static str, help: &'static str, value: u64) -> Self {
        let value = Value::Counter(value);
        Self { name, help, value }
    }

    /// One that goes both ways.
    pub(crate) fn gauge(name: &'static str, help: &'static str, value: f64) -> Self {
        let value = Value::Gauge(value);
        Self { name, help, value }
    }
}

/// Whether a figure only grows.
pub(crate) enum Value {
    Counter(u64),
    /// It only grows, by less than one too.
    FloatCounter(f64),
    Gauge(f64),
}

/// Asks a part for its figures, at every scrape.
pub(crate) struct Source(pub(crate) Box<dyn Fn() -> Vec<Figure> + Send + Sync>);

/// A figure of many things.
#[derive(Debug, Clone)]
pub(crate) struct LabelledFigure {
    /// Without `portique_`, and without `_total`.
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) samples: Samples,
}

impl LabelledFigure {
    /// One of a single thing, which needs no labels, that only grows.
    pub(crate) fn counter(name: &'static str, help: &'static str, value: u64) -> Self {
        let samples = Samples::Counters(vec![(Labels::new(), value)]);
        Self {
            name,
            help,
            samples,
        }
    }

    /// One of a single thing that goes both ways.
    pub(crate) fn gauge(name: &'static str, help: &'static str, value: f64) -> Self {
        let samples = Samples::Gauges(vec![(Labels::new(), value)]);
        Self {
            name,
            help,
            samples,
        }
    }
}

/// One value for each thing.
#[derive(Debug, Clone)]
pub(crate) enum Samples {
    /// They only grow.
    Counters(Vec<(Labels, u64)>),
    /// They go both ways.
    Gauges(Vec<(Labels, f64)>),
    /// They are spread over buckets.
    Histograms(Vec<(Labels, Histogram)>),
}

/// Observations by size.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Histogram {
    /// Upper bounds and how many were at most that large but above the bound before; the last bound is
    /// infinite.
    pub(crate) buckets: Vec<(f64, u64)>,
    pub(crate) sum: f64,
}

/// Asks a part for its figures that have labels; it may take its time.
pub(crate) type Ask = Box<dyn Fn() -> BoxFuture<'static, Vec<LabelledFigure>> + Send + Sync>;
