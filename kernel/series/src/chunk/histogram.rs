//! One histogram against the histogram before it.

use super::bytes::{ByteReader, Damage, put_varint, put_zigzag};
use super::value::{CLASSES, SAME, ValueState};
use crate::{CounterReset, Histogram, Span};

/// Counts of one sign; a histogram of real life has a few hundred at most.
const BUCKETS_MAX: usize = 16_384;
const SPANS_MAX: usize = 4_096;
const BOUNDS_MAX: usize = 16_384;

const NEW_LAYOUT: u8 = 4;
const NUMBER: u8 = 64;
const RUN_MAX: u8 = 63;

/// Count, sum and zero count come before the counts of buckets.
const SUMS: usize = 3;

/// Whether the buckets are where they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Same,
    New,
}

impl Layout {
    pub(super) fn compare(last: Option<&Histogram>, next: &Histogram) -> Self {
        let Some(last) = last else {
            return Self::New;
        };
        let is_same = last.schema == next.schema
            && last.zero_threshold.to_bits() == next.zero_threshold.to_bits()
            && last.positive_spans == next.positive_spans
            && last.negative_spans == next.negative_spans
            && last.positive_buckets.len() == next.positive_buckets.len()
            && last.negative_buckets.len() == next.negative_buckets.len()
            && same_bits(&last.custom_bounds, &next.custom_bounds);
        match is_same {
            true => Self::Same,
            false => Self::New,
        }
    }
}

pub(super) fn is_within_limits(histogram: &Histogram) -> bool {
    histogram.positive_buckets.len() <= BUCKETS_MAX
        && histogram.negative_buckets.len() <= BUCKETS_MAX
        && histogram.positive_spans.len() <= SPANS_MAX
        && histogram.negative_spans.len() <= SPANS_MAX
        && histogram.custom_bounds.len() <= BOUNDS_MAX
}

/// Whether histograms of one layout have the same numbers, bit by bit.
pub(super) fn is_same(a: &Histogram, b: &Histogram) -> bool {
    a.counter_reset == b.counter_reset
        && same_bits(&sums(a), &sums(b))
        && same_bits(&a.positive_buckets, &b.positive_buckets)
        && same_bits(&a.negative_buckets, &b.negative_buckets)
}

fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

fn sums(histogram: &Histogram) -> [f64; SUMS] {
    [histogram.count, histogram.sum, histogram.zero_count]
}

/// The class that a step carries.
pub(super) fn class(histogram: &Histogram, layout: Layout) -> u8 {
    let reset = match histogram.counter_reset {
        CounterReset::Unknown => 0,
        CounterReset::Reset => 1,
        CounterReset::NotReset => 2,
        CounterReset::Gauge => 3,
    };
    match layout {
        Layout::Same => reset,
        Layout::New => reset | NEW_LAYOUT,
    }
}

pub(super) fn put(into: &mut Vec<u8>, last: Option<&Histogram>, next: &Histogram, layout: Layout) {
    if layout == Layout::New {
        put_layout(into, next);
    }
    let before = numbers(last, layout, next);
    let now = sums(next);
    let now = now
        .iter()
        .chain(&next.positive_buckets)
        .chain(&next.negative_buckets);
    let mut run = 0u8;
    for (before, now) in before.zip(now) {
        let coded = ValueState::after(before.to_bits()).code(*now, false);
        if coded.class == SAME {
            if run > RUN_MAX {
                into.push(RUN_MAX);
                run = 0;
            }
            run += 1;
            continue;
        }
        put_run(into, &mut run);
        into.push(NUMBER + coded.class);
        coded.put(into);
    }
    put_run(into, &mut run);
}

fn put_run(into: &mut Vec<u8>, run: &mut u8) {
    if *run > 0 {
        into.push(*run - 1);
    }
    *run = 0;
}

/// The numbers that those of the next histogram are coded against; it is endless.
fn numbers<'a>(
    last: Option<&'a Histogram>,
    layout: Layout,
    next: &'a Histogram,
) -> impl Iterator<Item = f64> + 'a {
    let sums = last.map(sums).unwrap_or_default();
    let (positive, negative) = match (last, layout) {
        (Some(last), Layout::Same) => (&last.positive_buckets[..], &last.negative_buckets[..]),
        _ => (&[][..], &[][..]),
    };
    debug_assert!(positive.is_empty() || positive.len() == next.positive_buckets.len());
    let counts = positive.iter().chain(negative).copied();
    sums.into_iter().chain(counts).chain(std::iter::repeat(0.0))
}

fn put_layout(into: &mut Vec<u8>, histogram: &Histogram) {
    put_zigzag(into, i64::from(histogram.schema));
    into.extend_from_slice(&histogram.zero_threshold.to_le_bytes());
    put_side(
        into,
        &histogram.positive_spans,
        histogram.positive_buckets.len(),
    );
    put_side(
        into,
        &histogram.negative_spans,
        histogram.negative_buckets.len(),
    );
    put_varint(into, histogram.custom_bounds.len() as u64);
    for bound in &histogram.custom_bounds {
        into.extend_from_slice(&bound.to_le_bytes());
    }
}

fn put_side(into: &mut Vec<u8>, spans: &[Span], counts: usize) {
    put_varint(into, spans.len() as u64);
    for span in spans {
        put_zigzag(into, i64::from(span.offset));
        put_varint(into, u64::from(span.length));
    }
    put_varint(into, counts as u64);
}

/// Reads the histogram after `last`.
pub(super) fn read(
    from: &mut ByteReader<'_>,
    last: Option<&Histogram>,
    class: u8,
) -> Result<Histogram, Damage> {
    if class >= 2 * NEW_LAYOUT {
        return Err("a histogram has an unknown class");
    }
    let (mut next, layout) = match last {
        _ if class & NEW_LAYOUT != 0 => (read_layout(from)?, Layout::New),
        Some(last) => (last.clone(), Layout::Same),
        None => return Err("a histogram has no layout"),
    };
    next.counter_reset = match class & 3 {
        0 => CounterReset::Unknown,
        1 => CounterReset::Reset,
        2 => CounterReset::NotReset,
        _ => CounterReset::Gauge,
    };
    if layout == Layout::New {
        [next.count, next.sum, next.zero_count] = last.map(sums).unwrap_or_default();
    }
    read_numbers(from, &mut next)?;
    Ok(next)
}

fn read_numbers(from: &mut ByteReader<'_>, next: &mut Histogram) -> Result<(), Damage> {
    let sums = [&mut next.count, &mut next.sum, &mut next.zero_count];
    let counts = next
        .positive_buckets
        .iter_mut()
        .chain(&mut next.negative_buckets);
    let numbers = sums.into_iter().chain(counts);
    let mut run = 0;
    for number in numbers {
        if run > 0 {
            run -= 1;
            continue;
        }
        let code = from.u8()?;
        match code {
            0..=RUN_MAX => run = code,
            _ if code < NUMBER + CLASSES => {
                *number = ValueState::after(number.to_bits()).read(code - NUMBER, from)?;
            }
            _ => return Err("a number has an unknown code"),
        }
    }
    match run {
        0 => Ok(()),
        _ => Err("a run is longer than the histogram"),
    }
}

fn read_layout(from: &mut ByteReader<'_>) -> Result<Histogram, Damage> {
    let schema = i32::try_from(from.zigzag()?).map_err(|_| "a schema is out of range")?;
    let zero_threshold = from.f64()?;
    let (positive_spans, positive_buckets) = read_side(from)?;
    let (negative_spans, negative_buckets) = read_side(from)?;
    let count = from.count(BOUNDS_MAX)?;
    let custom_bounds = (0..count).map(|_| from.f64()).collect::<Result<_, _>>()?;
    Ok(Histogram {
        schema,
        zero_threshold,
        positive_spans,
        positive_buckets,
        negative_spans,
        negative_buckets,
        custom_bounds,
        ..Histogram::default()
    })
}

fn read_side(from: &mut ByteReader<'_>) -> Result<(Vec<Span>, Vec<f64>), Damage> {
    let count = from.count(SPANS_MAX)?;
    let mut spans = Vec::new();
    for _ in 0..count {
        let offset = i32::try_from(from.zigzag()?).map_err(|_| "a span is out of range")?;
        let length = u32::try_from(from.varint()?).map_err(|_| "a span is out of range")?;
        spans.push(Span { offset, length });
    }
    let counts = from.count(BUCKETS_MAX)?;
    Ok((spans, vec![0.0; counts]))
}
