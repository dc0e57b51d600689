//! Evaluates a tree over the steps of a query.
//!
//! An expression that yields a vector is evaluated series by series: each is handed to a sink as a
//! [`Column`] over all steps, in a buffer that is used again for the next. Only operators that need
//! several series at once (joins, `topk`, sorting) hold them.

mod absent;
mod aggregate;
mod binary;
mod broadcast;
mod call;
mod hints;
mod info;
mod invariant;
mod labels;
mod merge;
mod over_range;
mod parallel;
mod range;
mod relabel;
mod scalar;
mod select;
mod sort;
mod subquery;
mod unary;

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use portique_series::{Labels, Source};

use crate::annotations::Annotations;
use crate::budget::Budget;
use crate::column::{Column, SeriesColumn};
use crate::config::{Config, Interrupt, Interruption};
use crate::error::Error;
use crate::steps::{Shift, Steps, TIME_MS_MAX};
use crate::syntax::{At, DurationContext, DurationExpr, Expr, ParseError, ParseErrors};

pub(crate) use hints::hinted_selectors;
pub(crate) use labels::without_metadata;
pub(crate) use merge::Merger;
pub(crate) use range::{Decoded, points};

/// One series on its way to a sink.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item<'a> {
    /// Its labels.
    pub(crate) labels: &'a Labels,
    /// Whether the metric's name goes at the end.
    pub(crate) drop_name: bool,
    /// Its values; at least one step has one.
    pub(crate) column: &'a Column,
}

/// Takes series one after another.
pub(crate) type Sink<'s> = dyn FnMut(Item<'_>) -> Result<(), Error> + 's;

/// One query being evaluated.
pub(crate) struct Evaluation<'a> {
    /// Where samples come from.
    pub(crate) source: &'a dyn Source,
    /// The engine's settings.
    pub(crate) config: &'a Config,
    /// The query's text, for positions.
    pub(crate) query: &'a str,
    /// The lookback that holds here.
    pub(crate) lookback_ms: i64,
    /// The steps of the whole query.
    pub(crate) steps: Steps,
    /// Its end, which may lie after the last step.
    pub(crate) to_ms: i64,
    /// What durations may refer to.
    pub(crate) durations: DurationContext,
    /// Samples held.
    pub(crate) budget: Budget,
    /// Whether to go on.
    pub(crate) interrupt: Option<&'a dyn Interrupt>,
    /// Where the selectors begin whose histograms get hints about counter resets.
    pub(crate) hinted: HashSet<usize>,
    /// What has been noticed.
    pub(crate) notes: Mutex<Annotations>,
}

impl Evaluation<'_> {
    /// Hands every series of a vector expression to a sink.
    ///
    /// # Errors
    /// What evaluation or the sink meets.
    pub(crate) fn each(&self, expr: &Expr, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        self.check()?;
        if steps.count == 0 {
            return Ok(());
        }
        if steps.count > 1 && invariant::is_invariant(expr) {
            return self.broadcast(expr, steps, sink);
        }
        match expr {
            Expr::Paren(paren) => self.each(&paren.expr, steps, sink),
            Expr::Vector(selector) => self.select(selector, steps, sink),
            Expr::Call(call) => self.call(call, steps, sink),
            Expr::Aggregate(aggregate) => self.aggregate(aggregate, steps, sink),
            Expr::Binary(binary) => self.binary(binary, steps, sink),
            Expr::Unary(unary) => self.unary(unary, steps, sink),
            Expr::Number(_) | Expr::String(_) | Expr::Matrix(_) | Expr::Subquery(_) => Err(
                Error::execution(format!("unexpected {}", expr.value_type().documented())),
            ),
        }
    }

    /// All series of a vector expression.
    ///
    /// # Errors
    /// What evaluation meets.
    pub(crate) fn vector(&self, expr: &Expr, steps: Steps) -> Result<Vec<SeriesColumn>, Error> {
        let mut series = Vec::new();
        self.each(expr, steps, &mut |item| {
            self.budget.charge(item.column.size())?;
            series.push(item.to_series());
            Ok(())
        })?;
        Ok(series)
    }

    /// Hands on what is held, and takes it off the budget.
    pub(crate) fn drain(&self, held: Vec<SeriesColumn>, sink: &mut Sink<'_>) -> Result<(), Error> {
        for series in held {
            self.budget.release(series.column.size());
            if !series.column.is_empty() {
                sink(series.item())?;
            }
        }
        Ok(())
    }

    /// Takes series that are no longer needed off the budget.
    pub(crate) fn forget(&self, held: Vec<SeriesColumn>) {
        let samples = held.iter().map(|series| series.column.size()).sum();
        self.budget.release(samples);
    }

    /// Whether the query has to end.
    ///
    /// # Errors
    /// Says so.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.interrupt.and_then(Interrupt::interruption) {
            None => Ok(()),
            Some(Interruption::Canceled) => Err(Error::Canceled),
            Some(Interruption::TimedOut) => Err(Error::TimedOut),
        }
    }

    /// Keeps annotations.
    pub(crate) fn note(&self, notes: Annotations) {
        if !notes.is_empty() {
            let mut kept = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
            kept.merge(notes);
        }
    }

    /// The time a selector or subquery reads.
    fn shift(&self, at: Option<At>, offset: Option<&DurationExpr>) -> Result<Shift, Error> {
        let at_ms = at.map(|at| match at {
            At::Timestamp(at_ms) => at_ms,
            At::Start => self.steps.start_ms,
            At::End => self.to_ms,
        });
        if let Some(at_ms) = at_ms.filter(|at_ms| !(-TIME_MS_MAX..=TIME_MS_MAX).contains(at_ms)) {
            return Err(Error::BadParameter {
                reason: format!("timestamp out of bounds for @ modifier: {at_ms} ms"),
            });
        }
        let offset_ms = match offset {
            None => 0,
            Some(offset) => self.duration(offset.shift_ms(self.durations))?,
        };
        Ok(Shift { at_ms, offset_ms })
    }

    /// A duration, or an error with its place.
    fn duration(&self, computed: Result<i64, ParseError>) -> Result<i64, Error> {
        computed.map_err(|error| Error::Parse(ParseErrors::new(self.query, vec![error])))
    }
}

impl Item<'_> {
    /// Kept for later.
    pub(crate) fn to_series(self) -> SeriesColumn {
        SeriesColumn {
            labels: self.labels.clone(),
            drop_name: self.drop_name,
            column: self.column.clone(),
        }
    }
}

impl SeriesColumn {
    /// As an item for a sink.
    pub(crate) fn item(&self) -> Item<'_> {
        Item {
            labels: &self.labels,
            drop_name: self.drop_name,
            column: &self.column,
        }
    }
}
