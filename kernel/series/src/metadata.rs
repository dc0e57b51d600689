//! What is said about a metric and its samples beside the numbers.

use crate::Labels;

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MetricKind {
    /// Nobody said.
    #[default]
    Unknown,
    /// A count that only grows, or begins anew.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// Counts in buckets.
    Histogram,
    /// Buckets whose counts go up and down.
    GaugeHistogram,
    /// Quantiles computed where they were measured.
    Summary,
    /// Labels that describe, with the value 1.
    Info,
    /// One series per state, 1 for those that hold.
    StateSet,
}

impl MetricKind {
    const ALL: [Self; 8] = [
        Self::Unknown,
        Self::Counter,
        Self::Gauge,
        Self::Histogram,
        Self::GaugeHistogram,
        Self::Summary,
        Self::Info,
        Self::StateSet,
    ];

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }

    /// The kind of a name as [`as_str`](Self::as_str) writes it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// As the query interface of Prometheus writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
        }
    }
}

/// What a metric is said to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Metadata {
    /// Its kind.
    pub kind: MetricKind,
    /// One sentence for people.
    pub help: String,
    /// The unit, or empty.
    pub unit: String,
}

/// One observation behind a sample, with labels that lead to it: a trace, mostly.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// What leads to it.
    pub labels: Labels,
    /// What was observed.
    pub value: f64,
    /// When, Unix milliseconds.
    pub timestamp_ms: i64,
}
