//! Zero buckets of different widths.

use super::bounds::upper_bound;
use super::sum::{HistogramSum, Slot};
use super::{Compensated, Histogram};

impl HistogramSum {
    /// The narrowest threshold that covers both zero buckets and cuts no bucket of either that counts something.
    pub(super) fn common_threshold(&self, other: &Histogram) -> f64 {
        let positive = super::sum::slots(&other.positive_spans, &other.positive_buckets, 1.0);
        let negative = super::sum::slots(&other.negative_spans, &other.negative_buckets, 1.0);
        let mut threshold = self.zero_threshold.max(other.zero_threshold);
        loop {
            let before = threshold;
            for side in [&self.positive, &self.negative] {
                threshold = uncut(side, self.schema, threshold);
            }
            for side in [&positive, &negative] {
                threshold = uncut(side, other.schema, threshold);
            }
            if threshold <= before || threshold.is_nan() {
                return before;
            }
        }
    }

    /// Takes the buckets up to a threshold into the zero bucket.
    pub(super) fn widen_zero(&mut self, threshold: f64) {
        absorb(
            &mut self.positive,
            self.schema,
            threshold,
            &mut self.zero_count,
        );
        absorb(
            &mut self.negative,
            self.schema,
            threshold,
            &mut self.zero_count,
        );
        self.zero_threshold = threshold;
    }
}

/// Moves the buckets that begin below a threshold into a zero bucket.
pub(super) fn absorb(side: &mut Vec<Slot>, schema: i32, threshold: f64, zero: &mut Compensated) {
    let inside = |slot: &Slot| upper_bound(schema, &[], slot.index - 1) < threshold;
    let end = side.partition_point(inside);
    for slot in side.drain(..end) {
        zero.add(slot.count.value);
        zero.add(slot.count.lost);
    }
}

/// The threshold, or the end of the bucket with a count that it cuts in two.
pub(super) fn uncut(side: &[Slot], schema: i32, threshold: f64) -> f64 {
    let end = side.partition_point(|slot| upper_bound(schema, &[], slot.index - 1) < threshold);
    let cut = end.checked_sub(1).map(|last| side[last]);
    match cut {
        Some(slot) if slot.count.total() != 0.0 => {
            threshold.max(upper_bound(schema, &[], slot.index))
        }
        _ => threshold,
    }
}
