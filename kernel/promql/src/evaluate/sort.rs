//! The order of an instant query's result.

use std::cmp::Ordering;

use crate::column::SeriesColumn;
use crate::error::Error;
use crate::steps::Steps;
use crate::syntax::{Call, Function};

use super::call::text;
use super::{Evaluation, Sink};

impl Evaluation<'_> {
    /// `sort` and the like. The series of a range query are ordered by their labels at the end, so that only
    /// instant queries show it.
    pub(super) fn sort(&self, call: &Call, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        let mut held = self.vector(&call.args[0], steps)?;
        match call.function {
            Function::Sort | Function::SortDesc => {
                let descending = call.function == Function::SortDesc;
                held.iter_mut().for_each(only_floats);
                held.sort_by(|a, b| by_value(a, b, descending));
            }
            _ => {
                let names: Vec<String> =
                    call.args[1..].iter().map(text).collect::<Result<_, _>>()?;
                held.sort_by(|a, b| by_labels(a, b, &names));
                if call.function == Function::SortByLabelDesc {
                    held.reverse();
                }
            }
        }
        self.drain(held, sink)
    }
}

/// Histograms have no order.
fn only_floats(series: &mut SeriesColumn) {
    for step in 0..series.column.steps() {
        if series.column.histogram(step).is_some() {
            series.column.set(step, None);
        }
    }
}

/// By the first step's value, NaN and nothing last.
fn by_value(a: &SeriesColumn, b: &SeriesColumn, descending: bool) -> Ordering {
    let value = |series: &SeriesColumn| series.column.float(0).filter(|value| !value.is_nan());
    match (value(a), value(b)) {
        (Some(a), Some(b)) if descending => b.total_cmp(&a),
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

fn by_labels(a: &SeriesColumn, b: &SeriesColumn, names: &[String]) -> Ordering {
    for name in names {
        let value = |series: &SeriesColumn| series.labels.get(name).unwrap_or("").to_owned();
        let order = natural(&value(a), &value(b));
        if order != Ordering::Equal {
            return order;
        }
    }
    a.labels.cmp(&b.labels)
}

/// Texts with the numbers in them compared as numbers: `a2` before `a10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (a_parts, b_parts) = (chunks(a), chunks(b));
    for (a, b) in a_parts.iter().zip(&b_parts) {
        let order = match (number(a), number(b)) {
            (Some(a), Some(b)) => a.0.cmp(&b.0).then_with(|| a.1.cmp(b.1)),
            _ => a.cmp(b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    a_parts.len().cmp(&b_parts.len()).then_with(|| a.cmp(b))
}

/// Runs of digits and of everything else.
fn chunks(text: &str) -> Vec<&str> {
    let mut chunks = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let digits = first.is_ascii_digit();
        let end = rest
            .bytes()
            .position(|byte| byte.is_ascii_digit() != digits);
        let (chunk, after) = rest.split_at(end.unwrap_or(rest.len()));
        chunks.push(chunk);
        rest = after;
    }
    chunks
}

/// How many digits a number has, and the digits: longer is larger.
fn number(chunk: &str) -> Option<(usize, &str)> {
    if !chunk.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let digits = chunk.trim_start_matches('0');
    Some((digits.len(), digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_within_texts_are_numbers() {
        let mut texts = ["a10b", "a2b", "a2a", "b1", "", "a002b", "10", "9"];
        texts.sort_by(|a, b| natural(a, b));
        assert_eq!(texts, ["", "9", "10", "a2a", "a002b", "a2b", "a10b", "b1"]);
    }
}
