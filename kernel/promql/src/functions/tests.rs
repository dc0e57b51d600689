//! Functions on hand-made windows, values and vectors, against numbers worked out from their definitions. How the
//! evaluator makes windows and what it does with names is tested with it.

mod instants;
mod over_time;
mod rates;
mod vectors;

use portique_series::{Histogram, Span, Value};

use super::{Argument, Call, Edges, Function, Points, Window, find};
use crate::annotations::Annotations;
use crate::syntax;

const INF: f64 = f64::INFINITY;

/// A query `f(a)`: the call begins at 0, its arguments at 2, 4, 6 and so on.
fn call(arguments: &[Argument]) -> Call<'_> {
    Call {
        positions: &[2, 4, 6, 8],
        arguments,
        metric: "m",
        names_kept: true,
        step: 0,
        time_ms: 60_000,
        step_ms: 0,
    }
}

/// Floats every 10 s from `first` seconds on, in the minute up to 60 s.
struct Floats {
    times: Vec<i64>,
    values: Vec<f64>,
    starts: Vec<i64>,
    edges: Edges,
}

impl Floats {
    fn from(first: i64, values: &[f64]) -> Self {
        Self {
            times: (0..values.len() as i64)
                .map(|i| (first + i * 10) * 1000)
                .collect(),
            values: values.to_vec(),
            starts: Vec::new(),
            edges: Edges::Inside,
        }
    }

    fn with(mut self, edges: Edges) -> Self {
        self.edges = edges;
        self
    }

    fn window(&self) -> Window<'_> {
        Window {
            floats: Points {
                times: &self.times,
                values: &self.values,
                starts: &self.starts,
            },
            histograms: Points {
                times: &[],
                values: &[],
                starts: &[],
            },
            start_ms: 0,
            end_ms: 60_000,
            edges: self.edges,
            falls: &[],
        }
    }
}

fn apply(name: &str, arguments: &[Argument], window: &Window<'_>) -> (Option<Value>, Annotations) {
    let function = syntax::Function::named(name).expect("the function exists");
    let Some(Function::Range(function)) = find(function) else {
        panic!("{name} is not a function of ranges");
    };
    let mut notes = Annotations::default();
    let value = function(&call(arguments), window, &mut notes);
    (value, notes)
}

#[track_caller]
fn check_range(name: &str, floats: &Floats, wanted: Option<f64>) {
    let (found, notes) = apply(name, &[Argument::Series], &floats.window());
    assert!(notes.is_empty(), "{name}: {notes:?}");
    match (&found, wanted) {
        (None, None) => {}
        (Some(Value::Float(found)), Some(wanted)) => {
            let close = (found - wanted).abs() <= 1e-12 * wanted.abs();
            assert!(
                close || (found.is_nan() && wanted.is_nan()),
                "{name}: {found}, not {wanted}"
            );
        }
        _ => panic!("{name}: {found:?}, not {wanted:?}"),
    }
}

fn histogram(counts: &[f64]) -> Histogram {
    Histogram {
        positive_spans: vec![Span {
            offset: 1,
            length: counts.len() as u32,
        }],
        positive_buckets: counts.to_vec(),
        count: counts.iter().sum(),
        sum: counts.iter().sum::<f64>() * 2.0,
        ..Histogram::default()
    }
}

#[test]
fn every_function_of_series_is_found() {
    let evaluators = [
        "absent",
        "absent_over_time",
        "end",
        "info",
        "label_join",
        "label_replace",
        "range",
        "scalar",
        "sort",
        "sort_by_label",
        "sort_by_label_desc",
        "sort_desc",
        "start",
        "start_timestamp",
        "step",
        "time",
        "timestamp",
        "vector",
    ];
    for function in syntax::Function::ALL {
        let elsewhere = evaluators.contains(&function.name());
        assert_eq!(find(*function).is_none(), elsewhere, "{function}");
    }
}

const EMPTY: Window<'_> = Window {
    floats: Points {
        times: &[],
        values: &[],
        starts: &[],
    },
    histograms: Points {
        times: &[],
        values: &[],
        starts: &[],
    },
    start_ms: 0,
    end_ms: 60_000,
    edges: Edges::Inside,
    falls: &[],
};
