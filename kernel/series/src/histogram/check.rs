//! What a histogram from outside must be like.

use portique_fault::{Code, Fault};

use super::{Histogram, SCHEMA_CUSTOM, SCHEMA_MAX, SCHEMA_MIN, Span};

/// Most buckets of one histogram, and most custom bounds: a hundred times what clients send by default (160), and
/// 128 KiB of counts. More is a defect or an attack.
pub const BUCKETS_MAX: usize = 16_384;

/// Largest bucket index, either way: at the finest schema everything an `f64` can hold lies within 2^19 buckets of 1.
const INDEX_MAX: i64 = 1 << 20;

/// Why a histogram is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BadHistogram {
    /// The schema is none that exists.
    #[error("schema {schema} is neither between {SCHEMA_MIN} and {SCHEMA_MAX} nor {SCHEMA_CUSTOM}")]
    UnknownSchema {
        /// As received.
        schema: i32,
    },
    /// More buckets or bounds than [`BUCKETS_MAX`].
    #[error("{buckets} buckets where {BUCKETS_MAX} are allowed")]
    TooManyBuckets {
        /// As received.
        buckets: u64,
    },
    /// Spans and counts do not go together.
    #[error("spans hold {spanned} {side} buckets, but there are {counted} counts")]
    CountsMismatch {
        /// `positive` or `negative`.
        side: &'static str,
        /// Sum of the spans' lengths.
        spanned: u64,
        /// Number of counts.
        counted: usize,
    },
    /// A span that is not the first begins before the one before it ended, or lies too far out.
    #[error("{side} span {span} with offset {offset} is out of order or out of range")]
    SpanPlace {
        /// `positive` or `negative`.
        side: &'static str,
        /// Which span, counted from 0.
        span: usize,
        /// As received.
        offset: i32,
    },
    /// A count is negative or not a number.
    #[error("{part} is {count}, but counts are not negative")]
    BadCount {
        /// Which count.
        part: &'static str,
        /// As received.
        count: f64,
    },
    /// The zero threshold is negative, infinite or not a number.
    #[error("zero threshold {threshold} is not a finite number of at least 0")]
    BadZeroThreshold {
        /// As received.
        threshold: f64,
    },
    /// Custom bounds do not ascend, or hold NaN or +Inf.
    #[error("custom bound {bound} is not above the one before it, or not below +Inf")]
    BadBound {
        /// The first that is wrong.
        bound: f64,
    },
    /// A histogram with custom bounds has a bucket beyond them, negative buckets or a zero bucket; or one with an
    /// exponential schema has custom bounds.
    #[error("schema {schema} does not go with {found}")]
    NotOfSchema {
        /// As received.
        schema: i32,
        /// What should not be there.
        found: &'static str,
    },
}

impl Fault for BadHistogram {
    fn code(&self) -> Code {
        Code::InvalidArgument
    }
}

impl Histogram {
    /// Whether a histogram from outside may be stored: its layout is consistent and bounded, its counts are not
    /// negative. That the total count covers the buckets is not asked: float histograms need not.
    ///
    /// # Errors
    /// With the first defect found.
    pub fn check(&self) -> Result<(), BadHistogram> {
        let bounds = self.custom_bounds.len();
        let buckets = self
            .positive_buckets
            .len()
            .max(self.negative_buckets.len())
            .max(bounds);
        if buckets > BUCKETS_MAX {
            return Err(BadHistogram::TooManyBuckets {
                buckets: buckets as u64,
            });
        }
        if self.uses_custom_bounds() {
            self.check_custom()?;
        } else {
            self.check_exponential()?;
        }
        check_spans(
            "positive",
            &self.positive_spans,
            self.positive_buckets.len(),
        )?;
        check_spans(
            "negative",
            &self.negative_spans,
            self.negative_buckets.len(),
        )?;
        self.check_counts()
    }

    fn check_exponential(&self) -> Result<(), BadHistogram> {
        let schema = self.schema;
        if !(SCHEMA_MIN..=SCHEMA_MAX).contains(&schema) {
            return Err(BadHistogram::UnknownSchema { schema });
        }
        if !self.custom_bounds.is_empty() {
            let found = "custom bounds";
            return Err(BadHistogram::NotOfSchema { schema, found });
        }
        let threshold = self.zero_threshold;
        if !(threshold.is_finite() && threshold >= 0.0) {
            return Err(BadHistogram::BadZeroThreshold { threshold });
        }
        Ok(())
    }

    fn check_custom(&self) -> Result<(), BadHistogram> {
        let schema = self.schema;
        let bounds = &self.custom_bounds;
        let spanned: i64 = self.positive_spans.iter().map(reach).sum();
        let found = if !self.negative_spans.is_empty() || !self.negative_buckets.is_empty() {
            "negative buckets"
        } else if self.zero_count != 0.0 || self.zero_threshold != 0.0 {
            "a zero bucket"
        } else if spanned > bounds.len() as i64 + 1 {
            "a bucket beyond the custom bounds"
        } else if self
            .positive_spans
            .first()
            .is_some_and(|span| span.offset < 0)
        {
            "a bucket before the custom bounds"
        } else {
            return check_bounds(bounds);
        };
        Err(BadHistogram::NotOfSchema { schema, found })
    }

    fn check_counts(&self) -> Result<(), BadHistogram> {
        let whole = [
            ("the zero count", self.zero_count),
            ("the total count", self.count),
        ];
        let positive = self
            .positive_buckets
            .iter()
            .map(|count| ("a positive bucket", *count));
        let negative = self
            .negative_buckets
            .iter()
            .map(|count| ("a negative bucket", *count));
        let mut all = whole.into_iter().chain(positive).chain(negative);
        match all.find(|(_, count)| count.is_nan() || *count < 0.0) {
            Some((part, count)) => Err(BadHistogram::BadCount { part, count }),
            None => Ok(()),
        }
    }
}

fn check_bounds(bounds: &[f64]) -> Result<(), BadHistogram> {
    let mut before = f64::NEG_INFINITY;
    for (index, bound) in bounds.iter().enumerate() {
        let ascends = *bound > before || (index == 0 && *bound == before);
        if !ascends || *bound == f64::INFINITY {
            return Err(BadHistogram::BadBound { bound: *bound });
        }
        before = *bound;
    }
    Ok(())
}

fn check_spans(side: &'static str, spans: &[Span], counted: usize) -> Result<(), BadHistogram> {
    let mut end = 0_i64;
    for (span, found) in spans.iter().enumerate() {
        let begin = end + i64::from(found.offset);
        end += reach(found);
        if (span > 0 && found.offset < 0) || begin < -INDEX_MAX || end > INDEX_MAX {
            let offset = found.offset;
            return Err(BadHistogram::SpanPlace { side, span, offset });
        }
    }
    let spanned = spans.iter().map(|span| u64::from(span.length)).sum();
    if spanned != counted as u64 {
        return Err(BadHistogram::CountsMismatch {
            side,
            spanned,
            counted,
        });
    }
    Ok(())
}

fn reach(span: &Span) -> i64 {
    i64::from(span.offset) + i64::from(span.length)
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS_MAX, BadHistogram};
    use crate::{Histogram, Span};

    fn span(offset: i32, length: u32) -> Span {
        Span { offset, length }
    }

    fn good() -> Histogram {
        Histogram {
            positive_spans: vec![span(-3, 1), span(2, 2)],
            positive_buckets: vec![1.0, 0.0, 2.0],
            count: 3.0,
            ..Histogram::default()
        }
    }

    fn good_custom() -> Histogram {
        Histogram {
            schema: -53,
            positive_spans: vec![span(0, 3)],
            positive_buckets: vec![1.0, 2.0, 3.0],
            custom_bounds: vec![1.0, 2.0],
            ..Histogram::default()
        }
    }

    #[track_caller]
    fn refused(change: impl Fn(&mut Histogram), message: &str) {
        let mut histogram = good();
        change(&mut histogram);
        assert_eq!(histogram.check().expect_err("refused").to_string(), message);
    }

    #[test]
    fn consistent_histograms_pass() {
        assert_eq!(good().check(), Ok(()));
        assert_eq!(good_custom().check(), Ok(()));
        assert_eq!(Histogram::default().check(), Ok(()));
    }

    #[test]
    fn hostile_layouts_are_named() {
        refused(
            |h| h.positive_spans[1].length = u32::MAX,
            "positive span 1 with offset 2 is out of order or out of range",
        );
        refused(
            |h| h.positive_spans[1].offset = -1,
            "positive span 1 with offset -1 is out of order or out of range",
        );
        refused(
            |h| h.positive_spans[0].offset = i32::MIN,
            "positive span 0 with offset -2147483648 is out of order or out of range",
        );
        refused(
            |h| h.negative_buckets.push(1.0),
            "spans hold 0 negative buckets, but there are 1 counts",
        );
        refused(
            |h| h.positive_buckets = vec![1.0; BUCKETS_MAX + 1],
            "16385 buckets where 16384 are allowed",
        );
        refused(
            |h| h.schema = 9,
            "schema 9 is neither between -4 and 8 nor -53",
        );
    }

    #[test]
    fn impossible_counts_are_named() {
        refused(
            |h| h.positive_buckets[2] = -1.0,
            "a positive bucket is -1, but counts are not negative",
        );
        refused(
            |h| h.zero_count = f64::NAN,
            "the zero count is NaN, but counts are not negative",
        );
        refused(
            |h| h.zero_threshold = f64::NAN,
            "zero threshold NaN is not a finite number of at least 0",
        );
    }

    #[test]
    fn custom_bounds_must_ascend_and_hold_all_buckets() {
        let mut histogram = good_custom();
        histogram.custom_bounds = vec![2.0, 2.0];
        assert_eq!(
            histogram.check(),
            Err(BadHistogram::BadBound { bound: 2.0 })
        );
        histogram.custom_bounds = vec![2.0, f64::INFINITY];
        assert!(matches!(
            histogram.check(),
            Err(BadHistogram::BadBound { .. })
        ));
        histogram.custom_bounds = vec![2.0];
        let error = histogram.check().expect_err("a bucket too many");
        assert_eq!(
            error.to_string(),
            "schema -53 does not go with a bucket beyond the custom bounds"
        );
    }
}
