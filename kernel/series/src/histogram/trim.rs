//! Keeping the observations on one side of a value.

use super::{Bucket, Compensated, Histogram};

/// Which observations stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trim {
    /// Those below the value.
    Below,
    /// Those above the value.
    Above,
}

/// What stays of a bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Kept {
    count: f64,
    /// The value its observations are taken to have, for the new sum.
    middle: f64,
}

impl Histogram {
    /// Keeps the observations below or above a value. A bucket with the value inside is cut by interpolation, on a
    /// logarithmic scale for exponential buckets; one that reaches to infinity is dropped when where to cut is not
    /// known. When anything goes, the count becomes that of the buckets and the sum is estimated from their middles.
    pub fn trim(&mut self, trim: Trim, at: f64) {
        let linear = self.uses_custom_bounds();
        let side = |bucket: Bucket| trimmed(bucket, trim, at, linear);
        let positive: Vec<Kept> = self.positive().map(side).collect();
        let negative: Vec<Kept> = self.negative().map(side).collect();
        let zero = self.trimmed_zero(trim, at);
        let mut changed = replace(&mut self.positive_buckets, &positive);
        changed |= replace(&mut self.negative_buckets, &negative);
        if let Some(kept) = zero {
            changed |= self.zero_count != kept.count;
            self.zero_count = kept.count;
        }
        if !changed {
            return;
        }
        let (mut count, mut sum) = (Compensated::default(), Compensated::default());
        for kept in positive.iter().chain(&negative).chain(&zero) {
            if kept.count != 0.0 {
                count.add(kept.count);
                sum.add(kept.middle * kept.count);
            }
        }
        self.count = count.total();
        self.sum = sum.total();
        self.compact();
    }

    /// What stays of the zero bucket; `None` when it counts nothing. It is cut on a linear scale, and taken for
    /// positive or negative when all other observations are.
    fn trimmed_zero(&self, trim: Trim, at: f64) -> Option<Kept> {
        if self.zero_count <= 0.0 || self.zero_count.is_nan() {
            return None;
        }
        let mut bucket = self.zero_bucket();
        let positive = self.positive_buckets.iter().any(|count| *count != 0.0);
        let negative = self.negative_buckets.iter().any(|count| *count != 0.0);
        match (negative, positive) {
            (true, false) => bucket.upper = 0.0,
            (false, true) => bucket.lower = 0.0,
            _ => {}
        }
        let Bucket { lower, upper, .. } = bucket;
        let nothing = match trim {
            Trim::Below => at <= lower,
            Trim::Above => at >= upper && at > lower,
        };
        if nothing {
            return Some(Kept::NOTHING);
        }
        let (from, to) = match trim {
            Trim::Below => (lower, at.min(upper)),
            Trim::Above => (at.max(lower), upper),
        };
        let share = match from <= lower && to >= upper {
            true => 1.0,
            false => (to - from) / (upper - lower),
        };
        Some(Kept {
            count: bucket.count * share,
            middle: f64::midpoint(from, to),
        })
    }
}

impl Kept {
    const NOTHING: Self = Self {
        count: 0.0,
        middle: 0.0,
    };
}

/// Puts the counts that stay in place of the old ones; whether any differs.
fn replace(counts: &mut [f64], kept: &[Kept]) -> bool {
    let mut changed = false;
    for (count, kept) in counts.iter_mut().zip(kept) {
        changed |= *count != kept.count;
        *count = kept.count;
    }
    changed
}

fn trimmed(bucket: Bucket, trim: Trim, at: f64, linear: bool) -> Kept {
    let Bucket { lower, upper, .. } = bucket;
    let (whole, cut) = match trim {
        Trim::Below => (upper <= at, lower < at),
        Trim::Above => (lower >= at, upper > at),
    };
    if bucket.count == 0.0 || !(whole || cut) {
        return Kept::NOTHING;
    }
    if whole {
        let middle = middle(lower, upper, linear);
        let count = bucket.count;
        return Kept { count, middle };
    }
    if lower.is_infinite() || upper.is_infinite() {
        return trimmed_endless(bucket, trim, at);
    }
    let below = bucket.count * share_below(bucket, at, linear);
    match trim {
        Trim::Below => Kept {
            count: below,
            middle: middle(lower, at, linear),
        },
        Trim::Above => Kept {
            count: bucket.count - below,
            middle: middle(at, upper, linear),
        },
    }
}

/// A bucket without a lower or an upper end, with the value inside. One that begins at −Inf and ends above 0 is taken
/// to begin at 0, as a classic histogram's first bucket is.
fn trimmed_endless(bucket: Bucket, trim: Trim, at: f64) -> Kept {
    let Bucket {
        lower,
        upper,
        count,
        ..
    } = bucket;
    if lower == f64::NEG_INFINITY {
        let from_zero = upper > 0.0 && upper.is_finite();
        return match trim {
            Trim::Below if from_zero && at > 0.0 => Kept {
                count: count * at / upper,
                middle: at / 2.0,
            },
            Trim::Below if upper <= 0.0 => Kept { count, middle: at },
            Trim::Above if from_zero && at >= 0.0 => Kept {
                count: count * (1.0 - at / upper),
                middle: f64::midpoint(at, upper),
            },
            _ => Kept::NOTHING,
        };
    }
    match trim {
        Trim::Below => Kept::NOTHING,
        Trim::Above => Kept { count, middle: at },
    }
}

fn share_below(bucket: Bucket, at: f64, linear: bool) -> f64 {
    if linear {
        return (at - bucket.lower) / (bucket.upper - bucket.lower);
    }
    let (lower, upper) = (bucket.lower.abs().log2(), bucket.upper.abs().log2());
    (at.abs().log2() - lower) / (upper - lower)
}

/// What observations between two bounds of the same sign are taken to be.
fn middle(lower: f64, upper: f64, linear: bool) -> f64 {
    match (lower.is_infinite(), upper.is_infinite()) {
        (true, true) => 0.0,
        (true, false) if upper > 0.0 => upper / 2.0,
        (true, false) => upper,
        (false, true) => lower,
        (false, false) if linear => f64::midpoint(lower, upper),
        (false, false) => (lower * upper).abs().sqrt().copysign(upper),
    }
}
