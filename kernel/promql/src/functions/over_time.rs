//! `…_over_time`: one value for all samples of a range.

use std::sync::Arc;

use portique_series::{
    Compensated, CounterReset, Histogram, HistogramMean, HistogramSum, Merged, Value,
};

use crate::annotations::Annotations;

use super::notes::{self, Operation};
use super::samples::{Kind, seconds};
use super::{Call, Window};

pub(super) fn count(_: &Call<'_>, window: &Window<'_>, _: &mut Annotations) -> Option<Value> {
    let count = window.floats.times.len() + window.histograms.times.len();
    Some(Value::Float(count as f64))
}

pub(super) fn present(_: &Call<'_>, _: &Window<'_>, _: &mut Annotations) -> Option<Value> {
    Some(Value::Float(1.0))
}

pub(super) fn first(_: &Call<'_>, window: &Window<'_>, _: &mut Annotations) -> Option<Value> {
    Some(window.samples().next()?.value.to_value())
}

pub(super) fn last(_: &Call<'_>, window: &Window<'_>, _: &mut Annotations) -> Option<Value> {
    let (floats, histograms) = (window.floats, window.histograms);
    let kind = match (floats.times.last(), histograms.times.last()) {
        (Some(float), Some(histogram)) if histogram < float => Kind::Float(*floats.values.last()?),
        (Some(_), None) => Kind::Float(*floats.values.last()?),
        _ => Kind::Histogram(histograms.values.last()?),
    };
    Some(kind.to_value())
}

pub(super) fn time_of_first(
    _: &Call<'_>,
    window: &Window<'_>,
    _: &mut Annotations,
) -> Option<Value> {
    let floats = window.floats.times.first();
    let first = floats
        .into_iter()
        .chain(window.histograms.times.first())
        .min()?;
    Some(Value::Float(seconds(*first)))
}

pub(super) fn time_of_last(
    _: &Call<'_>,
    window: &Window<'_>,
    _: &mut Annotations,
) -> Option<Value> {
    let floats = window.floats.times.last();
    let last = floats
        .into_iter()
        .chain(window.histograms.times.last())
        .max()?;
    Some(Value::Float(seconds(*last)))
}

pub(super) fn max(call: &Call<'_>, window: &Window<'_>, notes: &mut Annotations) -> Option<Value> {
    let floats = floats(call, window, notes)?;
    Some(Value::Float(
        floats[extreme(floats, |value, best| value > best)],
    ))
}

pub(super) fn min(call: &Call<'_>, window: &Window<'_>, notes: &mut Annotations) -> Option<Value> {
    let floats = floats(call, window, notes)?;
    Some(Value::Float(
        floats[extreme(floats, |value, best| value < best)],
    ))
}

pub(super) fn time_of_max(
    call: &Call<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
) -> Option<Value> {
    let found = extreme(floats(call, window, notes)?, |value, best| value >= best);
    Some(Value::Float(seconds(window.floats.times[found])))
}

pub(super) fn time_of_min(
    call: &Call<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
) -> Option<Value> {
    let found = extreme(floats(call, window, notes)?, |value, best| value <= best);
    Some(Value::Float(seconds(window.floats.times[found])))
}

pub(super) fn sum(call: &Call<'_>, window: &Window<'_>, notes: &mut Annotations) -> Option<Value> {
    if window.histograms.times.is_empty() {
        return Some(Value::Float(sum_of(window.floats.values)));
    }
    let mut histograms = histograms(call, window, notes)?;
    let mut sum = HistogramSum::new(histograms.next()?);
    let merged = merge(call, window, notes, |histogram| sum.add(histogram));
    merged.map(|()| Value::Histogram(Arc::new(sum.into_total())))
}

pub(super) fn avg(call: &Call<'_>, window: &Window<'_>, notes: &mut Annotations) -> Option<Value> {
    if window.histograms.times.is_empty() {
        return Some(Value::Float(mean(window.floats.values)));
    }
    let mut histograms = histograms(call, window, notes)?;
    let mut mean = HistogramMean::new(histograms.next()?);
    let merged = merge(call, window, notes, |histogram| mean.add(histogram));
    merged.map(|()| Value::Histogram(Arc::new(mean.into_mean())))
}

pub(super) fn stddev(
    call: &Call<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
) -> Option<Value> {
    let floats = floats(call, window, notes)?;
    Some(Value::Float(variance(floats).sqrt()))
}

pub(super) fn stdvar(
    call: &Call<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
) -> Option<Value> {
    let floats = floats(call, window, notes)?;
    Some(Value::Float(variance(floats)))
}

pub(super) fn quantile(
    call: &Call<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
) -> Option<Value> {
    let mut values = floats(call, window, notes)?.to_vec();
    let q = call.scalar(0);
    if !(0.0..=1.0).contains(&q) {
        notes.warn(call.positions[0], notes::bad_quantile(q));
    }
    Some(Value::Float(quantile_of(&mut values, q)))
}

/// The median of the distances from the median.
pub(super) fn mad(call: &Call<'_>, window: &Window<'_>, notes: &mut Annotations) -> Option<Value> {
    let mut values = floats(call, window, notes)?.to_vec();
    if values.iter().any(|value| value.is_nan()) {
        return Some(Value::Float(f64::NAN));
    }
    let median = quantile_of(&mut values, 0.5);
    values
        .iter_mut()
        .for_each(|value| *value = (*value - median).abs());
    Some(Value::Float(quantile_of(&mut values, 0.5)))
}

/// The value that a share `q` of the values does not exceed, between two of them by their distance; NaN is below all
/// others. The values are put in some other order.
///
/// NaN for no values and for NaN, −Inf below 0, +Inf above 1.
pub(crate) fn quantile_of(values: &mut [f64], q: f64) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if !(0.0..=1.0).contains(&q) {
        return f64::INFINITY.copysign(q);
    }
    values.sort_unstable_by(|a, b| {
        b.is_nan()
            .cmp(&a.is_nan())
            .then(a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal))
    });
    let rank = q * (values.len() - 1) as f64;
    let weight = rank - rank.floor();
    let lower = rank.floor() as usize;
    let upper = (lower + 1).min(values.len() - 1);
    values[lower] * (1.0 - weight) + values[upper] * weight
}

/// The precise sum.
pub(super) fn sum_of(values: &[f64]) -> f64 {
    let mut sum = Compensated::default();
    values.iter().for_each(|value| sum.add(*value));
    sum.total()
}

/// The mean: of the precise sum, or, where that is infinite, one that runs along.
pub(super) fn mean(values: &[f64]) -> f64 {
    let mut sum = Compensated::new(values[0]);
    for (count, value) in values.iter().enumerate().skip(1) {
        let mut next = sum;
        next.add(*value);
        if next.value.is_infinite() {
            sum.scale(1.0 / count as f64);
            return running_mean(sum, count, &values[count..]);
        }
        sum = next;
    }
    let count = values.len() as f64;
    sum.value / count + sum.lost / count
}

fn running_mean(mut mean: Compensated, before: usize, values: &[f64]) -> f64 {
    for (count, value) in (before..).zip(values) {
        let (before, count) = (count as f64, count as f64 + 1.0);
        mean.scale(before / count);
        mean.add(value / count);
    }
    mean.value + mean.lost
}

/// The population variance, by Welford's recurrence with compensated sums.
fn variance(values: &[f64]) -> f64 {
    let (mut mean, mut squares) = (Compensated::default(), Compensated::default());
    let mut count = 0.0;
    for value in values {
        count += 1.0;
        let deviation = value - (mean.value + mean.lost);
        mean.add(deviation / count);
        squares.add(deviation * (value - (mean.value + mean.lost)));
    }
    (squares.value + squares.lost) / count
}

/// Where the best value is; NaN is worse than any other.
pub(super) fn extreme(values: &[f64], better: impl Fn(f64, f64) -> bool) -> usize {
    let (mut place, mut best) = (0, values[0]);
    for (index, value) in values.iter().enumerate() {
        if better(*value, best) || best.is_nan() {
            (place, best) = (index, *value);
        }
    }
    place
}

/// The floats, unless there is none.
fn floats<'a>(call: &Call<'_>, window: &Window<'a>, notes: &mut Annotations) -> Option<&'a [f64]> {
    if window.is_mixed() {
        notes.info(call.positions[0], notes::ignored_histograms(call.metric));
    }
    (!window.floats.values.is_empty()).then_some(window.floats.values)
}

/// The histograms, unless there are floats too.
fn histograms<'a>(
    call: &Call<'_>,
    window: &Window<'a>,
    notes: &mut Annotations,
) -> Option<impl Iterator<Item = &'a Histogram> + use<'a>> {
    if window.is_mixed() {
        notes.warn(call.positions[0], notes::mixed_samples(call.metric));
        return None;
    }
    Some(window.histograms.values.iter().map(AsRef::as_ref))
}

/// Adds all histograms after the first, and tells what comes of it; `None` when they do not go together.
fn merge(
    call: &Call<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
    mut add: impl FnMut(&Histogram) -> Option<Merged>,
) -> Option<()> {
    let position = call.positions[0];
    let values = window.histograms.values;
    let mut reconciled = false;
    for histogram in &values[1..] {
        let Some(merged) = add(histogram) else {
            notes.warn(position, notes::mixed_schemas(call.metric));
            return None;
        };
        reconciled |= merged.bounds_reconciled;
    }
    let seen = |hint| {
        values
            .iter()
            .any(|histogram| histogram.counter_reset == hint)
    };
    if seen(CounterReset::Reset) && seen(CounterReset::NotReset) {
        notes.warn(position, notes::resets_collide(Operation::Aggregation));
    }
    if reconciled {
        notes.info(position, notes::reconciled(Operation::Aggregation));
    }
    Some(())
}
