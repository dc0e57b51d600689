//! Buckets one by one, and how lists of them are packed into spans.

use super::bounds::upper_bound;
use super::{Histogram, Span};

/// One bucket with its bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Below it, or at it when inclusive, nothing counts.
    pub lower: f64,
    /// Above it, or at it when not inclusive, nothing counts.
    pub upper: f64,
    /// Whether the lower bound itself counts: negative buckets and the zero bucket.
    pub lower_inclusive: bool,
    /// Whether the upper bound itself counts: positive buckets and the zero bucket.
    pub upper_inclusive: bool,
    /// Observations.
    pub count: f64,
}

/// A bucket's index and count.
pub(super) type Indexed = (i64, f64);

impl Histogram {
    /// The zero bucket, whether or not it counts anything.
    pub fn zero_bucket(&self) -> Bucket {
        Bucket {
            lower: -self.zero_threshold,
            upper: self.zero_threshold,
            lower_inclusive: true,
            upper_inclusive: true,
            count: self.zero_count,
        }
    }

    /// Positive buckets from small to large, empty ones among them.
    pub fn positive(&self) -> impl Iterator<Item = Bucket> {
        indexed(&self.positive_spans, &self.positive_buckets)
            .map(|(index, count)| self.bucket_at(index, count))
    }

    /// Negative buckets from those next to zero outwards, empty ones among them.
    pub fn negative(&self) -> impl Iterator<Item = Bucket> {
        indexed(&self.negative_spans, &self.negative_buckets)
            .map(|(index, count)| self.bucket_at(index, count).mirrored())
    }

    /// All buckets from the lowest to the highest: negative ones, the zero bucket when it counts something, positive
    /// ones. Where a bucket reaches into the zero bucket it is shown without that part.
    pub fn buckets(&self) -> Vec<Bucket> {
        let room = self.negative_buckets.len() + 1 + self.positive_buckets.len();
        let mut all = Vec::with_capacity(room);
        all.extend(self.negative().map(|bucket| self.outside_zero(bucket)));
        all.reverse();
        if self.zero_count > 0.0 {
            all.push(self.zero_bucket());
        }
        all.extend(self.positive().map(|bucket| self.outside_zero(bucket)));
        all
    }

    /// Drops empty buckets, and packs the rest into as few spans as possible.
    pub fn compact(&mut self) {
        let kept = indexed(&self.positive_spans, &self.positive_buckets).filter(populated);
        (self.positive_spans, self.positive_buckets) = packed(kept);
        let kept = indexed(&self.negative_spans, &self.negative_buckets).filter(populated);
        (self.negative_spans, self.negative_buckets) = packed(kept);
    }

    /// Whether two histograms hold the same, whatever their counter-reset hints and however their spans are cut.
    /// Empty buckets count: compact both when they should not. NaN equals NaN of the same bits.
    pub fn equals(&self, other: &Self) -> bool {
        let bits = |(index, count): Indexed| (index, count.to_bits());
        let positive = |h: &Self| -> Vec<_> {
            indexed(&h.positive_spans, &h.positive_buckets)
                .map(bits)
                .collect()
        };
        let negative = |h: &Self| -> Vec<_> {
            indexed(&h.negative_spans, &h.negative_buckets)
                .map(bits)
                .collect()
        };
        self.schema == other.schema
            && self.zero_threshold == other.zero_threshold
            && self.zero_count.to_bits() == other.zero_count.to_bits()
            && self.count.to_bits() == other.count.to_bits()
            && self.sum.to_bits() == other.sum.to_bits()
            && self.custom_bounds == other.custom_bounds
            && positive(self) == positive(other)
            && negative(self) == negative(other)
    }

    fn bucket_at(&self, index: i64, count: f64) -> Bucket {
        Bucket {
            lower: upper_bound(self.schema, &self.custom_bounds, index - 1),
            upper: upper_bound(self.schema, &self.custom_bounds, index),
            lower_inclusive: false,
            upper_inclusive: true,
            count,
        }
    }

    fn outside_zero(&self, mut bucket: Bucket) -> Bucket {
        let edge = self.zero_threshold;
        if bucket.lower < -edge && bucket.upper > -edge && bucket.upper < 0.0 {
            bucket.upper = -edge;
        } else if bucket.lower > 0.0 && bucket.lower < edge && bucket.upper > edge {
            bucket.lower = edge;
        }
        bucket
    }
}

impl Bucket {
    fn mirrored(self) -> Self {
        Self {
            lower: -self.upper,
            upper: -self.lower,
            lower_inclusive: self.upper_inclusive,
            upper_inclusive: self.lower_inclusive,
            count: self.count,
        }
    }
}

/// The buckets of spans with their indexes; as many as there are counts for.
pub(super) fn indexed(spans: &[Span], counts: &[f64]) -> impl Iterator<Item = Indexed> {
    let mut next = 0_i64;
    let indexes = spans.iter().flat_map(move |span| {
        let first = next + i64::from(span.offset);
        next = first + i64::from(span.length);
        first..next
    });
    // Counts come first: a span may claim more buckets than there are.
    counts
        .iter()
        .zip(indexes)
        .map(|(count, index)| (index, *count))
}

/// Packs buckets with ascending indexes into spans.
pub(super) fn packed(buckets: impl Iterator<Item = Indexed>) -> (Vec<Span>, Vec<f64>) {
    let mut spans: Vec<Span> = Vec::new();
    let mut counts = Vec::new();
    let mut end = 0_i64;
    for (index, count) in buckets {
        counts.push(count);
        match spans.last_mut() {
            Some(last) if index == end => last.length += 1,
            _ => spans.push(Span {
                offset: i32::try_from(index - end).unwrap_or(i32::MAX),
                length: 1,
            }),
        }
        end = index + 1;
    }
    (spans, counts)
}

fn populated(bucket: &Indexed) -> bool {
    bucket.1 != 0.0
}
