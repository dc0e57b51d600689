//! Whether results are as expected, and what is different if not.

use std::sync::Arc;

use portique_series::{CounterReset, Histogram, Labels, Value};

use super::histogram::write_histogram;

/// What is expected and not there, and what is there and not expected, a line each; empty when all is well.
pub(super) fn difference<T>(
    expected: &[T],
    found: &[T],
    equal: impl Fn(&T, &T) -> bool,
    write: impl Fn(&T) -> String,
) -> Vec<String> {
    let mut extra: Vec<&T> = found.iter().collect();
    let mut lines = Vec::new();
    for wanted in expected {
        match extra.iter().position(|candidate| equal(wanted, candidate)) {
            Some(position) => {
                extra.remove(position);
            }
            None => lines.push(format!("- {}", write(wanted))),
        }
    }
    lines.extend(extra.iter().map(|extra| format!("+ {}", write(extra))));
    lines
}

/// Whether two samples are the same; fuzzily, when numbers may differ in the last bit.
pub(super) fn same_sample(
    expected: &(Labels, Value),
    found: &(Labels, Value),
    is_fuzzy: bool,
) -> bool {
    expected.0 == found.0
        && match (&expected.1, &found.1) {
            (Value::Float(a), Value::Float(b)) => same_number(*a, *b, is_fuzzy),
            (Value::Histogram(a), Value::Histogram(b)) => same_histogram(a, b),
            _ => false,
        }
}

#[expect(clippy::float_cmp, reason = "that is what is asked")]
fn same_number(a: f64, b: f64, is_fuzzy: bool) -> bool {
    let is_near = is_fuzzy && (a.next_up() == b || a.next_down() == b);
    a == b || is_near || (a.is_nan() && b.is_nan())
}

/// Buckets and counts must be equal; a hint only if one is expected.
fn same_histogram(expected: &Arc<Histogram>, found: &Arc<Histogram>) -> bool {
    let compact = |histogram: &Histogram| {
        let mut compact = histogram.clone();
        compact.compact();
        compact
    };
    let hint = expected.counter_reset;
    let same_hint = hint == CounterReset::Unknown || hint == found.counter_reset;
    same_hint && compact(expected).equals(&compact(found))
}

pub(super) fn write_sample((labels, value): &(Labels, Value)) -> String {
    match value {
        Value::Float(value) => format!("{labels} {value}"),
        Value::Histogram(histogram) => format!("{labels} {}", write_histogram(histogram)),
    }
}

pub(super) fn write_alert((labels, annotations): &(Labels, Labels)) -> String {
    format!("{labels} annotations {annotations}")
}
