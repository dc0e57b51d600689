//! Values, and columns of them.

use std::sync::Arc;

use crate::Histogram;

/// The NaN that says a series ended here; no other NaN has these bits.
///
/// Source: Prometheus, `model/value`.
pub const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// Whether a value is the stale marker, bit by bit.
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE.to_bits()
}

/// What a sample holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number, which may be NaN, infinite or [`STALE`].
    Float(f64),
    /// A native histogram; its sum is [`STALE`] when it marks the end of the series.
    Histogram(Arc<Histogram>),
}

impl Value {
    /// Whether it marks the end of its series.
    pub fn is_stale(&self) -> bool {
        match self {
            Self::Float(value) => is_stale(*value),
            Self::Histogram(histogram) => is_stale(histogram.sum),
        }
    }
}

/// A column of samples of one series, by ascending timestamp, made to be filled again and again.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    /// Unix milliseconds, strictly ascending.
    pub timestamps: Vec<i64>,
    /// The floats; where the sample is a histogram, 0.
    pub floats: Vec<f64>,
    /// Either empty (all are floats) or as long as the others.
    pub histograms: Vec<Option<Arc<Histogram>>>,
    /// Start timestamps (Unix milliseconds, 0 unknown); either empty (none known) or as long as the others.
    pub starts: Vec<i64>,
}

impl Samples {
    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.timestamps.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }

    /// Takes everything out and keeps the room.
    pub fn clear(&mut self) {
        self.timestamps.clear();
        self.floats.clear();
        self.histograms.clear();
        self.starts.clear();
    }

    /// Adds a float; its timestamp is after the last.
    pub fn push_float(&mut self, timestamp_ms: i64, value: f64) {
        self.timestamps.push(timestamp_ms);
        self.floats.push(value);
        if !self.histograms.is_empty() {
            self.histograms.push(None);
        }
        if !self.starts.is_empty() {
            self.starts.push(0);
        }
    }

    /// Adds a histogram; its timestamp is after the last.
    pub fn push_histogram(&mut self, timestamp_ms: i64, histogram: Arc<Histogram>) {
        self.histograms.resize(self.timestamps.len(), None);
        self.timestamps.push(timestamp_ms);
        self.floats.push(0.0);
        self.histograms.push(Some(histogram));
        if !self.starts.is_empty() {
            self.starts.push(0);
        }
    }

    /// Says when the counter behind the last sample began; 0 means unknown.
    pub fn set_last_start(&mut self, start_ms: i64) {
        if start_ms != 0 || !self.starts.is_empty() {
            self.starts.resize(self.timestamps.len(), 0);
            if let Some(last) = self.starts.last_mut() {
                *last = start_ms;
            }
        }
    }

    /// Leaves the newest sample only.
    pub fn keep_last(&mut self) {
        let before = self.len().saturating_sub(1);
        self.timestamps.drain(..before);
        self.floats.drain(..before);
        if !self.histograms.is_empty() {
            self.histograms.drain(..before);
        }
        if !self.starts.is_empty() {
            self.starts.drain(..before);
        }
    }

    /// The sample at an index.
    ///
    /// # Panics
    /// When the index is out of range.
    pub fn value(&self, index: usize) -> Value {
        match self.histograms.get(index) {
            Some(Some(histogram)) => Value::Histogram(Arc::clone(histogram)),
            _ => Value::Float(self.floats[index]),
        }
    }
}
