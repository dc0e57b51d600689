use std::sync::Arc;

use portique_series::{CounterReset, Value};

use super::{EMPTY, Floats, apply, check_range, histogram};
use crate::annotations::Level;
use crate::functions::{Argument, Edges, Points, Window};

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
