//! Straight lines and smoothed trends through the floats of a range.

use portique_series::{Compensated, Value};

use crate::annotations::Annotations;

use super::notes;
use super::samples::seconds;
use super::{Call, Points, Window};

pub(super) fn deriv(
    call: &Call<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
) -> Option<Value> {
    let points = floats(call, window, notes)?;
    // Times are taken from one nearby: those since 1970 would cost precision.
    Some(Value::Float(regression(points, points.times[0]).0))
}

pub(super) fn predict_linear(
    call: &Call<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
) -> Option<Value> {
    let points = floats(call, window, notes)?;
    let (slope, intercept) = regression(points, call.time_ms);
    Some(Value::Float(slope * call.scalar(1) + intercept))
}

/// Holt's linear method: a level and a trend, each the weighted mean of what was expected and what is seen.
pub(super) fn double_exponential_smoothing(
    call: &Call<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
) -> Option<Value> {
    let points = floats(call, window, notes)?;
    let (smoothing, trending) = (call.scalar(1), call.scalar(2));
    let mut level = points.values[0];
    let mut trend = points.values[1] - points.values[0];
    for (index, value) in points.values.iter().enumerate().skip(1) {
        let expected = level + trend;
        let next = smoothing * value + (1.0 - smoothing) * expected;
        if index + 1 < points.values.len() {
            trend = trending * (next - level) + (1.0 - trending) * trend;
        }
        level = next;
    }
    Some(Value::Float(level))
}

/// The floats, when there are at least two.
fn floats<'a>(
    call: &Call<'_>,
    window: &Window<'a>,
    notes: &mut Annotations,
) -> Option<Points<'a, f64>> {
    if window.is_mixed() {
        notes.info(call.positions[0], notes::ignored_histograms(call.metric));
    }
    (window.floats.times.len() > 1).then_some(window.floats)
}

/// Slope in units per second and value at a time of the line with the least squares.
fn regression(points: Points<'_, f64>, time_ms: i64) -> (f64, f64) {
    let level = points.values[0];
    if points.values.iter().all(|value| *value == level) {
        return match level.is_infinite() {
            true => (f64::NAN, f64::NAN),
            false => (0.0, level),
        };
    }
    let mut sums = [Compensated::default(); 4];
    for (time, y) in points.times.iter().zip(points.values) {
        let x = seconds(time - time_ms);
        for (sum, addend) in sums.iter_mut().zip([x, *y, x * y, x * x]) {
            sum.add(addend);
        }
    }
    let count = points.values.len() as f64;
    let [x, y, xy, xx] = sums.map(|sum| sum.value + sum.lost);
    let slope = (xy - x * y / count) / (xx - x * x / count);
    (slope, y / count - slope * x / count)
}
