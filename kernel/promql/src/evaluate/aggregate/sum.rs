//! `sum`, of floats or of histograms.

use std::sync::Arc;

use portique_series::{Compensated, Histogram, HistogramSum, Merged};

use crate::column::{Column, Presence};

use super::fold::{Context, Fold};
use super::mean::Kinds;

/// The sum at each step.
pub(super) struct Sum {
    floats: Vec<Compensated>,
    kinds: Vec<Kinds>,
    /// Empty while there is no histogram.
    histograms: Vec<Option<HistogramSum>>,
}

impl Sum {
    pub(super) fn new(steps: usize) -> Self {
        Self {
            floats: vec![Compensated::default(); steps],
            kinds: vec![Kinds::default(); steps],
            histograms: Vec::new(),
        }
    }

    fn add_histogram(
        &mut self,
        step: usize,
        histogram: &Arc<Histogram>,
        metric: &str,
        context: &mut Context,
    ) {
        self.histograms.resize_with(self.kinds.len(), || None);
        let kinds = &mut self.kinds[step];
        if kinds.incompatible {
            return;
        }
        kinds.see(histogram);
        match &mut self.histograms[step] {
            // With floats there is no result: no need to add up.
            None if kinds.float => {}
            None => self.histograms[step] = Some(HistogramSum::new(histogram)),
            Some(sum) => {
                let merged = sum.add(histogram);
                kinds.merged(merged, metric, context);
            }
        }
    }
}

impl Fold for Sum {
    fn add(&mut self, column: &Column, metric: &str, context: &mut Context) -> usize {
        for step in 0..column.steps() {
            match column.presence(step) {
                Presence::Absent => {}
                Presence::Float if self.kinds[step].incompatible => {}
                Presence::Float => {
                    let value = column.float(step).unwrap_or_default();
                    match self.kinds[step].float {
                        true => self.floats[step].add(value),
                        false => self.floats[step] = Compensated::new(value),
                    }
                    self.kinds[step].float = true;
                }
                Presence::Histogram => {
                    if let Some(histogram) = column.histogram(step) {
                        self.add_histogram(step, histogram, metric, context);
                    }
                }
            }
        }
        0
    }

    fn finish(
        mut self: Box<Self>,
        _: &dyn Fn(usize) -> f64,
        context: &mut Context,
    ) -> (Column, usize) {
        let mut column = Column::new(self.kinds.len());
        for step in 0..self.kinds.len() {
            let kinds = self.kinds[step];
            if !kinds.has_result(context) {
                continue;
            }
            match self.histograms.get_mut(step).and_then(Option::take) {
                Some(sum) => column.set_histogram(step, kinds.finished(sum.into_total())),
                None => column.set_float(step, self.floats[step].total()),
            }
        }
        (column, 0)
    }
}

impl Kinds {
    /// Keeps what came of adding one more histogram.
    pub(super) fn merged(&mut self, merged: Option<Merged>, metric: &str, context: &mut Context) {
        let position = context.position;
        match merged {
            None => {
                self.incompatible = true;
                context.notes.warn(position, format!(
                    "vector contains a mix of histograms with exponential and custom buckets schemas for metric name {metric:?}"
                ));
            }
            Some(merged) if merged.bounds_reconciled => {
                let text = "mismatched custom buckets were reconciled during aggregation";
                context.notes.info(position, text);
            }
            Some(_) => {}
        }
    }
}
