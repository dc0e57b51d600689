//! `anchored` and `smoothed` ranges: exact values at the edges instead of extrapolation.

use super::rate::Kind;
use super::{Edges, Points, Window};

/// Which samples of a window matter: the last at or before the start, or the first after it, up to the last, or with
/// `smoothed` the first at or after the end. `None` when nothing is in the range.
pub(super) fn bounds<T>(window: &Window<'_>, points: Points<'_, T>) -> Option<(usize, usize)> {
    let times = points.times;
    let mut last = times.len().checked_sub(1)?;
    let first = times
        .partition_point(|time| *time <= window.start_ms)
        .min(last);
    let first = first.saturating_sub(1);
    let smoothed = window.edges == Edges::Smoothed;
    if smoothed {
        last = times
            .partition_point(|time| *time < window.end_ms)
            .min(last);
    }
    let outside = times[last] <= window.start_ms || (smoothed && times[first] > window.end_ms);
    (!outside).then_some((first, last))
}

/// Rise of the floats in a window with anchored or smoothed edges.
pub(super) fn floats(window: &Window<'_>, kind: Kind) -> Option<f64> {
    let points = window.floats;
    let (first, last) = bounds(window, points)?;
    let smoothed = window.edges == Edges::Smoothed;
    let mut left = points.values[first];
    if smoothed && points.times[first] < window.start_ms {
        left = between(points, first, window.start_ms, kind);
    }
    let mut right = points.values[last];
    if smoothed && last > 0 && points.times[last] > window.end_ms {
        right = between(points, last - 1, window.end_ms, kind);
    }
    let mut rise = right - left;
    if kind.counter {
        let from = first + usize::from(points.times[first] <= window.start_ms);
        let to = last + usize::from(points.times[last] < window.end_ms);
        rise += lost(left, points.values.get(from..to).unwrap_or_default(), right);
    }
    if kind.per_second {
        rise /= window.seconds();
    }
    Some(rise)
}

/// The value at a time between a sample and the next; of a counter that began anew in between, as if it had begun
/// at 0 with the earlier one.
fn between(points: Points<'_, f64>, index: usize, time_ms: i64, kind: Kind) -> f64 {
    let (mut from, to) = (points.values[index], points.values[index + 1]);
    if kind.counter && to < from {
        from = 0.0;
    }
    from + (to - from) * share(points.times, index, time_ms)
}

/// How far a time is from a sample to the next.
pub(super) fn share(times: &[i64], index: usize, time_ms: i64) -> f64 {
    (time_ms - times[index]) as f64 / (times[index + 1] - times[index]) as f64
}

fn lost(left: f64, inner: &[f64], right: f64) -> f64 {
    let mut before = left;
    let mut lost = 0.0;
    for value in inner.iter().copied().chain([right]) {
        if value < before {
            lost += before;
        }
        before = value;
    }
    lost
}
