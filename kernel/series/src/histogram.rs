//! Native histograms as queries see them.

mod bounds;
mod bucket;
mod check;
mod classic;
mod compensated;
mod mean;
mod quantile;
mod resets;
mod spread;
mod sum;
#[cfg(test)]
mod tests;
mod trim;
mod zero;

pub use bucket::Bucket;
pub use check::{BUCKETS_MAX, BadHistogram};
pub use classic::ClassicBucket;
pub use compensated::Compensated;
pub use mean::HistogramMean;
pub use quantile::{FractionNote, QuantileNote};
pub use sum::{HistogramSum, Merged};
pub use trim::Trim;

/// The coarsest exponential schema: a bucket grows by 2^16.
pub const SCHEMA_MIN: i32 = -4;

/// The finest exponential schema: 256 buckets for each power of two.
pub const SCHEMA_MAX: i32 = 8;

/// The schema of histograms that bring their own bounds.
pub const SCHEMA_CUSTOM: i32 = -53;

/// Whether a histogram's counts began anew since the sample before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CounterReset {
    /// Not known: compare with the sample before.
    #[default]
    Unknown,
    /// It began anew.
    Reset,
    /// It went on.
    NotReset,
    /// It is a gauge: there is no such thing.
    Gauge,
}

impl CounterReset {
    /// What is known of the sum or difference of two histograms, and whether the two contradict each other:
    /// one began anew and the other did not.
    ///
    /// Anything combined with a gauge is a gauge; anything else that differs is unknown.
    pub fn combine(self, other: Self) -> (Self, bool) {
        match (self, other) {
            (one, same) if one == same => (one, false),
            (Self::Gauge, _) | (_, Self::Gauge) => (Self::Gauge, false),
            (Self::Unknown, _) | (_, Self::Unknown) => (Self::Unknown, false),
            _ => (Self::Unknown, true),
        }
    }
}

/// A run of adjacent buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// From the end of the span before (the first: from bucket 0), in buckets; only the first may be negative.
    pub offset: i32,
    /// How many buckets it holds.
    pub length: u32,
}

/// A native histogram with float counts: exponential buckets, or custom ones (schema −53).
///
/// Bucket `i` of schema `s` reaches up to `2^(i * 2^-s)`, inclusive. Counts are absolute, not deltas.
///
/// Source: Prometheus, `model/histogram`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// −4 to 8 for exponential buckets (finer above), −53 for custom bounds.
    pub schema: i32,
    /// Observations whose absolute value is at most this are in the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// All observations; not necessarily the sum of the buckets.
    pub count: f64,
    /// Sum of all observations.
    pub sum: f64,
    /// Where the positive buckets are.
    pub positive_spans: Vec<Span>,
    /// Their counts, one for each bucket of the spans.
    pub positive_buckets: Vec<f64>,
    /// Where the negative buckets are.
    pub negative_spans: Vec<Span>,
    /// Their counts.
    pub negative_buckets: Vec<f64>,
    /// Upper bounds of custom buckets, ascending, without the last (+Inf); empty for exponential schemas.
    pub custom_bounds: Vec<f64>,
    /// Whether counts began anew since the sample before.
    pub counter_reset: CounterReset,
}

impl Histogram {
    /// Whether it brings its own bounds instead of exponential ones.
    pub fn uses_custom_bounds(&self) -> bool {
        self.schema == SCHEMA_CUSTOM
    }

    /// Multiplies every count and the sum. With a negative factor it becomes a gauge: no counter is below 0.
    pub fn scale(&mut self, factor: f64) {
        self.map_counts(|count| count * factor);
        if factor < 0.0 {
            self.counter_reset = CounterReset::Gauge;
        }
    }

    /// Divides every count and the sum. Divided by 0 they become infinite or NaN, and no buckets are left: infinitely
    /// many observations are nowhere in particular.
    pub fn divide(&mut self, divisor: f64) {
        self.map_counts(|count| count / divisor);
        if divisor < 0.0 {
            self.counter_reset = CounterReset::Gauge;
        }
        if divisor == 0.0 {
            self.positive_spans.clear();
            self.positive_buckets.clear();
            self.negative_spans.clear();
            self.negative_buckets.clear();
        }
    }

    /// Adds another one, bucket by bucket. Zero buckets become the wider of the two, exponential buckets the coarser
    /// of the two schemas, and of different custom bounds those stay that both have.
    ///
    /// `None`, and nothing changed, when one has custom bounds and the other has not.
    #[must_use = "the two may not go together"]
    pub fn add(&mut self, other: &Self) -> Option<Merged> {
        self.merge(other, 1.0)
    }

    /// Takes another one away, as [`add`](Self::add) adds it. Counts may become negative.
    #[must_use = "the two may not go together"]
    pub fn subtract(&mut self, other: &Self) -> Option<Merged> {
        self.merge(other, -1.0)
    }

    /// Merges buckets into those of a coarser exponential schema; total counts stay the same. Nothing happens when
    /// the schema is not coarser, or when there are custom bounds.
    pub fn reduce(&mut self, schema: i32) {
        if self.uses_custom_bounds() || schema >= self.schema {
            return;
        }
        let mut reduced = HistogramSum::new(self);
        reduced.reduce(schema);
        *self = reduced.into_total();
    }

    fn merge(&mut self, other: &Self, sign: f64) -> Option<Merged> {
        if self.same_layout(other) {
            let (reset, resets_collide) = self.counter_reset.combine(other.counter_reset);
            self.counter_reset = reset;
            self.merge_in_place(other, sign);
            return Some(Merged {
                resets_collide,
                bounds_reconciled: false,
            });
        }
        let mut sum = HistogramSum::new(self);
        let merged = sum.merge(other, sign)?;
        *self = sum.into_total();
        Some(merged)
    }

    fn merge_in_place(&mut self, other: &Self, sign: f64) {
        self.zero_count += sign * other.zero_count;
        self.count += sign * other.count;
        self.sum += sign * other.sum;
        let positive = self.positive_buckets.iter_mut();
        for (into, from) in positive.zip(&other.positive_buckets) {
            *into += sign * from;
        }
        let negative = self.negative_buckets.iter_mut();
        for (into, from) in negative.zip(&other.negative_buckets) {
            *into += sign * from;
        }
    }

    /// Whether buckets stand at the same places, so that counts can be combined one by one.
    fn same_layout(&self, other: &Self) -> bool {
        self.schema == other.schema
            && self.zero_threshold == other.zero_threshold
            && self.positive_spans == other.positive_spans
            && self.negative_spans == other.negative_spans
            && self.custom_bounds == other.custom_bounds
    }

    fn map_counts(&mut self, change: impl Fn(f64) -> f64) {
        for value in [&mut self.zero_count, &mut self.count, &mut self.sum] {
            *value = change(*value);
        }
        let buckets = self.positive_buckets.iter_mut();
        for count in buckets.chain(&mut self.negative_buckets) {
            *count = change(*count);
        }
    }
}
