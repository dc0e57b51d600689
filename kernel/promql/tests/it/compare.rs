//! When a result is what was expected.

use portique_promql::{Level, MatrixSeries, Output, QueryValue, VectorSample};
use portique_series::{Histogram, Labels, MatchOp, Matcher, Value, is_stale};

use crate::case::{Case, Expected, ExpectedNote, Text};

/// Numbers may differ by this part of their sum.
const TOLERANCE: f64 = 1e-6;

type Difference = Result<(), String>;

/// Compares a result and what was noted with what a case expects.
pub(crate) fn output(case: &Case, query: &str, output: &Output) -> Difference {
    match (&case.expected, &output.value) {
        (Expected::Fail(_), _) => return Err("should fail".to_owned()),
        (Expected::Scalar(expected), QueryValue::Scalar(_, found)) => {
            same(&Value::Float(*expected), &Value::Float(*found))?;
        }
        (Expected::String(expected), QueryValue::String(_, found)) if expected == found => {}
        (Expected::Vector(expected), QueryValue::Vector(found)) => {
            vector(expected, found)?;
            if case.ordered {
                order(expected, found)?;
            }
        }
        (Expected::Vector(expected), QueryValue::Matrix(found))
            if expected.is_empty() && found.is_empty() => {}
        (Expected::Matrix(expected), QueryValue::Matrix(found)) => matrix(expected, found)?,
        (_, found) => return Err(format!("another kind: {found:?}")),
    }
    notes(&case.notes, query, output)
}

/// Whether an error says what it should.
pub(crate) fn failure(expected: &Text, found: &str) -> Difference {
    match recognises(expected, found) {
        true => Ok(()),
        false => Err(format!("error {found:?}")),
    }
}

/// Compares the series of a vector in any order.
pub(crate) fn vector(expected: &[(Labels, Option<Value>)], found: &[VectorSample]) -> Difference {
    for sample in found {
        let alike = found
            .iter()
            .filter(|other| other.labels == sample.labels)
            .count();
        if alike > 1 {
            return Err(format!("{} twice", sample.labels));
        }
        if !expected
            .iter()
            .any(|(labels, value)| *labels == sample.labels && value.is_some())
        {
            return Err(format!("unexpected {} {:?}", sample.labels, sample.value));
        }
    }
    for (labels, value) in expected {
        let Some(value) = value else { continue };
        let Some(sample) = found.iter().find(|sample| sample.labels == *labels) else {
            return Err(format!("missing {labels}"));
        };
        same(value, &sample.value).map_err(|error| format!("{labels}: {error}"))?;
    }
    Ok(())
}

fn order(expected: &[(Labels, Option<Value>)], found: &[VectorSample]) -> Difference {
    let wanted: Vec<&Labels> = expected.iter().map(|(labels, _)| labels).collect();
    let found: Vec<&Labels> = found.iter().map(|sample| &sample.labels).collect();
    match wanted == found {
        true => Ok(()),
        false => Err(format!("order: {found:?}")),
    }
}

fn matrix(expected: &[(Labels, Vec<(i64, Value)>)], found: &[MatrixSeries]) -> Difference {
    for series in found {
        if !expected.iter().any(|(labels, _)| *labels == series.labels) {
            return Err(format!("unexpected {} {:?}", series.labels, series.points));
        }
    }
    if !found.windows(2).all(|pair| pair[0].labels < pair[1].labels) {
        return Err("not sorted, or a series twice".to_owned());
    }
    for (labels, points) in expected {
        let Some(series) = found.iter().find(|series| series.labels == *labels) else {
            return Err(format!("missing {labels}"));
        };
        let times = |points: &[(i64, Value)]| points.iter().map(|(t, _)| *t).collect::<Vec<_>>();
        if times(points) != times(&series.points) {
            return Err(format!(
                "{labels}: expected {points:?}, found {:?}",
                series.points
            ));
        }
        for ((time, expected), (_, found)) in points.iter().zip(&series.points) {
            same(expected, found).map_err(|error| format!("{labels} @ {time}: {error}"))?;
        }
    }
    Ok(())
}

fn same(expected: &Value, found: &Value) -> Difference {
    let equal = match (expected, found) {
        (Value::Float(expected), Value::Float(found)) => almost(*expected, *found),
        (Value::Histogram(expected), Value::Histogram(found)) => same_histogram(expected, found),
        _ => false,
    };
    match equal {
        true => Ok(()),
        false => Err(format!("expected {expected:?}, found {found:?}")),
    }
}

fn same_histogram(expected: &Histogram, found: &Histogram) -> bool {
    let (mut expected, mut found) = (expected.clone(), found.clone());
    expected.compact();
    found.compact();
    let numbers = |h: &Histogram| [h.count, h.sum, h.zero_count, h.zero_threshold];
    let all_almost =
        |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| almost(*a, *b));
    expected.schema == found.schema
        && all_almost(&numbers(&expected), &numbers(&found))
        && expected.positive_spans == found.positive_spans
        && expected.negative_spans == found.negative_spans
        && all_almost(&expected.positive_buckets, &found.positive_buckets)
        && all_almost(&expected.negative_buckets, &found.negative_buckets)
        && all_almost(&expected.custom_bounds, &found.custom_bounds)
}

fn almost(a: f64, b: f64) -> bool {
    if is_stale(a) || is_stale(b) {
        return is_stale(a) && is_stale(b);
    }
    if a.is_nan() || b.is_nan() {
        return a.is_nan() && b.is_nan();
    }
    if a == b {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < TOLERANCE
}

fn notes(expected: &[ExpectedNote], query: &str, output: &Output) -> Difference {
    for (warning, level) in [(true, Level::Warning), (false, Level::Info)] {
        let found = output.annotations.texts(level, query);
        let wanted = expected.iter().filter(|note| note.warning == warning);
        let (present, absent): (Vec<_>, Vec<_>) = wanted.partition(|note| note.present);
        if !absent.is_empty() && !found.is_empty() {
            return Err(format!("unexpected {found:?}"));
        }
        if let Some(missing) = present
            .iter()
            .find(|note| !found.iter().any(|text| recognises(&note.text, text)))
        {
            return Err(format!(
                "missing annotation {}, found {found:?}",
                shown(&missing.text)
            ));
        }
        let extra = |text: &&String| !present.iter().any(|note| recognises(&note.text, text));
        if let Some(extra) = found.iter().find(extra).filter(|_| !present.is_empty()) {
            return Err(format!("extra annotation {extra:?}"));
        }
    }
    Ok(())
}

fn recognises(expected: &Text, found: &str) -> bool {
    match expected {
        Text::Any => true,
        Text::Exact(text) => found.contains(text.trim_matches('"')) || found.contains(text),
        Text::Regex(pattern) => {
            let anywhere = format!(".*(?:{pattern}).*");
            Matcher::new("text", MatchOp::Regex, &anywhere).is_ok_and(|m| m.matches(found))
        }
    }
}

fn shown(text: &Text) -> String {
    match text {
        Text::Any => "any".to_owned(),
        Text::Exact(text) | Text::Regex(text) => text.clone(),
    }
}
