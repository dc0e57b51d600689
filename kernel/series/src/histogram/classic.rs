//! Classic histograms as native ones with custom bounds.

use super::bucket::packed;
use super::{Histogram, SCHEMA_CUSTOM};

/// A bucket of a classic histogram: the series with an `le` label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassicBucket {
    /// What the label says; +Inf for the last.
    pub upper: f64,
    /// Observations up to and with the bound.
    pub cumulative: f64,
}

impl Histogram {
    /// The native histogram with custom bounds that says what a classic one does. Buckets come in any order, and of
    /// several with the same bound (`1` and `1.0` are different labels) the first counts; without one for +Inf the
    /// total is `count`, or, when that is not known, what the highest bucket counts.
    ///
    /// `None` when the buckets do not make a histogram: a bound is NaN, or a count is below that of a smaller bound.
    pub fn from_classic(
        buckets: &[ClassicBucket],
        sum: Option<f64>,
        count: Option<f64>,
    ) -> Option<Self> {
        let mut sorted = buckets.to_vec();
        sorted.sort_by(|a, b| a.upper.total_cmp(&b.upper));
        sorted.dedup_by(|later, earlier| later.upper == earlier.upper);
        let highest = sorted.last().map_or(0.0, |bucket| bucket.cumulative);
        if sorted
            .last()
            .is_none_or(|bucket| bucket.upper != f64::INFINITY)
        {
            sorted.push(ClassicBucket {
                upper: f64::INFINITY,
                cumulative: count.unwrap_or(highest),
            });
        }
        let ascending = |pair: &[ClassicBucket]| {
            pair[0].upper < pair[1].upper && pair[0].cumulative <= pair[1].cumulative
        };
        if !sorted.windows(2).all(ascending) || sorted[0].cumulative < 0.0 {
            return None;
        }
        let total = sorted.last().map_or(0.0, |bucket| bucket.cumulative);
        let mut below = 0.0;
        let counts = sorted.iter().map(|bucket| {
            let own = bucket.cumulative - below;
            below = bucket.cumulative;
            own
        });
        let (positive_spans, positive_buckets) = packed((0..).zip(counts));
        let mut histogram = Self {
            schema: SCHEMA_CUSTOM,
            count: count.unwrap_or(total),
            sum: sum.unwrap_or(0.0),
            positive_spans,
            positive_buckets,
            custom_bounds: sorted.iter().map(|bucket| bucket.upper).collect(),
            ..Self::default()
        };
        histogram.custom_bounds.pop();
        histogram.compact();
        Some(histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::{ClassicBucket, Histogram};

    fn buckets(pairs: &[(f64, f64)]) -> Vec<ClassicBucket> {
        let bucket = |(upper, cumulative): &(f64, f64)| ClassicBucket {
            upper: *upper,
            cumulative: *cumulative,
        };
        pairs.iter().map(bucket).collect()
    }

    #[test]
    fn counts_are_those_of_each_bucket_alone() {
        let classic = buckets(&[(f64::INFINITY, 10.0), (1.0, 3.0), (2.0, 3.0), (5.0, 9.0)]);
        let native = Histogram::from_classic(&classic, Some(25.0), None).expect("consistent");
        assert_eq!(native.custom_bounds, [1.0, 2.0, 5.0]);
        assert_eq!(native.positive_buckets, [3.0, 6.0, 1.0]);
        assert_eq!((native.count, native.sum), (10.0, 25.0));
        let uppers: Vec<f64> = native.positive().map(|bucket| bucket.upper).collect();
        assert_eq!(uppers, [1.0, 5.0, f64::INFINITY]);
        assert_eq!(native.check(), Ok(()));
    }

    #[test]
    fn the_last_bucket_may_be_missing() {
        let classic = buckets(&[(1.0, 3.0)]);
        let native = Histogram::from_classic(&classic, None, Some(4.0)).expect("consistent");
        assert_eq!(native.positive_buckets, [3.0, 1.0]);
    }

    #[test]
    fn equal_bounds_are_one_bucket() {
        let classic = buckets(&[(0.2, 1.0), (0.2, 1.0), (f64::INFINITY, 4.0)]);
        let native = Histogram::from_classic(&classic, None, None).expect("consistent");
        assert_eq!(
            (native.custom_bounds, native.positive_buckets),
            (vec![0.2], vec![1.0, 3.0])
        );
    }

    #[test]
    fn what_is_no_histogram_is_refused() {
        assert_eq!(
            Histogram::from_classic(&buckets(&[(1.0, 3.0), (2.0, 2.0)]), None, None),
            None
        );
        assert_eq!(
            Histogram::from_classic(&buckets(&[(f64::NAN, 3.0)]), None, None),
            None
        );
    }
}
