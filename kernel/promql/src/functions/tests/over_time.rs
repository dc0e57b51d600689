use std::sync::Arc;

use portique_series::{Histogram, Value};

use super::{EMPTY, Floats, INF, apply, check_range, histogram};
use crate::annotations::Level;
use crate::functions::{Argument, Points, Window, check, quantile_of};
use crate::syntax;

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
