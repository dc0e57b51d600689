//! `irate` and `idelta`: between the last two samples.

use std::sync::Arc;

use portique_series::{CounterReset, Histogram, Value};

use crate::annotations::Annotations;

use super::notes::{self, Operation};
use super::samples::{Kind, Sample, seconds};
use super::{Call, Window};

pub(super) fn irate(
    call: &Call<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
) -> Option<Value> {
    latest(call, window, notes, true)
}

pub(super) fn idelta(
    call: &Call<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
) -> Option<Value> {
    latest(call, window, notes, false)
}

fn latest(
    call: &Call<'_>,
    window: &Window<'_>,
    notes: &mut Annotations,
    rate: bool,
) -> Option<Value> {
    let (before, last) = last_two(window)?;
    let passed = seconds(last.time_ms - before.time_ms);
    if passed == 0.0 {
        return None;
    }
    match (before.value, last.value) {
        (Kind::Float(then), Kind::Float(now)) => {
            let began = rate && (now < then || last.began_after(&before));
            let rise = if began { now } else { now - then };
            Some(Value::Float(if rate { rise / passed } else { rise }))
        }
        (Kind::Histogram(then), Kind::Histogram(now)) => {
            let began = rate && (last.began_after(&before) || now.is_reset_after(then));
            let mut rise = histogram(call, then, now, notes, (rate, began))?;
            if rate {
                rise.divide(passed);
            }
            Some(Value::Histogram(Arc::new(rise)))
        }
        _ => {
            notes.warn(call.positions[0], notes::mixed_samples(call.metric));
            None
        }
    }
}

fn histogram(
    call: &Call<'_>,
    then: &Histogram,
    now: &Histogram,
    notes: &mut Annotations,
    (rate, began): (bool, bool),
) -> Option<Histogram> {
    let position = call.positions[0];
    let gauge = |histogram: &Histogram| histogram.counter_reset == CounterReset::Gauge;
    let both = gauge(then) && gauge(now);
    if rate && (gauge(then) || gauge(now)) {
        notes.warn(position, notes::not_a_counter(call.metric));
    }
    if !rate && !both {
        notes.warn(position, notes::not_a_gauge(call.metric));
    }
    let mut rise = now.clone();
    if !began {
        let Some(merged) = rise.subtract(then) else {
            notes.warn(position, notes::mixed_schemas(call.metric));
            return None;
        };
        if merged.bounds_reconciled {
            notes.info(position, notes::reconciled(Operation::Subtraction));
        }
    }
    rise.counter_reset = CounterReset::Gauge;
    rise.compact();
    Some(rise)
}

fn last_two<'a>(window: &Window<'a>) -> Option<(Sample<'a>, Sample<'a>)> {
    let tail = |length: usize| length.saturating_sub(2)..length;
    let floats = tail(window.floats.times.len()).map(|index| window.floats.sample(index));
    let histograms =
        tail(window.histograms.times.len()).map(|index| window.histograms.sample(index));
    let (mut before, mut last): (Option<Sample<'a>>, Option<Sample<'a>>) = (None, None);
    for sample in floats.chain(histograms) {
        let later = |than: &Option<Sample<'_>>| than.is_none_or(|s| s.time_ms < sample.time_ms);
        if later(&last) {
            (before, last) = (last, Some(sample));
        } else if later(&before) {
            before = Some(sample);
        }
    }
    Some((before?, last?))
}
