//! What a user of the store notices.

use std::time::Duration;

use portique_series::{
    Batch, Config, Exemplar, Labels, Listing, MatchOp, Matcher, MetricKind, RefusalKind,
    RefusalReason, STALE, Samples, Selection, Source, Value, is_stale,
};

use crate::rig::{HOUR_MS, Rig, add, batch, bits, histogram, series, value};

#[test]
fn samples_come_back_bit_by_bit_after_a_restart() {
    let mut rig = Rig::new(Config::default());
    let up = series("up", &[("job", "a")]);
    let odd = [
        (1, 1.5),
        (2, STALE),
        (3, f64::NAN),
        (4, -0.0),
        (5, f64::INFINITY),
    ];
    let appended = rig.append(&batch(&up, &odd)).unwrap();
    assert_eq!(
        (
            appended.samples,
            appended.created,
            appended.refused_samples()
        ),
        (5, 1, 0)
    );
    assert_eq!(rig.floats(&up, 0, 10), bits(&odd));
    let rig = rig.reopen(Config::default());
    assert_eq!(rig.floats(&up, 0, 10), bits(&odd));
    assert_eq!(rig.floats(&up, 2, 4), bits(&odd[1..4]));
    assert!(is_stale(rig.samples(&up, 2, 2).floats[0]));
}

#[test]
fn histograms_and_starts_come_back_after_a_restart_from_log_and_checkpoint() {
    let mut rig = Rig::new(Config::default());
    let rpc = series("rpc", &[]);
    let mut first = Batch::new();
    first.series(&rpc).unwrap();
    first.histogram(10, histogram(1.0));
    first.start(5);
    first.histogram(20, histogram(2.0));
    first.start(5);
    first.float(30, 7.0);
    rig.append(&first).unwrap();
    for checkpoint in [false, true] {
        if checkpoint {
            rig.store.checkpoint().unwrap();
        }
        rig = rig.reopen(Config::default());
        let samples = rig.samples(&rpc, 0, 100);
        assert_eq!(samples.timestamps, [10, 20, 30]);
        assert_eq!(value(&samples, 1), Value::Histogram(histogram(2.0)));
        assert_eq!(value(&samples, 2), Value::Float(7.0));
        assert_eq!(samples.starts, [5, 5, 0]);
    }
}

#[test]
fn late_samples_are_taken_within_the_window_and_sorted_in() {
    let mut rig = Rig::new(Config::default());
    let up = series("up", &[]);
    rig.append(&batch(&up, &[(10 * HOUR_MS, 10.0)])).unwrap();
    let late = [
        (9 * HOUR_MS + 1, 2.0),
        (9 * HOUR_MS, 1.0),
        (9 * HOUR_MS - 1, 0.0),
    ];
    let appended = rig.append(&batch(&up, &late)).unwrap();
    assert_eq!((appended.samples, appended.out_of_order), (2, 2));
    assert_eq!(appended.refused_for(RefusalKind::TooOld), 1);
    let refusal = &appended.refused[0];
    assert_eq!((refusal.series, refusal.timestamp_ms), (0, 9 * HOUR_MS - 1));
    assert_eq!(
        refusal.reason,
        RefusalReason::TooOld {
            oldest_ms: 9 * HOUR_MS
        }
    );
    let expected = bits(&[
        (9 * HOUR_MS, 1.0),
        (9 * HOUR_MS + 1, 2.0),
        (10 * HOUR_MS, 10.0),
    ]);
    assert_eq!(rig.floats(&up, 0, i64::MAX), expected);
    assert_eq!(
        rig.reopen(Config::default()).floats(&up, 0, i64::MAX),
        expected
    );
}

#[test]
fn a_window_of_years_takes_loads_that_begin_at_1970_again() {
    let years = Duration::from_secs(100 * 365 * 24 * 3600);
    let mut rig = Rig::new(Config {
        out_of_order_window: years,
        ..Config::default()
    });
    let load = series("load", &[]);
    rig.append(&batch(&load, &[(900_000_000, 9.0)])).unwrap();
    let again: Vec<_> = (0..500).map(|n| (n * 60_000, n as f64)).collect();
    assert_eq!(rig.append(&batch(&load, &again)).unwrap().samples, 500);
    assert_eq!(rig.floats(&load, 0, 500 * 60_000), bits(&again));
}

#[test]
fn a_time_has_one_value_and_the_first_stays() {
    let mut rig = Rig::new(Config::default());
    let up = series("up", &[]);
    rig.append(&batch(&up, &[(1, 1.0), (2, f64::NAN)])).unwrap();
    let appended = rig
        .append(&batch(&up, &[(1, 1.0), (2, f64::NAN), (1, 3.0), (2, 3.0)]))
        .unwrap();
    assert_eq!(
        (
            appended.samples,
            appended.refused_for(RefusalKind::Duplicate)
        ),
        (2, 2)
    );
    // Within one batch, in one series and in a series that comes twice.
    let mut twice = batch(&up, &[(5, 5.0), (4, 4.0), (4, 4.5), (5, 5.5)]);
    add(&mut twice, &up, &[(4, 4.0), (4, 9.0), (6, 6.0)]);
    let appended = rig.append(&twice).unwrap();
    assert_eq!(
        (
            appended.samples,
            appended.refused_for(RefusalKind::Duplicate)
        ),
        (4, 3)
    );
    let nan = f64::NAN;
    let expected = bits(&[(1, 1.0), (2, nan), (4, 4.0), (5, 5.0), (6, 6.0)]);
    assert_eq!(rig.floats(&up, 0, 10), expected);
}

#[test]
fn what_was_selected_stands_still() {
    let mut rig = Rig::new(Config::default());
    let up = series("up", &[]);
    rig.append(&batch(&up, &[(10, 1.0), (20, 2.0)])).unwrap();
    let selection = Selection {
        matchers: vec![Matcher::equal("__name__", "up")],
        from_ms: 0,
        to_ms: 100,
    };
    let selected = rig.store.select(&selection).unwrap();
    let later: Vec<_> = (30..300).map(|n| (n, n as f64)).collect();
    rig.append(&batch(&up, &[(15, 1.5)])).unwrap();
    rig.append(&batch(&up, &later)).unwrap();
    let mut samples = Samples::default();
    selected.read(0, 0, 1000, &mut samples).unwrap();
    assert_eq!(samples.timestamps, [10, 20]);
    selected.read_last(0, 0, 1000, &mut samples).unwrap();
    assert_eq!(samples.timestamps, [20]);
}

#[test]
fn lists_honour_matchers_time_and_limit() {
    let mut rig = Rig::new(Config::default());
    let mut both = Batch::new();
    let (a, b) = (
        series("m", &[("job", "a"), ("x", "1")]),
        series("m", &[("job", "b"), ("y", "1")]),
    );
    add(&mut both, &b, &[(5000, 1.0)]);
    add(&mut both, &a, &[(1000, 1.0)]);
    rig.append(&both).unwrap();
    let all = Listing::all();
    let names = |listing: &Listing| rig.store.label_names(listing).unwrap();
    let jobs = |listing: &Listing| rig.store.label_values("job", listing).unwrap();
    assert_eq!(names(&all), ["__name__", "job", "x", "y"]);
    assert_eq!(jobs(&all), ["a", "b"]);
    assert_eq!(rig.store.series(&all).unwrap(), [a.clone(), b.clone()]);
    let late = Listing {
        from_ms: 2000,
        ..Listing::all()
    };
    assert_eq!(names(&late), ["__name__", "job", "y"]);
    assert_eq!(jobs(&late), ["b"]);
    let early = Listing {
        to_ms: 2000,
        ..Listing::all()
    };
    assert_eq!(rig.store.series(&early).unwrap(), [a]);
    let matcher = |op, value| Matcher::new("job", op, value).unwrap();
    let either = Listing {
        any_of: vec![
            vec![Matcher::equal("y", "1")],
            vec![matcher(MatchOp::Regex, "[ab]")],
        ],
        ..Listing::all()
    };
    assert_eq!(jobs(&either), ["a", "b"]);
    assert_eq!(jobs(&Listing { limit: 1, ..either }), ["a"]);
    assert_eq!(names(&Listing { limit: 2, ..all }), ["__name__", "job"]);
}

#[test]
fn metadata_and_exemplars_come_back_after_a_restart() {
    let mut rig = Rig::new(Config {
        exemplars_max: 2,
        ..Config::default()
    });
    let rpc = series("rpc_total", &[]);
    let exemplar = |n: i64| Exemplar {
        labels: Labels::from_pairs([("trace_id", n.to_string())]),
        value: n as f64,
        timestamp_ms: n,
    };
    let mut offered = batch(&rpc, &[(1, 1.0)]);
    offered.metadata("rpc_total", MetricKind::Counter, "Calls.", "");
    for n in [1, 1, 2, 3] {
        offered.exemplar(exemplar(n).labels, n as f64, n);
    }
    let appended = rig.append(&offered).unwrap();
    assert!(appended.exemplars >= 3);
    for checkpoint in [false, true] {
        if checkpoint {
            rig.store.checkpoint().unwrap();
        }
        rig = rig.reopen(Config {
            exemplars_max: 2,
            ..Config::default()
        });
        let metadata = rig.store.metadata(None, 10);
        assert_eq!(metadata[0].0, "rpc_total");
        assert_eq!(
            (metadata[0].1.kind, &*metadata[0].1.help),
            (MetricKind::Counter, "Calls.")
        );
        let found = rig.store.exemplars(&Listing::all());
        assert_eq!(found, [(rpc.clone(), vec![exemplar(2), exemplar(3)])]);
    }
}
