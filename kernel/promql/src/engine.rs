//! Answers queries.

use std::sync::{Mutex, PoisonError};

use portique_series::{Labels, Source};

use crate::budget::Budget;
use crate::column::SeriesColumn;
use crate::config::{Config, Options};
use crate::error::Error;
use crate::evaluate::{Evaluation, hinted_selectors, without_metadata};
use crate::output::{MatrixSeries, Output, QueryValue, matrix, named, vector};
use crate::steps::{Steps, TIME_MS_MAX};
use crate::syntax::{DurationContext, Expr, ValueType, parse};

/// Evaluates queries on any [`Source`]. Calls block: async callers run them where that is allowed.
#[derive(Debug, Clone)]
pub struct Engine {
    config: Config,
}

/// A parsed query and its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    text: String,
    expr: Expr,
}

impl Query {
    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it says.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }
}

/// The times of a range query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// The first, Unix milliseconds.
    pub from_ms: i64,
    /// Not after this.
    pub to_ms: i64,
    /// Distance, over 0.
    pub step_ms: i64,
}

impl Engine {
    /// An engine with these settings.
    pub fn new(config: Config) -> Self {
        Self { config }
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Parses a query, to be evaluated any number of times.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn prepare(&self, text: &str) -> Result<Query, Error> {
        let expr = parse(text, &self.config.syntax).map_err(Error::Parse)?;
        Ok(Query {
            text: text.to_owned(),
            expr,
        })
    }

    /// Evaluates a query at one time.
    ///
    /// # Errors
    /// When the query is malformed, cannot be evaluated on these data, needs more than a limit allows, or has to end.
    pub fn instant(
        &self,
        source: &dyn Source,
        query: &str,
        time_ms: i64,
        options: &Options<'_>,
    ) -> Result<Output, Error> {
        self.instant_of(source, &self.prepare(query)?, time_ms, options)
    }

    /// Evaluates a query at evenly spaced times.
    ///
    /// # Errors
    /// As [`instant`](Self::instant), and when there are too many steps or the query yields a range or a text.
    pub fn range(
        &self,
        source: &dyn Source,
        query: &str,
        range: TimeRange,
        options: &Options<'_>,
    ) -> Result<Output, Error> {
        self.range_of(source, &self.prepare(query)?, range, options)
    }

    /// As [`instant`](Self::instant), of a query that has been parsed.
    ///
    /// # Errors
    /// As there, but for malformed queries.
    pub fn instant_of(
        &self,
        source: &dyn Source,
        query: &Query,
        time_ms: i64,
        options: &Options<'_>,
    ) -> Result<Output, Error> {
        check_time(time_ms)?;
        let steps = Steps::once(time_ms);
        let evaluation = self.evaluation(source, query, steps, time_ms, options);
        let expr = &query.expr;
        let value = match expr.value_type() {
            ValueType::Scalar => {
                let values = evaluation.scalar(expr, steps)?;
                QueryValue::Scalar(time_ms, values[0])
            }
            ValueType::String => QueryValue::String(time_ms, string(expr)?),
            ValueType::Matrix => QueryValue::Matrix(evaluation.samples(expr, steps)?),
            ValueType::Vector => {
                let held = evaluation.vector(expr, steps)?;
                QueryValue::Vector(vector(named(held, steps)?, time_ms))
            }
        };
        Ok(evaluation.output(value))
    }

    /// As [`range`](Self::range), of a query that has been parsed.
    ///
    /// # Errors
    /// As there, but for malformed queries.
    pub fn range_of(
        &self,
        source: &dyn Source,
        query: &Query,
        range: TimeRange,
        options: &Options<'_>,
    ) -> Result<Output, Error> {
        let kind = query.expr.value_type();
        if !matches!(kind, ValueType::Scalar | ValueType::Vector) {
            let kind = kind.documented();
            return Err(bad_parameter(format!(
                "invalid expression type \"{kind}\" for range query, must be Scalar or instant Vector"
            )));
        }
        let steps = self.steps(range)?;
        let evaluation = self.evaluation(source, query, steps, range.to_ms, options);
        let held = match kind {
            ValueType::Scalar => vec![SeriesColumn {
                labels: Labels::empty(),
                drop_name: false,
                column: evaluation.scalar_column(&query.expr, steps)?,
            }],
            _ => evaluation.vector(&query.expr, steps)?,
        };
        let mut series = matrix(named(held, steps)?, steps);
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(evaluation.output(QueryValue::Matrix(series)))
    }

    fn evaluation<'a>(
        &'a self,
        source: &'a dyn Source,
        query: &'a Query,
        steps: Steps,
        to_ms: i64,
        options: &Options<'a>,
    ) -> Evaluation<'a> {
        Evaluation {
            source,
            config: &self.config,
            query: &query.text,
            lookback_ms: options.lookback_ms.unwrap_or(self.config.lookback_ms),
            steps,
            to_ms,
            durations: DurationContext {
                step_ms: steps.step_ms,
                range_ms: to_ms.saturating_sub(steps.start_ms),
            },
            budget: Budget::new(self.config.samples_max),
            interrupt: options.interrupt,
            hinted: hinted_selectors(&query.expr),
            notes: Mutex::default(),
        }
    }

    fn steps(&self, range: TimeRange) -> Result<Steps, Error> {
        if range.step_ms <= 0 {
            return Err(bad_parameter(
                "zero or negative query resolution step widths are not accepted. Try a positive integer",
            ));
        }
        check_time(range.from_ms)?;
        check_time(range.to_ms)?;
        if range.to_ms < range.from_ms {
            return Err(bad_parameter("end timestamp must not be before start time"));
        }
        let steps = Steps::between(range.from_ms, range.to_ms, range.step_ms);
        if steps.count > self.config.steps_max.saturating_add(1) {
            let steps_max = self.config.steps_max;
            return Err(bad_parameter(format!(
                "exceeded maximum resolution of {steps_max} points per timeseries. Try decreasing the query resolution (?step=XX)"
            )));
        }
        Ok(steps)
    }
}

impl Evaluation<'_> {
    /// The samples of a range expression, as an instant query shows them.
    fn samples(&self, expr: &Expr, steps: Steps) -> Result<Vec<MatrixSeries>, Error> {
        let expr = expr.without_parens();
        let shape = self.range_shape(expr)?;
        let mut series = Vec::new();
        self.each_range(expr, shape, steps, &mut |labels, drop_name, decoded| {
            let Some(Some(window)) = decoded.windows(shape, steps).next() else {
                return Ok(());
            };
            self.budget.charge(decoded.size())?;
            let points = crate::evaluate::points(&window)?;
            if points.is_empty() {
                return Ok(());
            }
            let labels = match drop_name {
                true => without_metadata(labels),
                false => labels.clone(),
            };
            series.push(MatrixSeries { labels, points });
            Ok(())
        })?;
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(series)
    }

    fn output(self, value: QueryValue) -> Output {
        Output {
            value,
            annotations: self
                .notes
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner),
        }
    }
}

fn string(expr: &Expr) -> Result<String, Error> {
    match expr.without_parens() {
        Expr::String(literal) => Ok(String::from_utf8_lossy(&literal.bytes).into_owned()),
        _ => Err(Error::execution("expected a string")),
    }
}

fn check_time(time_ms: i64) -> Result<(), Error> {
    match (-TIME_MS_MAX..=TIME_MS_MAX).contains(&time_ms) {
        true => Ok(()),
        false => Err(bad_parameter(format!(
            "timestamp out of bounds: {time_ms} ms"
        ))),
    }
}

fn bad_parameter(reason: impl Into<String>) -> Error {
    Error::BadParameter {
        reason: reason.into(),
    }
}
