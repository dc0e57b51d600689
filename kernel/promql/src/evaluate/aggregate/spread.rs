//! `stddev`, `stdvar` and `quantile`: of floats only.

use crate::column::{Column, Presence};
use crate::functions::quantile_of;

use super::fold::{Context, Fold};

/// The variance at each step, after Welford.
pub(super) struct Spread {
    root: bool,
    states: Vec<State>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    /// The variance, or its `root`.
    pub(super) fn new(steps: usize, root: bool) -> Self {
        Self {
            root,
            states: vec![State::default(); steps],
        }
    }
}

impl State {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            self.mean = value;
            self.squares = if value.is_finite() { 0.0 } else { f64::NAN };
            return;
        }
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }
}

impl Fold for Spread {
    fn add(&mut self, column: &Column, _: &str, context: &mut Context) -> usize {
        each_float(column, context, |step, value| self.states[step].add(value));
        0
    }

    fn finish(self: Box<Self>, _: &dyn Fn(usize) -> f64, _: &mut Context) -> (Column, usize) {
        let mut column = Column::new(self.states.len());
        for (step, state) in self
            .states
            .iter()
            .enumerate()
            .filter(|(_, s)| s.count > 0.0)
        {
            let variance = state.squares / state.count;
            column.set_float(step, if self.root { variance.sqrt() } else { variance });
        }
        (column, 0)
    }
}

/// All values at each step, to be sorted at the end.
pub(super) struct Quantile {
    values: Vec<Vec<f64>>,
    held: usize,
}

impl Quantile {
    pub(super) fn new(steps: usize) -> Self {
        Self {
            values: vec![Vec::new(); steps],
            held: 0,
        }
    }
}

impl Fold for Quantile {
    fn add(&mut self, column: &Column, _: &str, context: &mut Context) -> usize {
        let before = self.held;
        each_float(column, context, |step, value| {
            self.values[step].push(value);
            self.held += 1;
        });
        self.held - before
    }

    fn finish(
        self: Box<Self>,
        quantile: &dyn Fn(usize) -> f64,
        _: &mut Context,
    ) -> (Column, usize) {
        let mut column = Column::new(self.values.len());
        for (step, mut values) in self.values.into_iter().enumerate() {
            if !values.is_empty() {
                column.set_float(step, quantile_of(&mut values, quantile(step)));
            }
        }
        (column, self.held)
    }
}

fn each_float(column: &Column, context: &mut Context, mut take: impl FnMut(usize, f64)) {
    for step in 0..column.steps() {
        match column.presence(step) {
            Presence::Absent => {}
            Presence::Histogram => context.ignored_histogram(),
            Presence::Float => take(step, column.float(step).unwrap_or_default()),
        }
    }
}
