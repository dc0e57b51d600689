//! Native histograms as messages carry them: collected part by part, then checked as a whole.

use std::sync::Arc;

use portique_series::{CounterReset, Histogram, Span};

use crate::rejection::Bad;
use crate::wire::{Field, Message};
use crate::{Error, Reason};

/// Most buckets of one side: sixty times what a client library makes at its default.
pub(crate) const BUCKETS_MAX: usize = 10_000;
/// The schema of custom bounds.
pub(crate) const CUSTOM_SCHEMA: i32 = -53;
/// Schemas of exponential buckets.
const EXPONENTIAL: std::ops::RangeInclusive<i32> = -4..=8;

/// What a field of a histogram message says, whatever its number is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Count,
    CountFloat,
    Sum,
    Schema,
    ZeroThreshold,
    ZeroCount,
    ZeroCountFloat,
    NegativeSpan,
    NegativeDeltas,
    NegativeCounts,
    PositiveSpan,
    PositiveDeltas,
    PositiveCounts,
    ResetHint,
    CustomBounds,
}

/// The parts so far.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    count: f64,
    has_float_count: bool,
    sum: f64,
    schema: i32,
    zero_threshold: f64,
    zero_count: f64,
    negative: Side,
    positive: Side,
    reset_hint: u64,
    custom_bounds: Vec<f64>,
}

#[derive(Debug, Default)]
struct Side {
    spans: Vec<Span>,
    deltas: Vec<i64>,
    counts: Vec<f64>,
}

impl Parts {
    /// Takes a field; counts that were integers become floats, exact up to 2^53.
    pub(crate) fn take(
        &mut self,
        part: Part,
        field: Field<'_>,
        message: &Message<'_>,
    ) -> Result<(), Error> {
        match part {
            Part::Count => self.count = field.uint() as f64,
            Part::CountFloat => {
                self.count = field.double();
                self.has_float_count = true;
            }
            Part::Sum => self.sum = field.double(),
            Part::Schema => self.schema = field.sint32(),
            Part::ZeroThreshold => self.zero_threshold = field.double(),
            Part::ZeroCount => self.zero_count = field.uint() as f64,
            Part::ZeroCountFloat => self.zero_count = field.double(),
            Part::NegativeSpan => self.negative.spans.push(span(field, message)?),
            Part::NegativeDeltas => message.sint64s(field, &mut self.negative.deltas)?,
            Part::NegativeCounts => message.doubles(field, &mut self.negative.counts)?,
            Part::PositiveSpan => self.positive.spans.push(span(field, message)?),
            Part::PositiveDeltas => message.sint64s(field, &mut self.positive.deltas)?,
            Part::PositiveCounts => message.doubles(field, &mut self.positive.counts)?,
            Part::ResetHint => self.reset_hint = field.uint(),
            Part::CustomBounds => message.doubles(field, &mut self.custom_bounds)?,
        }
        Ok(())
    }

    /// Whether there is anything that only a native histogram has.
    pub(crate) fn is_native(&self) -> bool {
        !self.positive.spans.is_empty()
            || !self.negative.spans.is_empty()
            || self.zero_threshold != 0.0
            || self.zero_count != 0.0
            || self.schema != 0
    }

    /// The histogram, if its parts fit together.
    pub(crate) fn finish(self) -> Result<Arc<Histogram>, Bad> {
        let is_float = self.has_float_count;
        let histogram = Histogram {
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero_count,
            count: self.count,
            sum: self.sum,
            positive_buckets: self.positive.buckets(is_float, "positive")?,
            positive_spans: self.positive.spans,
            negative_buckets: self.negative.buckets(is_float, "negative")?,
            negative_spans: self.negative.spans,
            custom_bounds: self.custom_bounds,
            counter_reset: match self.reset_hint {
                1 => CounterReset::Reset,
                2 => CounterReset::NotReset,
                3 => CounterReset::Gauge,
                _ => CounterReset::Unknown,
            },
        };
        check(&histogram)?;
        if !is_float {
            check_total(&histogram)?;
        }
        Ok(Arc::new(histogram))
    }
}

fn span(field: Field<'_>, message: &Message<'_>) -> Result<Span, Error> {
    let mut span = Span {
        offset: 0,
        length: 0,
    };
    let mut fields = message.inner(field.bytes());
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => span.offset = field.sint32(),
            2 => span.length = field.uint32(),
            _ => {}
        }
    }
    Ok(span)
}

impl Side {
    fn buckets(&self, is_float: bool, side: &str) -> Result<Vec<f64>, Bad> {
        let (given, other) = match is_float {
            true => (self.counts.len(), self.deltas.len()),
            false => (self.deltas.len(), self.counts.len()),
        };
        if other > 0 {
            let right = "send deltas with integer counts, absolute counts with float counts";
            return Err(bad(format!("{side} buckets are of two kinds: {right}")));
        }
        let spanned: u64 = self.spans.iter().map(|span| u64::from(span.length)).sum();
        if spanned != given as u64 {
            let wrong = format!("{side} spans hold {spanned} buckets, but {given} came");
            return Err(bad(format!("{wrong}: send one count for each")));
        }
        if given > BUCKETS_MAX {
            let wrong = format!("{given} {side} buckets, at most {BUCKETS_MAX} are allowed");
            return Err(bad(format!("{wrong}: use a coarser schema")));
        }
        match is_float {
            true => Ok(self.counts.clone()),
            false => absolute(&self.deltas, side),
        }
    }
}

fn absolute(deltas: &[i64], side: &str) -> Result<Vec<f64>, Bad> {
    let mut count = 0_i64;
    let mut counts = Vec::with_capacity(deltas.len());
    for delta in deltas {
        count = count
            .checked_add(*delta)
            .filter(|count| *count >= 0)
            .ok_or_else(|| bad(format!("{side} deltas add up to less than nothing")))?;
        counts.push(count as f64);
    }
    Ok(counts)
}

/// Holds a histogram to what every query expects of one.
pub(crate) fn check(histogram: &Histogram) -> Result<(), Bad> {
    let counts = [histogram.count, histogram.zero_count];
    let buckets = histogram.positive_buckets.iter();
    let buckets = buckets.chain(&histogram.negative_buckets).copied();
    if counts.into_iter().chain(buckets).any(|count| count < 0.0) {
        return Err(bad("a count is below 0"));
    }
    if histogram.zero_threshold < 0.0 || histogram.zero_threshold.is_nan() {
        return Err(bad("the zero threshold is below 0 or no number"));
    }
    let positive = end_of(&histogram.positive_spans, "positive")?;
    end_of(&histogram.negative_spans, "negative")?;
    if histogram.schema == CUSTOM_SCHEMA {
        return check_custom(histogram, positive);
    }
    if !EXPONENTIAL.contains(&histogram.schema) {
        let schema = histogram.schema;
        let right = "use -4 to 8, or -53 for custom bounds";
        return Err(bad(format!("the schema {schema} is not known: {right}")));
    }
    if !histogram.custom_bounds.is_empty() {
        return Err(bad("custom bounds need the schema -53"));
    }
    Ok(())
}

/// The index after the last bucket, counted as spans do.
fn end_of(spans: &[Span], side: &str) -> Result<i64, Bad> {
    let mut end = 0;
    for (index, span) in spans.iter().enumerate() {
        if index > 0 && span.offset < 0 {
            let place = index + 1;
            return Err(bad(format!(
                "{side} span {place} begins before the last ended"
            )));
        }
        end += i64::from(span.offset) + i64::from(span.length);
        if i32::try_from(end).is_err() {
            return Err(bad(format!("{side} spans reach past bucket {}", i32::MAX)));
        }
    }
    Ok(end)
}

fn check_custom(histogram: &Histogram, end: i64) -> Result<(), Bad> {
    let bounds = &histogram.custom_bounds;
    if !bounds.is_sorted_by(|a, b| a < b) || bounds.iter().any(|bound| !bound.is_finite()) {
        return Err(bad("custom bounds have to ascend, and end before infinity"));
    }
    if bounds.len() > BUCKETS_MAX {
        let given = bounds.len();
        return Err(bad(format!(
            "{given} custom bounds, at most {BUCKETS_MAX} are allowed"
        )));
    }
    let below = histogram.positive_spans.first();
    if end > bounds.len() as i64 + 1 || below.is_some_and(|span| span.offset < 0) {
        return Err(bad("spans reach past the custom bounds"));
    }
    let has_negative = !histogram.negative_spans.is_empty();
    if histogram.zero_count != 0.0 || histogram.zero_threshold != 0.0 || has_negative {
        return Err(bad(
            "custom buckets have neither a zero bucket nor negative ones",
        ));
    }
    Ok(())
}

/// Integer counts add up, unless there were observations that fit no bucket.
fn check_total(histogram: &Histogram) -> Result<(), Bad> {
    let buckets = histogram.positive_buckets.iter();
    let buckets: f64 = buckets.chain(&histogram.negative_buckets).sum();
    let (buckets, count) = (buckets + histogram.zero_count, histogram.count);
    let fits = match histogram.sum.is_nan() {
        true => buckets <= count,
        false => buckets == count,
    };
    match fits {
        true => Ok(()),
        false => Err(bad(format!(
            "the buckets hold {buckets} observations, the count says {count}"
        ))),
    }
}

fn bad(detail: impl Into<String>) -> Bad {
    Bad::new(Reason::BadHistogram, detail)
}
