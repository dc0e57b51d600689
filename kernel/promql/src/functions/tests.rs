use std::sync::Arc;

use portique_series::{CounterReset, Histogram, Labels, Span, Value};

use super::{Argument, Call, Edges, Function, Points, Window, check, find, quantile_of};
use crate::annotations::{Annotations, Level};
use crate::column::{Column, SeriesColumn};
use crate::syntax;

const INF: f64 = f64::INFINITY;

/// A query `f(a)`: the call begins at 0, its arguments at 2, 4, 6 and so on.
fn call(arguments: &[Argument]) -> Call<'_> {
    Call {
        name: "f",
        position: 0,
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

#[test]
fn rates_reach_to_edges_that_are_near() {
    // 10 s from the left edge and at the right one, 10 s apart: 50 goes on to 60.
    check_range(
        "increase",
        &Floats::from(10, &[0.0, 10.0, 20.0, 30.0, 40.0, 50.0]),
        Some(50.0),
    );
    check_range(
        "delta",
        &Floats::from(10, &[0.0, 10.0, 20.0, 30.0, 40.0, 50.0]),
        Some(60.0),
    );
    let later = Floats::from(10, &[100.0, 110.0, 120.0, 130.0, 140.0, 150.0]);
    check_range("increase", &later, Some(60.0));
    check_range("rate", &later, Some(1.0));
    // 30 s from the left edge: only 5 s are added there.
    check_range(
        "increase",
        &Floats::from(30, &[100.0, 110.0, 120.0, 130.0]),
        Some(35.0),
    );
    // The counter was at 0 only 2 s before.
    check_range(
        "increase",
        &Floats::from(30, &[2.0, 12.0, 22.0, 32.0]),
        Some(32.0),
    );
    check_range("rate", &Floats::from(30, &[2.0]), None);
}

#[test]
fn counters_that_begin_anew_keep_what_they_had() {
    let floats = Floats::from(10, &[100.0, 110.0, 5.0, 15.0, 25.0, 35.0]);
    // 35 − 100 + 110 = 45 in 50 s, and 10 s before.
    check_range("increase", &floats, Some(54.0));
    check_range("resets", &floats, Some(1.0));
    check_range("delta", &floats, Some(-78.0));
}

#[test]
fn a_known_start_replaces_extrapolation() {
    let mut floats = Floats::from(40, &[30.0, 40.0, 50.0]);
    floats.starts = vec![20_000; 3];
    // From 0 at 20 s to 50 at 60 s, the right edge.
    check_range("increase", &floats, Some(50.0));
    let mut single = Floats::from(60, &[30.0]);
    single.starts = vec![20_000];
    check_range("increase", &single, Some(30.0));
    // The second sample's start after the first sample is a reset although the value rose.
    let mut anew = Floats::from(20, &[10.0, 20.0]);
    anew.starts = vec![0, 25_000];
    check_range("resets", &anew, Some(1.0));
    check_range("irate", &anew, Some(2.0));
}

#[test]
fn anchored_ranges_begin_with_the_sample_before() {
    let floats = || Floats::from(-10, &[5.0, 10.0, 20.0, 20.0, 1.0, 3.0, 4.0]);
    check_range("increase", &floats().with(Edges::Anchored), Some(14.0));
    check_range("delta", &floats().with(Edges::Anchored), Some(-6.0));
    check_range("changes", &floats().with(Edges::Anchored), Some(4.0));
    check_range("resets", &floats().with(Edges::Anchored), Some(1.0));
    check_range(
        "increase",
        &Floats::from(-20, &[5.0, 9.0]).with(Edges::Anchored),
        None,
    );
    check_range(
        "changes",
        &Floats::from(-20, &[5.0, 9.0]).with(Edges::Anchored),
        None,
    );
}

#[test]
fn smoothed_ranges_are_cut_between_samples() {
    // -5 s, 5 s, ... 65 s.
    let rising = Floats::from(-5, &[0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0]);
    check_range("increase", &rising.with(Edges::Smoothed), Some(60.0));
    // From 40 it falls to 10 within the left edge: half of 10 is before it.
    let anew = Floats::from(-5, &[40.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0]);
    check_range("increase", &anew.with(Edges::Smoothed), Some(60.0));
}

#[test]
fn the_last_two_samples_make_an_instant_rate() {
    check_range("irate", &Floats::from(20, &[1.0, 5.0, 25.0]), Some(2.0));
    check_range("irate", &Floats::from(20, &[1.0, 5.0, 4.0]), Some(0.4));
    check_range("idelta", &Floats::from(20, &[1.0, 5.0, 4.0]), Some(-1.0));
    check_range("idelta", &Floats::from(20, &[1.0]), None);
}

#[test]
fn aggregates_over_time_follow_their_definition() {
    let cases = [
        ("avg_over_time", 2.5),
        ("count_over_time", 4.0),
        ("first_over_time", 4.0),
        ("last_over_time", 2.0),
        ("mad_over_time", 1.0),
        ("max_over_time", 4.0),
        ("min_over_time", 1.0),
        ("present_over_time", 1.0),
        ("stddev_over_time", 1.25_f64.sqrt()),
        ("stdvar_over_time", 1.25),
        ("sum_over_time", 10.0),
        ("ts_of_first_over_time", 10.0),
        ("ts_of_last_over_time", 40.0),
        ("ts_of_max_over_time", 10.0),
        ("ts_of_min_over_time", 20.0),
    ];
    for (name, wanted) in cases {
        check_range(name, &Floats::from(10, &[4.0, 1.0, 3.0, 2.0]), Some(wanted));
    }
}

#[test]
fn sums_and_means_are_precise_and_do_not_overflow() {
    check_range(
        "sum_over_time",
        &Floats::from(10, &[1e100, 1.0, -1e100]),
        Some(1.0),
    );
    check_range(
        "avg_over_time",
        &Floats::from(10, &[1e100, 1.0, 2.0, -1e100]),
        Some(0.75),
    );
    check_range(
        "avg_over_time",
        &Floats::from(10, &[f64::MAX; 4]),
        Some(f64::MAX),
    );
    check_range(
        "avg_over_time",
        &Floats::from(10, &[1.0, INF, -INF]),
        Some(f64::NAN),
    );
    check_range(
        "max_over_time",
        &Floats::from(10, &[f64::NAN, -1.0]),
        Some(-1.0),
    );
    check_range(
        "mad_over_time",
        &Floats::from(10, &[f64::NAN, -1.0]),
        Some(f64::NAN),
    );
    check_range(
        "changes",
        &Floats::from(10, &[f64::NAN, f64::NAN, 1.0]),
        Some(1.0),
    );
}

#[test]
fn quantiles_lie_between_values() {
    let cases = [
        (0.0, 1.0),
        (0.5, 2.5),
        (0.75, 3.25),
        (1.0, 4.0),
        (-0.1, -INF),
        (1.1, INF),
    ];
    for (q, wanted) in cases {
        assert_eq!(quantile_of(&mut [4.0, 1.0, 3.0, 2.0], q), wanted, "{q}");
    }
    assert!(quantile_of(&mut [], 0.5).is_nan());
    assert!(quantile_of(&mut [1.0], f64::NAN).is_nan());
    let arguments = [Argument::Scalar(vec![2.0]), Argument::Series];
    let (found, notes) = apply(
        "quantile_over_time",
        &arguments,
        &Floats::from(10, &[1.0]).window(),
    );
    assert_eq!(found, Some(Value::Float(INF)));
    let texts = notes.texts(Level::Warning, "f(2, m)");
    assert_eq!(
        texts,
        ["PromQL warning: quantile value should be between 0 and 1, got 2 (1:3)"]
    );
}

#[test]
fn lines_are_those_of_least_squares() {
    check_range("deriv", &Floats::from(10, &[1.0, 3.0, 5.0]), Some(0.2));
    check_range("deriv", &Floats::from(10, &[1.0, 2.0, 6.0]), Some(0.25));
    check_range("deriv", &Floats::from(10, &[7.0, 7.0]), Some(0.0));
    check_range("deriv", &Floats::from(10, &[7.0]), None);
    let arguments = [Argument::Series, Argument::Scalar(vec![30.0])];
    // 1, 3, 5 at 10, 20, 30 s: 17 at 90 s.
    let floats = Floats::from(10, &[1.0, 3.0, 5.0]);
    let (found, _) = apply("predict_linear", &arguments, &floats.window());
    assert_eq!(found, Some(Value::Float(17.0)));
}

#[test]
fn smoothing_refuses_factors_without_meaning() {
    let smoothing = syntax::Function::DoubleExponentialSmoothing;
    let arguments = |smoothing: f64, trend: f64| {
        let factors = [smoothing, trend].map(|factor| Argument::Scalar(vec![factor]));
        [Argument::Series]
            .into_iter()
            .chain(factors)
            .collect::<Vec<_>>()
    };
    assert!(check(smoothing, &arguments(0.5, 0.5)).is_ok());
    let error = check(smoothing, &arguments(1.5, 0.5)).expect_err("above 1");
    let wanted = "invalid smoothing factor. Expected: 0 < sf < 1, got: 1.500000";
    assert_eq!(error.to_string(), wanted);
    let error = check(smoothing, &arguments(0.5, 0.0)).expect_err("not above 0");
    assert_eq!(
        error.to_string(),
        "invalid trend factor. Expected: 0 < tf < 1, got: 0.000000"
    );
    let floats = Floats::from(10, &[1.0, 2.0, 3.0, 4.0]);
    let (found, _) = apply(
        "double_exponential_smoothing",
        &arguments(0.5, 0.5),
        &floats.window(),
    );
    assert_eq!(found, Some(Value::Float(4.0)));
}

#[test]
fn histograms_rise_bucket_by_bucket() {
    let values = [[100.0, 200.0], [110.0, 220.0], [10.0, 20.0]].map(|c| Arc::new(histogram(&c)));
    let window = Window {
        histograms: Points {
            times: &[20_000, 40_000, 60_000],
            values: &values,
            starts: &[],
        },
        ..EMPTY
    };
    let (found, notes) = apply("increase", &[Argument::Series], &window);
    assert!(notes.is_empty());
    let Some(Value::Histogram(found)) = found else {
        panic!("{found:?}");
    };
    // 10 and 20 up to the reset, 10 and 20 after it, in 40 of 60 s.
    assert_eq!(found.positive_buckets, [30.0, 60.0]);
    assert_eq!(found.counter_reset, CounterReset::Gauge);
    let (found, notes) = apply("idelta", &[Argument::Series], &window);
    let Some(Value::Histogram(found)) = found else {
        panic!("{found:?}");
    };
    assert_eq!(found.positive_buckets, [-100.0, -200.0]);
    let wanted = ["PromQL warning: this native histogram metric is not a gauge: \"m\" (1:3)"];
    assert_eq!(notes.texts(Level::Warning, "f(m[1m])"), wanted);
    let (found, _) = apply("avg_over_time", &[Argument::Series], &window);
    let Some(Value::Histogram(found)) = found else {
        panic!("{found:?}");
    };
    assert_eq!(found.count, 220.0);
}

#[test]
fn samples_that_do_not_go_together_are_told() {
    let exponential = Arc::new(histogram(&[1.0]));
    let custom = Arc::new(Histogram {
        schema: -53,
        custom_bounds: vec![1.0],
        count: 5.0,
        ..Histogram::default()
    });
    let values = [exponential, custom];
    let mut window = Window {
        histograms: Points {
            times: &[20_000, 40_000],
            values: &values,
            starts: &[],
        },
        ..EMPTY
    };
    let schemas = "PromQL warning: vector contains a mix of histograms with exponential and custom buckets schemas for metric name \"m\" (1:3)";
    let (found, notes) = apply("sum_over_time", &[Argument::Series], &window);
    assert_eq!(
        (found, notes.texts(Level::Warning, "f(m)")),
        (None, vec![schemas.to_owned()])
    );
    window.floats = Points {
        times: &[30_000],
        values: &[1.0],
        starts: &[],
    };
    let (found, notes) = apply("rate", &[Argument::Series], &window);
    let mixed =
        "PromQL warning: encountered a mix of histograms and floats for metric name \"m\" (1:3)";
    assert_eq!(
        (found, notes.texts(Level::Warning, "f(m)")),
        (None, vec![mixed.to_owned()])
    );
    let (found, notes) = apply("max_over_time", &[Argument::Series], &window);
    assert_eq!(found, Some(Value::Float(1.0)));
    let ignored = "PromQL info: ignored histograms in a range containing both floats and histograms for metric name \"m\" (1:3)";
    assert_eq!(notes.texts(Level::Info, "f(m)"), [ignored]);
    let (found, _) = apply("last_over_time", &[Argument::Series], &window);
    assert!(matches!(found, Some(Value::Histogram(_))));
    let (found, _) = apply("changes", &[Argument::Series], &window);
    assert_eq!(found, Some(Value::Float(2.0)));
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
};

fn instant(name: &str, arguments: &[f64], value: f64) -> f64 {
    let function = syntax::Function::named(name).expect("the function exists");
    let Some(Function::Instant(function)) = find(function) else {
        panic!("{name} is not a function of instants");
    };
    let scalars = arguments
        .iter()
        .map(|argument| Argument::Scalar(vec![*argument]));
    let arguments: Vec<_> = [Argument::Series].into_iter().chain(scalars).collect();
    let mut notes = Annotations::default();
    match function(&call(&arguments), &Value::Float(value), &mut notes) {
        Some(Value::Float(value)) => value,
        found => panic!("{name}: {found:?}"),
    }
}

#[test]
fn functions_of_numbers_follow_their_definition() {
    let cases: &[(&str, &[f64], f64, f64)] = &[
        ("abs", &[], -2.0, 2.0),
        ("sgn", &[], -7.0, -1.0),
        ("sgn", &[], 0.0, 0.0),
        ("round", &[], -2.5, -2.0),
        ("round", &[], 2.5, 3.0),
        ("round", &[0.1], 0.26, 0.3),
        ("round", &[5.0], 12.0, 10.0),
        ("clamp", &[1.0, 3.0], 7.0, 3.0),
        ("clamp_min", &[1.0], -7.0, 1.0),
        ("clamp_max", &[1.0], 7.0, 1.0),
        ("deg", &[], std::f64::consts::PI, 180.0),
        ("log2", &[], 8.0, 3.0),
        ("hour", &[], 90_061.0, 1.0),
        ("day_of_week", &[], 0.0, 4.0),
        ("days_in_month", &[], 951_782_400.0, 29.0),
        ("year", &[], -1.0, 1969.0),
    ];
    for (name, arguments, value, wanted) in cases {
        assert_eq!(
            instant(name, arguments, *value),
            *wanted,
            "{name}({value}, {arguments:?})"
        );
    }
    assert!(instant("clamp_min", &[f64::NAN], 1.0).is_nan());
    assert!(instant("sgn", &[], f64::NAN).is_nan());
}

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
