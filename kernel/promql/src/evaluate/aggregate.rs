//! Aggregations over the series of a vector.

mod count_values;
mod fold;
mod groups;
mod mean;
mod pick;
mod spread;
mod sum;

use crate::annotations::Annotations;
use crate::column::SeriesColumn;
use crate::error::Error;
use crate::numbers::general;
use crate::steps::Steps;
use crate::syntax::{Aggregate, AggregateOp};

use super::scalar::at;
use super::{Evaluation, Merger, Sink};
use fold::{Context, Fold};
use groups::Groups;

impl Evaluation<'_> {
    /// Hands the results of an aggregation on.
    pub(super) fn aggregate(
        &self,
        aggregate: &Aggregate,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        match aggregate.op {
            AggregateOp::CountValues => self.count_values(aggregate, steps, sink),
            AggregateOp::Bottomk
            | AggregateOp::LimitRatio
            | AggregateOp::Limitk
            | AggregateOp::Topk => self.pick(aggregate, steps, sink),
            _ => self.fold(aggregate, steps, sink),
        }
    }

    /// One series for each group.
    fn fold(&self, aggregate: &Aggregate, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        let quantiles = match aggregate.op {
            AggregateOp::Quantile => self.quantiles(aggregate, steps)?,
            _ => Vec::new(),
        };
        let mut context = Context {
            name: aggregate.op.as_str(),
            position: aggregate.expr.span().start,
            notes: Annotations::default(),
        };
        let mut groups = Groups::new(&aggregate.grouping, aggregate.without);
        let mut folds: Vec<(Box<dyn Fold>, bool)> = Vec::new();
        self.each(&aggregate.expr, steps, &mut |item| {
            let group = groups.of(item.labels);
            if group == folds.len() {
                self.budget.charge(steps.count)?;
                folds.push((fold::new(aggregate.op, steps.count), false));
            }
            let (fold, drop_name) = &mut folds[group];
            *drop_name |= item.drop_name;
            let grown = fold.add(item.column, item.labels.metric(), &mut context);
            self.budget.charge(grown)
        })?;
        self.budget.release(steps.count * folds.len());
        let finished = folds.into_iter().zip(groups.into_labels());
        let quantile = |step: usize| match quantiles.is_empty() {
            true => f64::NAN,
            false => at(&quantiles, step),
        };
        let mut series = Vec::new();
        for ((fold, drop_name), labels) in finished {
            let (column, held) = fold.finish(&quantile, &mut context);
            self.budget.release(held);
            series.push(SeriesColumn {
                labels,
                drop_name,
                column,
            });
        }
        self.note(context.notes);
        let filled = series
            .into_iter()
            .filter(|series| !series.column.is_empty());
        filled
            .into_iter()
            .try_for_each(|series| sink(series.item()))
    }

    /// The parameter of `quantile`, with warnings when it makes no sense.
    fn quantiles(&self, aggregate: &Aggregate, steps: Steps) -> Result<Vec<f64>, Error> {
        let (quantiles, position) = self.parameter(aggregate, steps)?;
        let mut notes = Annotations::default();
        let lowest = quantiles.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = quantiles.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut warn = |value: f64| {
            let value = general(value);
            notes.warn(
                position,
                format!("quantile value should be between 0 and 1, got {value}"),
            );
        };
        if quantiles.iter().any(|quantile| quantile.is_nan()) {
            warn(f64::NAN);
        }
        if highest > 1.0 {
            warn(highest);
        }
        if lowest < 0.0 {
            warn(lowest);
        }
        self.note(notes);
        Ok(quantiles)
    }

    /// The scalar parameter at each step, and where it is written.
    fn parameter(&self, aggregate: &Aggregate, steps: Steps) -> Result<(Vec<f64>, usize), Error> {
        let Some(param) = &aggregate.param else {
            return Err(Error::execution(format!(
                "{} takes a parameter",
                aggregate.op.as_str()
            )));
        };
        let param = param.without_parens();
        Ok((self.scalar(param, steps)?, param.span().start))
    }

    /// Hands on what several series may have come to under one set of labels.
    fn merged(
        &self,
        steps: Steps,
        series: impl IntoIterator<Item = SeriesColumn>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let mut merger = Merger::new(steps.count);
        series
            .into_iter()
            .try_for_each(|series| merger.add(series))?;
        let merged = merger.into_series();
        merged.iter().try_for_each(|series| sink(series.item()))
    }
}
