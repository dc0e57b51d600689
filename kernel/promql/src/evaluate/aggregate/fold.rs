//! What is made of the columns of a group, one after another.

use crate::annotations::Annotations;
use crate::column::{Column, Presence};
use crate::syntax::AggregateOp;

use super::mean::Mean;
use super::spread::{Quantile, Spread};
use super::sum::Sum;

/// An aggregation of one group.
pub(super) trait Fold {
    /// Takes a column in and says how many more samples are held.
    fn add(&mut self, column: &Column, metric: &str, context: &mut Context) -> usize;

    /// The result, and how many samples were held.
    fn finish(
        self: Box<Self>,
        quantile: &dyn Fn(usize) -> f64,
        context: &mut Context,
    ) -> (Column, usize);
}

/// Which aggregation it is, and where what it notices goes.
#[derive(Debug)]
pub(super) struct Context {
    /// As written.
    pub(super) name: &'static str,
    /// Where what is aggregated begins.
    pub(super) position: usize,
    /// What has been noticed.
    pub(super) notes: Annotations,
}

impl Context {
    /// Says that there was a histogram where only floats count.
    pub(super) fn ignored_histogram(&mut self) {
        let name = self.name;
        self.notes.info(
            self.position,
            format!("ignored histogram in {name} aggregation"),
        );
    }
}

/// The aggregation of an operator that yields one series for each group.
pub(super) fn new(op: AggregateOp, steps: usize) -> Box<dyn Fold> {
    match op {
        AggregateOp::Sum => Box::new(Sum::new(steps)),
        AggregateOp::Avg => Box::new(Mean::new(steps)),
        AggregateOp::Max => Box::new(Extreme::new(steps, |kept, new| kept < new)),
        AggregateOp::Min => Box::new(Extreme::new(steps, |kept, new| kept > new)),
        AggregateOp::Stddev => Box::new(Spread::new(steps, true)),
        AggregateOp::Stdvar => Box::new(Spread::new(steps, false)),
        AggregateOp::Quantile => Box::new(Quantile::new(steps)),
        AggregateOp::Group => Box::new(Count::new(steps, true)),
        AggregateOp::Count
        | AggregateOp::CountValues
        | AggregateOp::Bottomk
        | AggregateOp::LimitRatio
        | AggregateOp::Limitk
        | AggregateOp::Topk => Box::new(Count::new(steps, false)),
    }
}

/// `max` and `min`.
struct Extreme {
    replaces: fn(f64, f64) -> bool,
    column: Column,
}

impl Extreme {
    fn new(steps: usize, replaces: fn(f64, f64) -> bool) -> Self {
        Self {
            replaces,
            column: Column::new(steps),
        }
    }
}

impl Fold for Extreme {
    fn add(&mut self, column: &Column, _: &str, context: &mut Context) -> usize {
        for step in 0..column.steps() {
            match column.presence(step) {
                Presence::Absent => {}
                Presence::Histogram => context.ignored_histogram(),
                Presence::Float => {
                    let new = column.float(step).unwrap_or_default();
                    let kept = self.column.float(step);
                    if kept.is_none_or(|kept| kept.is_nan() || (self.replaces)(kept, new)) {
                        self.column.set_float(step, new);
                    }
                }
            }
        }
        0
    }

    fn finish(self: Box<Self>, _: &dyn Fn(usize) -> f64, _: &mut Context) -> (Column, usize) {
        (self.column, 0)
    }
}

/// `count` and `group`.
struct Count {
    /// Counts nothing: is 1 where there is anything.
    group: bool,
    counts: Vec<u64>,
}

impl Count {
    fn new(steps: usize, group: bool) -> Self {
        Self {
            group,
            counts: vec![0; steps],
        }
    }
}

impl Fold for Count {
    fn add(&mut self, column: &Column, _: &str, _: &mut Context) -> usize {
        for (step, count) in self.counts.iter_mut().enumerate() {
            *count += u64::from(column.presence(step) != Presence::Absent);
        }
        0
    }

    fn finish(self: Box<Self>, _: &dyn Fn(usize) -> f64, _: &mut Context) -> (Column, usize) {
        let mut column = Column::new(self.counts.len());
        for (step, count) in self
            .counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
        {
            column.set_float(step, if self.group { 1.0 } else { *count as f64 });
        }
        (column, 0)
    }
}
