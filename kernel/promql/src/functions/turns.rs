//! `changes` and `resets`: how often something happens between neighbouring samples.

use portique_series::Value;

use crate::annotations::Annotations;

use super::samples::{Kind, Sample};
use super::{Call, Edges, Window};

pub(super) fn changes(_: &Call<'_>, window: &Window<'_>, _: &mut Annotations) -> Option<Value> {
    let differ = |then: f64, now: f64| now != then && !(now.is_nan() && then.is_nan());
    if let Some(floats) = only_floats(window) {
        return count(
            floats
                .windows(2)
                .filter(|pair| differ(pair[0], pair[1]))
                .count(),
        );
    }
    turns(window, |before, now| match (before.value, now.value) {
        (Kind::Float(then), Kind::Float(now)) => differ(then, now),
        (Kind::Histogram(then), Kind::Histogram(now)) => !now.equals(then),
        _ => true,
    })
}

pub(super) fn resets(_: &Call<'_>, window: &Window<'_>, _: &mut Annotations) -> Option<Value> {
    if let Some(floats) = only_floats(window)
        && window.floats.starts.is_empty()
    {
        if let (Some(first), Some(last)) = (window.falls.first(), window.falls.last()) {
            return Some(Value::Float(f64::from(last - first)));
        }
        return count(floats.windows(2).filter(|pair| pair[1] < pair[0]).count());
    }
    turns(window, |before, now| {
        now.began_after(before)
            || match (before.value, now.value) {
                (Kind::Float(then), Kind::Float(now)) => now < then,
                (Kind::Histogram(then), Kind::Histogram(now)) => now.is_reset_after(then),
                _ => true,
            }
    })
}

fn only_floats<'a>(window: &Window<'a>) -> Option<&'a [f64]> {
    let plain = window.edges == Edges::Inside && window.histograms.times.is_empty();
    plain.then_some(window.floats.values)
}

fn turns(window: &Window<'_>, turn: impl Fn(&Sample<'_>, &Sample<'_>) -> bool) -> Option<Value> {
    let mut samples = window.anchored_samples();
    let mut before = samples.next()?;
    let mut found = 0;
    for sample in samples {
        found += usize::from(turn(&before, &sample));
        before = sample;
    }
    count(found)
}

fn count(found: usize) -> Option<Value> {
    Some(Value::Float(found as f64))
}
