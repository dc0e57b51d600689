//! `rate`, `increase` and `delta`: how much a series rises over a range.

use std::ops::Range;

use portique_series::Value;

use crate::annotations::Annotations;
use crate::column::Column;
use crate::syntax;

use super::notes;
use super::samples::seconds;
use super::{Call, Edges, Points, Window, extended, rise};

/// Samples up to this many average distances from an edge are taken to go on to it.
const NEAR: f64 = 1.1;

/// Which of the three it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// A counter can begin anew and is never negative.
    pub(super) counter: bool,
    /// The result is for a second, not for the whole range.
    pub(super) per_second: bool,
}

const RATE: Kind = Kind {
    counter: true,
    per_second: true,
};
const INCREASE: Kind = Kind {
    counter: true,
    per_second: false,
};
const DELTA: Kind = Kind {
    counter: false,
    per_second: false,
};

/// Floats of a series, and how often they have fallen by each; empty when nobody counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FloatSeries<'a> {
    pub(crate) points: Points<'a, f64>,
    pub(crate) falls: &'a [u32],
}

/// First (exclusive) and last (inclusive) time of a range.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
}

impl Bounds {
    /// From the start to the end.
    pub(super) fn seconds(self) -> f64 {
        seconds(self.end_ms - self.start_ms)
    }
}

/// Fills a column with what a function makes of one window after another.
pub(crate) type RateFunction =
    fn(FloatSeries<'_>, &mut dyn Iterator<Item = (Range<usize>, Bounds)>, &mut Column);

/// The code for series of nothing but floats, in ranges without anything around them.
pub(crate) fn sliding_rate(function: syntax::Function) -> Option<RateFunction> {
    use syntax::Function as F;
    Some(match function {
        F::Delta => |series, windows, column| slide(series, windows, column, DELTA),
        F::Increase => |series, windows, column| slide(series, windows, column, INCREASE),
        F::Rate => |series, windows, column| slide(series, windows, column, RATE),
        _ => return None,
    })
}

pub(super) fn rate(call: &Call<'_>, window: &Window<'_>, notes: &mut Annotations) -> Option<Value> {
    apply(call, window, notes, RATE)
}

pub(super) fn increase(
    call: &Call<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
) -> Option<Value> {
    apply(call, window, notes, INCREASE)
}

pub(super) fn delta(
    call: &Call<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
) -> Option<Value> {
    apply(call, window, notes, DELTA)
}

fn apply(
    call: &Call<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
    kind: Kind,
) -> Option<Value> {
    if window.is_mixed() {
        notes.warn(call.positions[0], notes::mixed_samples(call.metric));
        return None;
    }
    match (window.edges, window.histograms.times.is_empty()) {
        (Edges::Inside, true) => {
            floats(window.floats, window.falls, window.bounds(), kind).map(Value::Float)
        }
        (Edges::Inside, false) => rise::extrapolated(call, window, notes, kind),
        (_, true) => extended::floats(window, kind).map(Value::Float),
        (_, false) => rise::extended(call, window, notes, kind),
    }
}

/// One window of floats after another, without what other functions have to be told.
fn slide(
    series: FloatSeries<'_>,
    windows: &mut dyn Iterator<Item = (Range<usize>, Bounds)>,
    column: &mut Column,
    kind: Kind,
) {
    let FloatSeries { points, falls } = series;
    for (step, (window, bounds)) in windows.enumerate() {
        if window.is_empty() {
            continue;
        }
        let part = Points {
            times: &points.times[window.clone()],
            values: &points.values[window.clone()],
            starts: points.starts.get(window.clone()).unwrap_or_default(),
        };
        let falls = falls.get(window).unwrap_or_default();
        if let Some(value) = floats(part, falls, bounds, kind) {
            column.set_float(step, value);
        }
    }
}

fn floats(points: Points<'_, f64>, falls: &[u32], bounds: Bounds, kind: Kind) -> Option<f64> {
    let (first, last) = (*points.values.first()?, *points.values.last()?);
    let mut rise = last - first;
    if kind.counter {
        rise += resets(points, falls);
    }
    let to_zero = (rise > 0.0 && first >= 0.0).then(|| first / rise);
    let extent = Extent::new(bounds, points, kind, to_zero);
    let factor = extent.factor(kind)?;
    if extent.born_inside() {
        rise += first;
    }
    Some(rise * factor)
}

/// What a counter had reached each time it began anew.
fn resets(points: Points<'_, f64>, falls: &[u32]) -> f64 {
    let mut lost = 0.0;
    if points.starts.is_empty() {
        if falls
            .first()
            .is_some_and(|first| falls.last() == Some(first))
        {
            return lost;
        }
        for pair in points.values.windows(2) {
            if pair[1] < pair[0] {
                lost += pair[0];
            }
        }
        return lost;
    }
    for index in 1..points.values.len() {
        let (before, now) = (points.values[index - 1], points.values[index]);
        if now < before || points.sample(index).began_after(&points.sample(index - 1)) {
            lost += before;
        }
    }
    lost
}

/// Where samples lie in a range.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    bounds: Bounds,
    first_ms: i64,
    last_ms: i64,
    samples: usize,
    /// When the counter began, if that is known and within the range.
    born_ms: Option<i64>,
    /// How many times its own length the rise is away from zero.
    to_zero: Option<f64>,
}

impl Extent {
    /// # Panics
    /// When there is no sample.
    pub(super) fn new<T>(
        bounds: Bounds,
        points: Points<'_, T>,
        kind: Kind,
        to_zero: Option<f64>,
    ) -> Self {
        let samples = points.times.len();
        let (first_ms, last_ms) = (points.times[0], points.times[samples - 1]);
        let inside = |start: &i64| *start != 0 && *start > bounds.start_ms && *start < first_ms;
        let born_ms = points
            .starts
            .first()
            .copied()
            .filter(|start| kind.counter && inside(start));
        Self {
            bounds,
            first_ms,
            last_ms,
            samples,
            born_ms,
            to_zero: to_zero.filter(|_| kind.counter),
        }
    }

    /// Whether the counter began in the range, at 0: the first sample is then part of the rise.
    pub(super) fn born_inside(&self) -> bool {
        self.born_ms.is_some()
    }

    /// What the rise between first and last sample is multiplied by to be that of the range.
    ///
    /// A series that has samples close to an edge is taken to go on to that edge, else half an average distance
    /// further; a counter never below zero.
    pub(super) fn factor(&self, kind: Kind) -> Option<f64> {
        let mut sampled = seconds(self.last_ms - self.first_ms);
        let average = match self.samples {
            1 => 0.0,
            samples => sampled / (samples - 1) as f64,
        };
        let near = average * NEAR;
        let mut before = seconds(self.first_ms - self.bounds.start_ms);
        let mut after = seconds(self.bounds.end_ms - self.last_ms);
        if let Some(born_ms) = self.born_ms {
            before = 0.0;
            sampled = seconds(self.last_ms - born_ms);
        } else if self.samples < 2 {
            return None;
        } else {
            if before >= near {
                before = average / 2.0;
            }
            let to_zero = self.to_zero.map(|share| sampled * share);
            before = to_zero.filter(|zero| *zero < before).unwrap_or(before);
        }
        if after >= near {
            after = average / 2.0;
        }
        let factor = match sampled {
            0.0 => 1.0,
            _ => (sampled + before + after) / sampled,
        };
        Some(match kind.per_second {
            true => factor / self.bounds.seconds(),
            false => factor,
        })
    }
}
