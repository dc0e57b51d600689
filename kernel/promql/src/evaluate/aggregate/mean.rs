//! `avg`, of floats or of histograms.

use std::sync::Arc;

use portique_series::{Compensated, CounterReset, Histogram, HistogramMean};

use crate::column::{Column, Presence};

use super::fold::{Context, Fold};

/// What a group has at one step.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kinds {
    /// There is a float.
    pub(super) float: bool,
    /// There is a histogram.
    pub(super) histogram: bool,
    /// There are histograms that do not go together.
    pub(super) incompatible: bool,
    reset: bool,
    not_reset: bool,
}

impl Kinds {
    /// Keeps that there was this histogram.
    pub(super) fn see(&mut self, histogram: &Histogram) {
        self.histogram = true;
        self.reset |= histogram.counter_reset == CounterReset::Reset;
        self.not_reset |= histogram.counter_reset == CounterReset::NotReset;
    }

    /// Whether the step has a result; says why if it has none in spite of samples.
    pub(super) fn has_result(self, context: &mut Context) -> bool {
        if self.float && self.histogram {
            let text = "encountered a mix of histograms and floats for aggregation";
            context.notes.warn(context.position, text);
            return false;
        }
        if self.reset && self.not_reset && !self.incompatible {
            let text = "conflicting counter resets during histogram aggregation";
            context.notes.warn(context.position, text);
        }
        (self.float || self.histogram) && !self.incompatible
    }

    /// A result as it is shown.
    pub(super) fn finished(self, mut histogram: Histogram) -> Arc<Histogram> {
        histogram.compact();
        Arc::new(histogram)
    }
}

/// The mean of floats: their sum divided, or, once that would overflow, a running mean.
#[derive(Debug, Clone, Copy, Default)]
struct FloatMean {
    state: Compensated,
    count: f64,
    running: bool,
}

impl FloatMean {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            self.state = Compensated::new(value);
            return;
        }
        if !self.running {
            let mut sum = self.state;
            sum.add(value);
            if !sum.value.is_infinite() {
                self.state = sum;
                return;
            }
            self.running = true;
            let before = self.count - 1.0;
            self.state.value /= before;
            self.state.lost /= before;
        }
        let share = (self.count - 1.0) / self.count;
        self.state.scale(share);
        self.state.add(value / self.count);
    }

    fn mean(self) -> f64 {
        match self.running {
            true => self.state.total(),
            false => self.state.value / self.count + self.state.lost / self.count,
        }
    }
}

/// The mean at each step.
pub(super) struct Mean {
    floats: Vec<FloatMean>,
    kinds: Vec<Kinds>,
    /// Empty while there is no histogram.
    histograms: Vec<Option<HistogramMean>>,
}

impl Mean {
    pub(super) fn new(steps: usize) -> Self {
        Self {
            floats: vec![FloatMean::default(); steps],
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
            None if kinds.float => {}
            None => self.histograms[step] = Some(HistogramMean::new(histogram)),
            Some(mean) => {
                let merged = mean.add(histogram);
                kinds.merged(merged, metric, context);
            }
        }
    }
}

impl Fold for Mean {
    fn add(&mut self, column: &Column, metric: &str, context: &mut Context) -> usize {
        for step in 0..column.steps() {
            match column.presence(step) {
                Presence::Absent => {}
                Presence::Float if self.kinds[step].incompatible => {}
                Presence::Float => {
                    self.floats[step].add(column.float(step).unwrap_or_default());
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
                Some(mean) => column.set_histogram(step, kinds.finished(mean.into_mean())),
                None => column.set_float(step, self.floats[step].mean()),
            }
        }
        (column, 0)
    }
}
