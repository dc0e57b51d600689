//! Values between two samples.

use std::sync::Arc;

use portique_series::{CounterReset, Histogram, Value};

use crate::annotations::Annotations;
use crate::functions::{Edges, Window};

/// The value at `window.start_ms`: that of a sample at the time itself, else on the line between the two around it,
/// else that of the last before. `place` is the metric's name and where in the query its selector begins.
pub(crate) fn value(
    window: &Window<'_>,
    place: (&str, usize),
    notes: &mut Annotations,
) -> Option<Value> {
    let (metric, position) = place;
    let time_ms = window.start_ms;
    if !window.floats.times.is_empty() && !window.histograms.times.is_empty() {
        notes.warn(
            position,
            format!("encountered a mix of histograms and floats for metric name {metric:?}"),
        );
        return None;
    }
    let times = match window.floats.times.is_empty() {
        true => window.histograms.times,
        false => window.floats.times,
    };
    let after = times.partition_point(|time| *time < time_ms);
    let exact = times.get(after) == Some(&time_ms);
    let before = after.checked_sub(1);
    let share = |before: usize| part(times[before], times[after], time_ms);
    if let Some(histogram) = window
        .histograms
        .values
        .get(after)
        .or(window.histograms.values.last())
    {
        let result = match before {
            _ if exact => Arc::clone(histogram),
            Some(before) if after < times.len() => {
                let from = &window.histograms.values[before];
                let counter = from.counter_reset != CounterReset::Gauge
                    && histogram.counter_reset != CounterReset::Gauge;
                let Some(between) = histogram_between(from, histogram, share(before), counter)
                else {
                    notes.warn(position, format!(
                        "vector contains a mix of histograms with exponential and custom buckets schemas for metric name {metric:?}"
                    ));
                    return None;
                };
                Arc::new(between)
            }
            Some(before) => Arc::clone(&window.histograms.values[before]),
            None => return None,
        };
        return Some(Value::Histogram(result));
    }
    let values = window.floats.values;
    let result = match before {
        _ if exact => values[after],
        Some(before) if after < times.len() => {
            values[before] + (values[after] - values[before]) * share(before)
        }
        Some(before) => values[before],
        None => return None,
    };
    Some(Value::Float(result))
}

/// The histogram at a part of the way from one to another; one that began anew counts as having been empty before.
///
/// `None` when one has custom bounds and the other has not.
pub(crate) fn histogram_between(
    from: &Histogram,
    to: &Histogram,
    share: f64,
    counter: bool,
) -> Option<Histogram> {
    if from.uses_custom_bounds() != to.uses_custom_bounds() {
        return None;
    }
    let mut between = to.clone();
    if counter && to.is_reset_after(from) {
        between.scale(share);
        return Some(between);
    }
    // What the hints say of each other does not matter here.
    let _ = between.subtract(from)?;
    between.scale(share);
    let _ = between.add(from)?;
    between.counter_reset = from.counter_reset;
    Some(between)
}

/// How far `time_ms` is on the way between two times, from 0 to 1.
fn part(from_ms: i64, to_ms: i64, time_ms: i64) -> f64 {
    (time_ms - from_ms) as f64 / (to_ms - from_ms) as f64
}

/// The floats of an `anchored` or `smoothed` range with values at its very start and end.
pub(crate) fn extended(floats: &[(i64, f64)], window: &Window<'_>) -> Vec<(i64, Value)> {
    let (start_ms, end_ms) = (window.start_ms, window.end_ms);
    let smoothed = window.edges == Edges::Smoothed;
    let Some(last) = floats.len().checked_sub(1) else {
        return Vec::new();
    };
    let first = floats[..last]
        .partition_point(|(time, _)| *time <= start_ms)
        .saturating_sub(1);
    let last = match smoothed {
        true => floats[..last].partition_point(|(time, _)| *time < end_ms),
        false => last,
    };
    if floats[last].0 <= start_ms {
        return Vec::new();
    }
    let between = |from: usize, time_ms: i64| {
        let ((from_ms, from), (to_ms, to)) = (floats[from], floats[from + 1]);
        from + (to - from) * part(from_ms, to_ms, time_ms)
    };
    let left = match smoothed && floats[first].0 < start_ms {
        true => between(first, start_ms),
        false => floats[first].1,
    };
    let right = match smoothed && last > 0 && floats[last].0 > end_ms {
        true => between(last - 1, end_ms),
        false => floats[last].1,
    };
    let inside = floats[first..=last]
        .iter()
        .filter(|(time, _)| start_ms < *time && *time < end_ms);
    let mut points = vec![(start_ms, Value::Float(left))];
    points.extend(inside.map(|(time, value)| (*time, Value::Float(*value))));
    points.push((end_ms, Value::Float(right)));
    points
}
