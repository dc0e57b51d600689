//! Quantiles and fractions of the observations.

use super::{Bucket, Histogram};

/// What a reader of a quantile should be told about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuantileNote {
    /// NaN was observed and the quantile is among those observations.
    NanResult,
    /// NaN was observed; such observations count as higher than all others.
    NanSkew,
}

/// What a reader of a fraction should be told about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FractionNote {
    /// NaN was observed; such observations are in no fraction.
    NanExcluded,
}

impl Histogram {
    /// The value that a share `q` of the observations does not exceed, estimated within its bucket: on a logarithmic
    /// scale for exponential buckets, on a linear one for the zero bucket and custom buckets.
    ///
    /// −Inf below 0, +Inf above 1, NaN for NaN and for a histogram without observations.
    pub fn quantile(&self, q: f64) -> (f64, Option<QuantileNote>) {
        if q < 0.0 {
            return (f64::NEG_INFINITY, None);
        }
        if q > 1.0 {
            return (f64::INFINITY, None);
        }
        if q.is_nan() || self.count == 0.0 {
            return (f64::NAN, None);
        }
        // NaN observations are in the count but in no bucket: ranks hold only when counted from below.
        let from_below = self.sum.is_nan() || q < 0.5;
        let mut buckets = self.buckets();
        let mut rank = (1.0 - q) * self.count;
        if from_below {
            rank = q * self.count;
        } else {
            buckets.reverse();
        }
        let reached = reach(&buckets, rank);
        let bucket = match self.narrowed(reached.bucket) {
            Place::Bucket(bucket) => bucket,
            Place::Value(value) => return (value, None),
        };
        let count = reached.count.min(self.count);
        if count < rank {
            return match self.sum.is_nan() {
                true => (f64::NAN, Some(QuantileNote::NanResult)),
                false => (bucket.upper, None),
            };
        }
        let into_bucket = match from_below {
            true => rank - (count - bucket.count),
            false => count - rank,
        };
        let beyond: f64 = reached.rest.iter().map(|bucket| bucket.count).sum();
        let skewed = self.sum.is_nan() && count + beyond < self.count;
        let note = skewed.then_some(QuantileNote::NanSkew);
        (self.interpolate(bucket, into_bucket / bucket.count), note)
    }

    /// The share of the observations between two values, estimated as [`quantile`](Self::quantile) does.
    ///
    /// NaN when a value is NaN or nothing was observed, 0 when `lower` is not below `upper`.
    pub fn fraction(&self, lower: f64, upper: f64) -> (f64, Option<FractionNote>) {
        if self.count == 0.0 || lower.is_nan() || upper.is_nan() {
            return (f64::NAN, None);
        }
        if lower >= upper {
            return (0.0, None);
        }
        let buckets = self.buckets();
        let mut count = self.count;
        let mut note = None;
        if self.sum.is_nan() {
            count = buckets.iter().map(|bucket| bucket.count).sum();
            note = (count < self.count).then_some(FractionNote::NanExcluded);
        }
        let rank = |value| {
            self.rank(&buckets, value)
                .map_or(count, |rank| rank.min(count))
        };
        let between = rank(upper) - rank(lower);
        (between / self.count, note)
    }

    /// How many observations are below a value; `None` above all buckets.
    fn rank(&self, buckets: &[Bucket], value: f64) -> Option<f64> {
        let mut below = 0.0;
        for bucket in buckets {
            let bucket = self.biased(*bucket);
            if bucket.lower >= value {
                return Some(below);
            }
            if bucket.upper > value {
                return Some(match bucket.lower {
                    // How observations spread towards −Inf is not known: the bucket counts as a whole.
                    f64::NEG_INFINITY => bucket.count,
                    _ => below + bucket.count * self.share_below(bucket, value),
                });
            }
            below += bucket.count;
        }
        None
    }

    fn share_below(&self, bucket: Bucket, value: f64) -> f64 {
        if self.is_linear(bucket) {
            return (value - bucket.lower) / (bucket.upper - bucket.lower);
        }
        let (lower, upper) = (bucket.lower.abs().log2(), bucket.upper.abs().log2());
        (value.abs().log2() - lower) / (upper - lower)
    }

    fn interpolate(&self, bucket: Bucket, share: f64) -> f64 {
        if self.is_linear(bucket) {
            return bucket.lower + (bucket.upper - bucket.lower) * share;
        }
        let (lower, upper) = (bucket.lower.abs().log2(), bucket.upper.abs().log2());
        let value = (lower + (upper - lower) * share).exp2();
        value.copysign(bucket.lower)
    }

    fn is_linear(&self, bucket: Bucket) -> bool {
        self.uses_custom_bounds() || (bucket.lower <= 0.0 && bucket.upper >= 0.0)
    }

    /// The bucket with the part of it where observations can be, or the value that stands for all of it.
    fn narrowed(&self, bucket: Bucket) -> Place {
        if self.uses_custom_bounds() {
            if bucket.lower == f64::NEG_INFINITY && bucket.upper <= 0.0 {
                return Place::Value(bucket.upper);
            }
            if bucket.lower != f64::NEG_INFINITY && bucket.upper == f64::INFINITY {
                return Place::Value(bucket.lower);
            }
        }
        Place::Bucket(self.biased(bucket))
    }

    /// Without negative buckets the zero bucket is taken for positive, and the other way round; a custom bucket
    /// without a lower bound is taken to begin at 0 when it ends above that.
    fn biased(&self, mut bucket: Bucket) -> Bucket {
        if self.uses_custom_bounds() {
            if bucket.lower == f64::NEG_INFINITY && bucket.upper > 0.0 {
                bucket.lower = 0.0;
            }
            return bucket;
        }
        if bucket.lower > 0.0 || bucket.upper < 0.0 {
            return bucket;
        }
        match (
            self.negative_buckets.is_empty(),
            self.positive_buckets.is_empty(),
        ) {
            (true, false) => bucket.lower = 0.0,
            (false, true) => bucket.upper = 0.0,
            _ => {}
        }
        bucket
    }
}

enum Place {
    Bucket(Bucket),
    Value(f64),
}

struct Reached<'a> {
    bucket: Bucket,
    /// Observations up to and with the bucket.
    count: f64,
    rest: &'a [Bucket],
}

/// The first bucket with which as many observations as `rank` are reached, or the last.
fn reach(buckets: &[Bucket], rank: f64) -> Reached<'_> {
    let mut reached = Reached {
        bucket: Bucket {
            lower: 0.0,
            upper: 0.0,
            lower_inclusive: true,
            upper_inclusive: true,
            count: 0.0,
        },
        count: 0.0,
        rest: &[],
    };
    for (index, bucket) in buckets.iter().enumerate() {
        reached.bucket = *bucket;
        reached.rest = &buckets[index + 1..];
        if bucket.count == 0.0 {
            continue;
        }
        reached.count += bucket.count;
        if reached.count >= rank {
            break;
        }
    }
    reached
}
