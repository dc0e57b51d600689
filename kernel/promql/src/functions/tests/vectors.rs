use std::sync::Arc;

use portique_series::{Labels, Value};

use super::{INF, call, histogram};
use crate::annotations::{Annotations, Level};
use crate::column::{Column, SeriesColumn};
use crate::functions::{Argument, Function, find};
use crate::syntax;

fn series(pairs: &[(&str, &str)], value: Value) -> SeriesColumn {
    let mut column = Column::new(1);
    column.set(0, Some(value));
    SeriesColumn {
        labels: Labels::from_pairs(pairs.iter().copied()),
        drop_name: false,
        column,
    }
}

fn vector(
    name: &str,
    arguments: &[Argument],
    input: Vec<SeriesColumn>,
) -> (Vec<(String, f64)>, Annotations) {
    let function = syntax::Function::named(name).expect("the function exists");
    let Some(Function::Vector(function)) = find(function) else {
        panic!("{name} is not a function of vectors");
    };
    let mut notes = Annotations::default();
    let result = function(&call(arguments), input, &mut notes).expect("computed");
    let mut values: Vec<_> = result
        .iter()
        .filter_map(|series| Some((series.labels.to_string(), series.column.float(0)?)))
        .collect();
    values.sort_by(|a, b| a.0.cmp(&b.0));
    (values, notes)
}

fn classic() -> Vec<SeriesColumn> {
    let bucket = |le: &str, count: f64| {
        series(
            &[("__name__", "m"), ("le", le), ("job", "a")],
            Value::Float(count),
        )
    };
    vec![bucket("+Inf", 8.0), bucket("1", 2.0), bucket("3", 6.0)]
}

#[test]
fn quantiles_of_classic_and_native_histograms_come_side_by_side() {
    let mut input = classic();
    let native = histogram(&[2.0, 2.0]);
    input.push(series(
        &[("__name__", "m"), ("job", "b")],
        Value::Histogram(Arc::new(native)),
    ));
    let arguments = [Argument::Scalar(vec![0.5]), Argument::Series];
    let (values, notes) = vector("histogram_quantile", &arguments, input.clone());
    let wanted = [
        ("m{job=\"a\"}".to_owned(), 2.0),
        ("m{job=\"b\"}".to_owned(), 2.0),
    ];
    assert_eq!(values, wanted);
    assert!(notes.is_empty());
    let arguments = [
        Argument::Scalar(vec![-INF]),
        Argument::Scalar(vec![2.0]),
        Argument::Series,
    ];
    let (values, _) = vector("histogram_fraction", &arguments, input);
    assert_eq!(
        values.iter().map(|found| found.1).collect::<Vec<_>>(),
        [0.5, 0.5]
    );
}

#[test]
fn several_quantiles_are_told_apart_by_a_label() {
    let arguments = [
        Argument::Series,
        Argument::Text("q".to_owned()),
        Argument::Scalar(vec![0.5]),
        Argument::Scalar(vec![1.0]),
    ];
    let (values, _) = vector("histogram_quantiles", &arguments, classic());
    let wanted = [
        ("m{job=\"a\",q=\"0.5\"}".to_owned(), 2.0),
        ("m{job=\"a\",q=\"1.0\"}".to_owned(), 3.0),
    ];
    assert_eq!(values, wanted);
}

#[test]
fn defects_of_buckets_are_told() {
    let mut input = classic();
    let native = Value::Histogram(Arc::new(histogram(&[1.0])));
    input.push(series(&[("__name__", "m"), ("job", "a")], native));
    input.push(series(&[("__name__", "m"), ("le", "x")], Value::Float(1.0)));
    let arguments = [Argument::Scalar(vec![0.5]), Argument::Series];
    let (values, notes) = vector("histogram_quantile", &arguments, input);
    assert_eq!(values, []);
    let wanted = [
        "PromQL warning: bucket label \"le\" is missing or has a malformed value of \"x\" for metric name \"m\" (1:5)",
        "PromQL warning: vector contains a mix of classic and native histograms for metric name \"m\" (1:5)",
    ];
    assert_eq!(notes.texts(Level::Warning, "f(0.5, m)"), wanted);
    let mut falling = classic();
    falling[2].column.set_float(0, 1.0);
    let (_, notes) = vector("histogram_quantile", &arguments, falling);
    let wanted = "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) for metric name \"m\", from buckets 3 to 3, with a max diff of 1, over 1 samples from 1970-01-01T00:01:00Z to 1970-01-01T00:01:00Z (1:5)";
    assert_eq!(notes.texts(Level::Info, "f(0.5, m)"), [wanted]);
}
