//! Messages within a metric, and what their numbers stand for.

use portique_series::MetricKind;

use crate::Error;
use crate::native::Part;
use crate::wire::{Field, Message};

/// One bucket of a classic histogram.
pub(super) struct Bucket<'a> {
    pub(super) bound: f64,
    pub(super) count: f64,
    pub(super) exemplar: Option<Field<'a>>,
}

impl<'a> Bucket<'a> {
    pub(super) fn read(mut fields: Message<'a>) -> Result<Self, Error> {
        let mut bucket = Self {
            bound: 0.0,
            count: 0.0,
            exemplar: None,
        };
        while let Some((number, field)) = fields.next()? {
            match number {
                1 => bucket.count = field.uint() as f64,
                2 => bucket.bound = field.double(),
                3 => bucket.exemplar = Some(field),
                4 => bucket.count = field.double(),
                _ => {}
            }
        }
        Ok(bucket)
    }
}

/// A label; `None` when it is not UTF-8.
pub(super) fn pair<'a>(mut fields: Message<'a>) -> Result<Option<(&'a str, &'a str)>, Error> {
    let (mut name, mut value) = (&[][..], &[][..]);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => name = field.bytes(),
            2 => value = field.bytes(),
            _ => {}
        }
    }
    let texts = (str::from_utf8(name), str::from_utf8(value));
    Ok(match texts {
        (Ok(name), Ok(value)) => Some((name, value)),
        _ => None,
    })
}

pub(super) fn two_doubles(mut fields: Message<'_>) -> Result<(f64, f64), Error> {
    let (mut first, mut second) = (0.0, 0.0);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => first = field.double(),
            2 => second = field.double(),
            _ => {}
        }
    }
    Ok((first, second))
}

/// Seconds and nanoseconds as Unix milliseconds.
pub(super) fn timestamp(mut fields: Message<'_>) -> Result<i64, Error> {
    let (mut seconds, mut nanoseconds) = (0_i64, 0);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => seconds = field.int(),
            2 => nanoseconds = field.int(),
            _ => {}
        }
    }
    Ok(seconds
        .saturating_mul(1000)
        .saturating_add(nanoseconds / 1_000_000))
}

pub(super) fn kind_of(number: u64) -> MetricKind {
    match number {
        0 => MetricKind::Counter,
        1 => MetricKind::Gauge,
        2 => MetricKind::Summary,
        4 => MetricKind::Histogram,
        5 => MetricKind::GaugeHistogram,
        _ => MetricKind::Unknown,
    }
}

pub(super) fn part(number: u32) -> Option<Part> {
    Some(match number {
        1 => Part::Count,
        4 => Part::CountFloat,
        2 => Part::Sum,
        5 => Part::Schema,
        6 => Part::ZeroThreshold,
        7 => Part::ZeroCount,
        8 => Part::ZeroCountFloat,
        9 => Part::NegativeSpan,
        10 => Part::NegativeDeltas,
        11 => Part::NegativeCounts,
        12 => Part::PositiveSpan,
        13 => Part::PositiveDeltas,
        14 => Part::PositiveCounts,
        _ => return None,
    })
}
