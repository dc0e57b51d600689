use std::sync::Arc;

use portique_series::{CounterReset, Histogram, Span};

use crate::Error;
use crate::native::{Part, Parts};
use crate::rejection::Bad;
use crate::wire::{Message, Writer};

/// Where floats stop telling whole numbers apart.
const WHOLE_MAX: f64 = (1_u64 << 53) as f64;

/// A native histogram of either version.
pub(super) struct Sample {
    pub(super) timestamp_ms: i64,
    /// 0 when it is not known.
    pub(super) start_ms: i64,
    pub(super) histogram: Result<Arc<Histogram>, Bad>,
}

/// Reads one; the versions differ in the start only, which the first does not have.
pub(super) fn read(mut message: Message<'_>) -> Result<Sample, Error> {
    let (mut timestamp_ms, mut start_ms) = (0, 0);
    let mut parts = Parts::default();
    while let Some((number, field)) = message.next()? {
        match number {
            15 => timestamp_ms = field.int(),
            17 => start_ms = field.int(),
            _ => {
                if let Some(part) = part(number) {
                    parts.take(part, field, &message)?;
                }
            }
        }
    }
    Ok(Sample {
        timestamp_ms,
        start_ms,
        histogram: parts.finish(),
    })
}

fn part(number: u32) -> Option<Part> {
    Some(match number {
        1 => Part::Count,
        2 => Part::CountFloat,
        3 => Part::Sum,
        4 => Part::Schema,
        5 => Part::ZeroThreshold,
        6 => Part::ZeroCount,
        7 => Part::ZeroCountFloat,
        8 => Part::NegativeSpan,
        9 => Part::NegativeDeltas,
        10 => Part::NegativeCounts,
        11 => Part::PositiveSpan,
        12 => Part::PositiveDeltas,
        13 => Part::PositiveCounts,
        14 => Part::ResetHint,
        16 => Part::CustomBounds,
        _ => return None,
    })
}

/// Writes one. Counts that are whole numbers and add up go as integers, which is what they were when a client
/// counted them; 2^53 is the last whole number that a float tells from its neighbours.
pub(super) fn write(out: &mut Writer, histogram: &Histogram, timestamp_ms: i64, start_ms: i64) {
    let is_integer = is_integer(histogram);
    match is_integer {
        true => out.uint_always(1, histogram.count as u64),
        false => out.double_always(2, histogram.count),
    }
    out.double(3, histogram.sum);
    out.sint32(4, histogram.schema);
    out.double(5, histogram.zero_threshold);
    match is_integer {
        true => out.uint_always(6, histogram.zero_count as u64),
        false => out.double_always(7, histogram.zero_count),
    }
    side(
        out,
        8,
        is_integer,
        &histogram.negative_spans,
        &histogram.negative_buckets,
    );
    side(
        out,
        11,
        is_integer,
        &histogram.positive_spans,
        &histogram.positive_buckets,
    );
    let hint = match histogram.counter_reset {
        CounterReset::Unknown => 0,
        CounterReset::Reset => 1,
        CounterReset::NotReset => 2,
        CounterReset::Gauge => 3,
    };
    out.uint(14, hint);
    out.int(15, timestamp_ms);
    out.doubles(16, &histogram.custom_bounds);
    out.int(17, start_ms);
}

/// Spans have the number `first`, deltas the next, counts the one after.
fn side(out: &mut Writer, first: u32, is_integer: bool, spans: &[Span], buckets: &[f64]) {
    for span in spans {
        out.message(first, |out| {
            out.sint32(1, span.offset);
            out.uint(2, u64::from(span.length));
        });
    }
    if buckets.is_empty() {
        return;
    }
    if !is_integer {
        out.doubles(first + 2, buckets);
        return;
    }
    let mut before = 0;
    let deltas = buckets.iter().map(|count| {
        let count = *count as i64;
        zigzag(count - std::mem::replace(&mut before, count))
    });
    out.varints(first + 1, deltas);
}

fn is_integer(histogram: &Histogram) -> bool {
    let buckets = histogram.positive_buckets.iter();
    let buckets = buckets.chain(&histogram.negative_buckets).copied();
    let is_whole = |count: f64| count >= 0.0 && count.fract() == 0.0 && count < WHOLE_MAX;
    let mut all = buckets
        .clone()
        .chain([histogram.count, histogram.zero_count]);
    let total = buckets.sum::<f64>() + histogram.zero_count;
    let adds_up = match histogram.sum.is_nan() {
        true => total <= histogram.count,
        false => total == histogram.count,
    };
    adds_up && all.all(is_whole)
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}
