//! What a query comes to.

use portique_series::{Labels, Value};

use crate::annotations::Annotations;
use crate::column::{Column, SeriesColumn};
use crate::error::Error;
use crate::evaluate::{Merger, without_metadata};
use crate::steps::Steps;

/// The answer to a query.
#[derive(Debug, Clone)]
pub struct Output {
    /// What it comes to.
    pub value: QueryValue,
    /// What was noticed on the way.
    pub annotations: Annotations,
}

/// What a query comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum QueryValue {
    /// One number; the time is that of the query, Unix milliseconds.
    Scalar(i64, f64),
    /// A text.
    String(i64, String),
    /// One sample of each series, all at the time of the query, in the order the query gives them.
    Vector(Vec<VectorSample>),
    /// Samples of each series, sorted by labels.
    Matrix(Vec<MatrixSeries>),
}

/// One sample of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorSample {
    /// The series.
    pub labels: Labels,
    /// Unix milliseconds.
    pub timestamp_ms: i64,
    /// Its value.
    pub value: Value,
}

/// Samples of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixSeries {
    /// The series.
    pub labels: Labels,
    /// Unix milliseconds and value, by ascending time.
    pub points: Vec<(i64, Value)>,
}

/// Removes the names that were to go at the end, and makes one of what has the same labels then.
pub(crate) fn named(held: Vec<SeriesColumn>, steps: Steps) -> Result<Vec<SeriesColumn>, Error> {
    if !held.iter().any(|series| series.drop_name) {
        return Ok(held);
    }
    let mut merger = Merger::new(steps.count);
    for mut series in held {
        if series.drop_name {
            series.labels = without_metadata(&series.labels);
            series.drop_name = false;
        }
        merger.add(series)?;
    }
    Ok(merger.into_series())
}

/// As an instant query shows them.
pub(crate) fn vector(series: Vec<SeriesColumn>, timestamp_ms: i64) -> Vec<VectorSample> {
    let samples = series.into_iter().filter_map(|series| {
        let value = series.column.value(0)?;
        Some(VectorSample {
            labels: series.labels,
            timestamp_ms,
            value,
        })
    });
    samples.collect()
}

/// As a range query shows them, in any order.
pub(crate) fn matrix(series: Vec<SeriesColumn>, steps: Steps) -> Vec<MatrixSeries> {
    let points = |column: &Column| {
        let value = |step: usize| column.value(step).map(|value| (steps.time(step), value));
        (0..steps.count).filter_map(value).collect::<Vec<_>>()
    };
    let series = series.into_iter().map(|series| MatrixSeries {
        points: points(&series.column),
        labels: series.labels,
    });
    series.filter(|series| !series.points.is_empty()).collect()
}
