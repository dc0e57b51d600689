//! The samples of a window in the order of time.

use std::sync::Arc;

use portique_series::{Histogram, Value};

use super::rate::Bounds;
use super::{Edges, Points, Window};

/// One sample of a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample<'a> {
    /// Unix milliseconds.
    pub(super) time_ms: i64,
    /// When the counter behind it began; 0 when not known.
    pub(super) start_ms: i64,
    pub(super) value: Kind<'a>,
}

/// A value without a count taken of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind<'a> {
    Float(f64),
    Histogram(&'a Arc<Histogram>),
}

impl Sample<'_> {
    /// Whether its start timestamp says that the counter began anew since the sample before.
    ///
    /// A start equal to the time of the sample itself means that it is not known. Equal to the time of the sample
    /// before it means a delta, when that one's start is known too, and else again that it is not known.
    pub(super) fn began_after(&self, previous: &Self) -> bool {
        let known = self.start_ms != 0 && self.start_ms < self.time_ms;
        if !known || self.start_ms < previous.time_ms {
            return false;
        }
        let chained = previous.start_ms != 0 && previous.start_ms < previous.time_ms;
        self.start_ms > previous.time_ms || chained
    }
}

impl Kind<'_> {
    pub(super) fn to_value(self) -> Value {
        match self {
            Self::Float(value) => Value::Float(value),
            Self::Histogram(histogram) => Value::Histogram(Arc::clone(histogram)),
        }
    }
}

impl<'a> Window<'a> {
    /// Whether it has floats and histograms.
    pub(super) fn is_mixed(&self) -> bool {
        !self.floats.times.is_empty() && !self.histograms.times.is_empty()
    }

    /// Floats and histograms by ascending time.
    pub(super) fn samples(&self) -> impl Iterator<Item = Sample<'a>> + use<'a> {
        let (floats, histograms) = (self.floats, self.histograms);
        let (mut float, mut histogram) = (0, 0);
        std::iter::from_fn(move || {
            let next_float = floats.times.get(float).copied().unwrap_or(i64::MAX);
            let next_histogram = histograms.times.get(histogram).copied().unwrap_or(i64::MAX);
            if float < floats.times.len() && next_float <= next_histogram {
                float += 1;
                return Some(floats.sample(float - 1));
            }
            let found = (histogram < histograms.times.len()).then(|| histograms.sample(histogram));
            histogram += 1;
            found
        })
    }

    /// Where the range begins and ends, whatever lies around it.
    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            start_ms: self.start_ms,
            end_ms: self.end_ms,
        }
    }

    /// Seconds from the start of the range to its end.
    pub(super) fn seconds(&self) -> f64 {
        self.bounds().seconds()
    }

    /// As [`samples`](Self::samples), but of an anchored range from the last sample at or before its start on; nothing
    /// when no sample is after that.
    pub(super) fn anchored_samples(&self) -> impl Iterator<Item = Sample<'a>> + use<'a> {
        let mut skipped = 0;
        if self.edges == Edges::Anchored {
            let before = |times: &[i64]| times.partition_point(|time| *time <= self.start_ms);
            let early = before(self.floats.times) + before(self.histograms.times);
            let all = self.floats.times.len() + self.histograms.times.len();
            skipped = if early == all {
                all
            } else {
                early.saturating_sub(1)
            };
        }
        self.samples().skip(skipped)
    }
}

impl<'a> Points<'a, f64> {
    pub(super) fn sample(&self, index: usize) -> Sample<'a> {
        Sample {
            time_ms: self.times[index],
            start_ms: self.starts.get(index).copied().unwrap_or(0),
            value: Kind::Float(self.values[index]),
        }
    }
}

impl<'a> Points<'a, Arc<Histogram>> {
    pub(super) fn sample(&self, index: usize) -> Sample<'a> {
        Sample {
            time_ms: self.times[index],
            start_ms: self.starts.get(index).copied().unwrap_or(0),
            value: Kind::Histogram(&self.values[index]),
        }
    }
}

/// Milliseconds as seconds.
pub(super) fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}
