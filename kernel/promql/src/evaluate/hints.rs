//! Counter resets found while reading.
//!
//! Prometheus reads only count and sum of histograms that go through `histogram_count` and the like, and finds counter
//! resets while it does. That shows in annotations, so it is done here for the same selectors.

use std::collections::HashSet;
use std::sync::Arc;

use portique_series::{CounterReset, Histogram, Samples, is_stale};

use crate::syntax::{Expr, Function};

/// Where the selectors begin whose histograms get hints.
pub(crate) fn hinted_selectors(expr: &Expr) -> HashSet<usize> {
    let mut found = HashSet::new();
    collect(expr, false, false, &mut found);
    found
}

fn collect(expr: &Expr, summed: bool, whole: bool, found: &mut HashSet<usize>) {
    let (mut summed, mut whole) = (summed, whole);
    match expr {
        Expr::Vector(selector) if summed && !whole => {
            found.insert(selector.span.start);
        }
        Expr::Matrix(matrix) if summed && !whole => {
            found.insert(matrix.selector.span.start);
        }
        // Between its steps samples may be missed: resets are found by comparing.
        Expr::Subquery(_) => whole = true,
        Expr::Call(call) => match call.function {
            Function::HistogramAvg | Function::HistogramCount | Function::HistogramSum => {
                summed = true;
            }
            Function::HistogramFraction | Function::HistogramQuantile => whole = true,
            _ => {}
        },
        _ => {}
    }
    for child in expr.children() {
        collect(child, summed, whole, found);
    }
}

/// Gives each histogram without a hint one, by comparing it with the one before.
pub(super) fn detect(samples: &mut Samples) {
    let mut previous: Option<Arc<Histogram>> = None;
    for place in samples.histograms.iter_mut().flatten() {
        if is_stale(place.sum) {
            continue;
        }
        let current = Arc::clone(place);
        if let Some(previous) = &previous
            && current.counter_reset == CounterReset::Unknown
        {
            let mut hinted = Histogram::clone(&current);
            hinted.counter_reset = match current.is_reset_after(previous) {
                true => CounterReset::Reset,
                false => CounterReset::NotReset,
            };
            *place = Arc::new(hinted);
        }
        previous = Some(current);
    }
}
