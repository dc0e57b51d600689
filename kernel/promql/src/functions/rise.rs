//! How much a series of histograms rises over a range.

use std::sync::Arc;

use portique_series::{CounterReset, Histogram, Value};

use crate::annotations::Annotations;

use super::notes::{self, Operation};
use super::rate::{Extent, Kind};
use super::{Call, Edges, Points, Window, extended};

type Histograms<'a> = Points<'a, Arc<Histogram>>;

/// Where annotations go, and what they name.
pub(super) struct Notes<'a> {
    pub(super) notes: &'a mut Annotations,
    pub(super) position: usize,
    pub(super) metric: &'a str,
}

impl Notes<'_> {
    /// Adds or subtracts, and tells what comes of it; `None` when the two do not go together.
    fn combine(
        &mut self,
        sum: &mut Histogram,
        other: &Histogram,
        operation: Operation,
    ) -> Option<()> {
        let merged = match operation {
            Operation::Subtraction => sum.subtract(other),
            _ => sum.add(other),
        };
        let Some(merged) = merged else {
            self.notes
                .warn(self.position, notes::mixed_schemas(self.metric));
            return None;
        };
        if merged.bounds_reconciled {
            self.notes.info(self.position, notes::reconciled(operation));
        }
        Some(())
    }

    /// Warns when one of them has custom bounds and another has not.
    fn one_kind<'h>(&mut self, mut histograms: impl Iterator<Item = &'h Histogram>) -> Option<()> {
        let custom = histograms.next()?.uses_custom_bounds();
        if histograms.any(|histogram| histogram.uses_custom_bounds() != custom) {
            self.notes
                .warn(self.position, notes::mixed_schemas(self.metric));
            return None;
        }
        Some(())
    }

    fn not_a_counter(&mut self) {
        self.notes
            .warn(self.position, notes::not_a_counter(self.metric));
    }

    fn not_a_gauge(&mut self) {
        self.notes
            .warn(self.position, notes::not_a_gauge(self.metric));
    }
}

/// With the rise carried on to the edges of the range.
pub(super) fn extrapolated(
    call: &Call<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
    kind: Kind,
) -> Option<Value> {
    let points = window.histograms;
    let mut notes = Notes {
        notes,
        position: call.positions[0],
        metric: call.metric,
    };
    let mut rise = match points.values.len() {
        1 => None,
        _ => Some(rise(points, kind, &mut notes)?),
    };
    let first = &points.values[0];
    let counted = rise.as_ref().map_or(0.0, |rise| rise.count);
    let to_zero = (counted > 0.0 && first.count >= 0.0).then(|| first.count / counted);
    let extent = Extent::new(window.bounds(), points, kind, to_zero);
    let factor = extent.factor(kind)?;
    if extent.born_inside() {
        rise = Some(match rise {
            None => Histogram::clone(first),
            Some(mut rise) => {
                notes.combine(&mut rise, first, Operation::Addition)?;
                rise
            }
        });
    }
    let mut rise = rise?;
    rise.scale(factor);
    Some(Value::Histogram(Arc::new(rise)))
}

/// With exact edges: `anchored` or `smoothed`.
pub(super) fn extended(
    call: &Call<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
    kind: Kind,
) -> Option<Value> {
    let points = window.histograms;
    let mut notes = Notes {
        notes,
        position: call.positions[0],
        metric: call.metric,
    };
    let (first, last) = extended::bounds(window, points)?;
    let used = &points.values[first..=last];
    notes.one_kind(used.iter().map(AsRef::as_ref))?;
    if kind.counter && used.iter().any(is_gauge) {
        notes.not_a_counter();
    }
    let smoothed = window.edges == Edges::Smoothed;
    let mut left = Arc::clone(&points.values[first]);
    if smoothed && points.times[first] < window.start_ms {
        left = between(points, first, window.start_ms, kind, &mut notes)?;
    }
    let mut right = Arc::clone(&points.values[last]);
    if smoothed && last > 0 && points.times[last] > window.end_ms {
        right = between(points, last - 1, window.end_ms, kind, &mut notes)?;
    }
    let both = is_gauge(&left) && is_gauge(&right);
    if !kind.counter && !both {
        notes.not_a_gauge();
    }
    let mut rise = Histogram::clone(&right);
    notes.combine(&mut rise, &left, Operation::Subtraction)?;
    if kind.counter {
        let left_of = smoothed && points.times[first] < window.start_ms;
        for lost in lost(&points.values[first..=last], &left, &right, left_of) {
            notes.combine(&mut rise, lost, Operation::Addition)?;
        }
    }
    if kind.per_second {
        rise.divide(window.seconds());
    }
    rise.counter_reset = CounterReset::Gauge;
    rise.compact();
    Some(Value::Histogram(Arc::new(rise)))
}

/// The rise between the first and the last of at least two histograms.
fn rise(points: Histograms<'_>, kind: Kind, notes: &mut Notes<'_>) -> Option<Histogram> {
    let values = points.values;
    let (first, last) = (&values[0], &values[values.len() - 1]);
    if kind.counter && values.iter().any(is_gauge) {
        notes.not_a_counter();
    }
    let both = is_gauge(first) && is_gauge(last);
    if !kind.counter && !both {
        notes.not_a_gauge();
    }
    // After a reset the first histogram does not matter, nor whether its buckets go with the others.
    let base = match kind.counter && began_anew(points, 1) {
        true => Arc::new(Histogram {
            schema: values[1].schema,
            custom_bounds: values[1].custom_bounds.clone(),
            ..Histogram::default()
        }),
        false => Arc::clone(first),
    };
    let inner = if kind.counter {
        &values[1..values.len() - 1]
    } else {
        &[]
    };
    let used = [&base, last].into_iter().chain(inner);
    notes.one_kind(used.clone().map(AsRef::as_ref))?;
    let coarsest = used.map(|histogram| histogram.schema).min()?;
    let mut rise = Histogram::clone(last);
    rise.reduce(coarsest);
    notes.combine(&mut rise, &base, Operation::Subtraction)?;
    if kind.counter {
        for index in 2..values.len() {
            if began_anew(points, index) {
                notes.combine(&mut rise, &values[index - 1], Operation::Addition)?;
            }
        }
    }
    rise.counter_reset = CounterReset::Gauge;
    rise.compact();
    Some(rise)
}

/// Whether a histogram's counts began anew since the one before it.
fn began_anew(points: Histograms<'_>, index: usize) -> bool {
    points.sample(index).began_after(&points.sample(index - 1))
        || points.values[index].is_reset_after(&points.values[index - 1])
}

/// What was reached each time counts began anew between two edges; `used` begins with the sample of the left edge and
/// ends with that of the right one.
fn lost<'a>(
    used: &'a [Arc<Histogram>],
    left: &'a Arc<Histogram>,
    right: &Arc<Histogram>,
    interpolated: bool,
) -> Vec<&'a Histogram> {
    let (mut before, mut next) = (left, 1);
    // A reset that the left edge was interpolated across is in that edge already.
    if interpolated && used.len() > 1 && used[1].is_reset_after(&used[0]) {
        (before, next) = (&used[1], 2);
    }
    let mut lost = Vec::new();
    let inner = used.len() - 1;
    if next > inner {
        return lost;
    }
    for histogram in &used[next..inner] {
        if histogram.is_reset_after(before) {
            lost.push(before.as_ref());
        }
        before = histogram;
    }
    if right.is_reset_after(before) {
        lost.push(before.as_ref());
    }
    lost
}

/// The histogram at a time between a sample and the next; of a counter that began anew in between, as if it had begun
/// at 0 with the earlier one.
fn between(
    points: Histograms<'_>,
    index: usize,
    time_ms: i64,
    kind: Kind,
    notes: &mut Notes<'_>,
) -> Option<Arc<Histogram>> {
    let (from, to) = (&points.values[index], &points.values[index + 1]);
    if time_ms == points.times[index] {
        return Some(Arc::clone(from));
    }
    if time_ms == points.times[index + 1] {
        return Some(Arc::clone(to));
    }
    let share = extended::share(points.times, index, time_ms);
    let mut rise = Histogram::clone(to);
    if !(kind.counter && to.is_reset_after(from)) {
        notes.combine(&mut rise, from, Operation::Subtraction)?;
        rise.scale(share);
        notes.combine(&mut rise, from, Operation::Addition)?;
    } else {
        rise.scale(share);
    }
    Some(Arc::new(rise))
}

fn is_gauge(histogram: &Arc<Histogram>) -> bool {
    histogram.counter_reset == CounterReset::Gauge
}
