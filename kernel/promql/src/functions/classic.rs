//! Quantiles and fractions of classic histograms: cumulative counts by upper bound.

/// Counts that differ by less than this share of their sum are taken to be equal: floating-point noise.
const NOISE: f64 = 1e-12;

/// One bucket at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bucket {
    pub(super) upper: f64,
    /// Observations up to and with the bound.
    pub(super) count: f64,
}

/// What was set right in counts that fell with the bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Forced {
    pub(super) bucket_min: f64,
    pub(super) bucket_max: f64,
    pub(super) difference_max: f64,
}

/// The bound in an `le` label.
pub(super) fn bound(label: &str) -> Option<f64> {
    label.parse().ok()
}

/// The value that a share `q` of the observations does not exceed, on a straight line within its bucket. `buckets`
/// ascend by bound.
///
/// NaN without observations, with fewer than two buckets, and when the last bound is not +Inf.
pub(super) fn quantile(q: f64, buckets: &mut Vec<Bucket>) -> (f64, Option<Forced>) {
    if q.is_nan() {
        return (f64::NAN, None);
    }
    if !(0.0..=1.0).contains(&q) {
        return (f64::INFINITY.copysign(q), None);
    }
    join_equal(buckets);
    if !is_complete(buckets) {
        return (f64::NAN, None);
    }
    let forced = make_monotonic(buckets);
    let last = buckets.len() - 1;
    let observations = buckets[last].count;
    if last == 0 || observations == 0.0 || observations.is_nan() {
        return (f64::NAN, None);
    }
    let rank = q * observations;
    let found = buckets[..last].partition_point(|bucket| bucket.count < rank);
    let upper = buckets[found].upper;
    if found == last {
        return (buckets[last - 1].upper, forced);
    }
    if found == 0 && upper <= 0.0 {
        return (upper, forced);
    }
    let below = found.checked_sub(1).map_or(
        Bucket {
            upper: 0.0,
            count: 0.0,
        },
        |i| buckets[i],
    );
    let share = (rank - below.count) / (buckets[found].count - below.count);
    (below.upper + (upper - below.upper) * share, forced)
}

/// The share of the observations between two values, on straight lines within buckets, which ascend by bound.
///
/// NaN without observations, when a value is NaN, and when the last bound is not +Inf.
pub(super) fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    join_equal(buckets);
    let observations = buckets.last().map_or(0.0, |bucket| bucket.count);
    let known = observations != 0.0 && !lower.is_nan() && !upper.is_nan();
    if !is_complete(buckets) || !known {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let rank = |value| rank(buckets, value).map_or(observations, |rank| rank.min(observations));
    (rank(upper) - rank(lower)) / observations
}

/// How many observations are below a value; `None` above all buckets.
fn rank(buckets: &[Bucket], value: f64) -> Option<f64> {
    let mut below = Bucket {
        upper: match buckets.first() {
            Some(first) if first.upper <= 0.0 => f64::NEG_INFINITY,
            _ => 0.0,
        },
        count: 0.0,
    };
    for bucket in buckets {
        if below.upper >= value {
            return Some(below.count);
        }
        if bucket.upper > value {
            let share = (value - below.upper) / (bucket.upper - below.upper);
            return Some(match below.upper {
                // How observations spread towards −Inf is not known: the bucket counts as a whole.
                f64::NEG_INFINITY => bucket.count,
                _ => below.count + (bucket.count - below.count) * share,
            });
        }
        below = *bucket;
    }
    None
}

fn is_complete(buckets: &[Bucket]) -> bool {
    buckets
        .last()
        .is_some_and(|bucket| bucket.upper == f64::INFINITY)
}

/// Adds up buckets with the same bound: `1` and `1.0` are different labels.
fn join_equal(buckets: &mut Vec<Bucket>) {
    buckets.dedup_by(|later, earlier| {
        let same = later.upper == earlier.upper;
        if same {
            earlier.count += later.count;
        }
        same
    });
}

/// Lifts counts that are below that of a smaller bound. A difference that is only noise is levelled silently.
fn make_monotonic(buckets: &mut [Bucket]) -> Option<Forced> {
    let mut forced: Option<Forced> = None;
    let mut reached = buckets.first()?.count;
    for bucket in &mut buckets[1..] {
        if bucket.count > reached && !is_noise(bucket.count, reached) {
            reached = bucket.count;
            continue;
        }
        let difference = reached - bucket.count;
        let fell = bucket.count < reached && !is_noise(bucket.count, reached);
        bucket.count = reached;
        if fell {
            let before = forced.unwrap_or(Forced {
                bucket_min: bucket.upper,
                bucket_max: bucket.upper,
                difference_max: difference,
            });
            forced = Some(Forced {
                bucket_max: bucket.upper,
                difference_max: before.difference_max.max(difference),
                ..before
            });
        }
    }
    forced
}

fn is_noise(one: f64, other: f64) -> bool {
    let (difference, sum) = ((one - other).abs(), one.abs() + other.abs());
    if one == 0.0 || other == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < NOISE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < NOISE
}

#[cfg(test)]
mod tests {
    use super::{Bucket, fraction, quantile};

    const INF: f64 = f64::INFINITY;

    fn buckets(pairs: &[(f64, f64)]) -> Vec<Bucket> {
        let bucket = |(upper, count): &(f64, f64)| Bucket {
            upper: *upper,
            count: *count,
        };
        pairs.iter().map(bucket).collect()
    }

    #[test]
    fn quantiles_lie_on_a_line_within_their_bucket() {
        let plain = [(1.0, 2.0), (3.0, 6.0), (INF, 8.0)];
        let cases = [
            (0.0, 0.0),
            (0.125, 0.5),
            (0.5, 2.0),
            (0.75, 3.0),
            (0.9, 3.0),
            (-1.0, -INF),
            (2.0, INF),
        ];
        for (q, wanted) in cases {
            assert_eq!(quantile(q, &mut buckets(&plain)).0, wanted, "{q}");
        }
        let negative = [(-1.0, 2.0), (0.0, 4.0), (INF, 4.0)];
        assert_eq!(quantile(0.25, &mut buckets(&negative)).0, -1.0);
        assert_eq!(quantile(0.75, &mut buckets(&negative)).0, -0.5);
    }

    #[test]
    fn what_is_no_histogram_has_no_quantile() {
        for bad in [
            &[(1.0, 2.0)][..],
            &[(INF, 2.0)],
            &[(1.0, 0.0), (INF, 0.0)],
            &[],
        ] {
            assert!(quantile(0.5, &mut buckets(bad)).0.is_nan(), "{bad:?}");
        }
    }

    #[test]
    fn falling_counts_are_lifted_and_told_unless_they_are_noise() {
        let falling = [(1.0, 4.0), (2.0, 2.0), (3.0, 3.0), (INF, 8.0)];
        let (value, forced) = quantile(0.5, &mut buckets(&falling));
        let forced = forced.expect("counts fell");
        assert_eq!(value, 1.0);
        assert_eq!((forced.bucket_min, forced.bucket_max), (2.0, 3.0));
        assert_eq!(forced.difference_max, 2.0);
        let noise = [(1.0, 4.0), (2.0, 4.0 - 1e-14), (INF, 8.0)];
        assert_eq!(quantile(0.5, &mut buckets(&noise)).1, None);
    }

    #[test]
    fn equal_bounds_are_added_up() {
        let twice = [(1.0, 1.0), (1.0, 1.0), (INF, 4.0)];
        assert_eq!(quantile(0.5, &mut buckets(&twice)).0, 1.0);
    }

    #[test]
    fn fractions_undo_quantiles() {
        let plain = [(1.0, 2.0), (3.0, 6.0), (INF, 8.0)];
        assert_eq!(fraction(-INF, 2.0, &mut buckets(&plain)), 0.5);
        assert_eq!(fraction(0.5, 3.0, &mut buckets(&plain)), 0.625);
        assert_eq!(fraction(-INF, INF, &mut buckets(&plain)), 1.0);
        assert_eq!(fraction(2.0, 1.0, &mut buckets(&plain)), 0.0);
        assert!(fraction(f64::NAN, 1.0, &mut buckets(&plain)).is_nan());
    }
}
