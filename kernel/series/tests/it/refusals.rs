//! What the store does not take, and what it says then.

use std::sync::Arc;
use std::time::Duration;

use portique_fault::{Code, Fault, Retry};
use portique_journal::SimulatedDisk;
use portique_series::{Batch, Config, Histogram, Limits, Listing, RefusalKind};

use crate::rig::{HOUR_MS, Rig, add, batch, histogram, series};

#[test]
fn a_sample_far_ahead_is_refused_so_that_it_shuts_nothing_out() {
    let mut rig = Rig::new(Config::default());
    let up = series("up", &[]);
    let now_ms = 1_000_000_000;
    let appended = rig
        .append(&batch(&up, &[(now_ms + HOUR_MS + 1, 1.0)]))
        .unwrap();
    assert_eq!(appended.refused_for(RefusalKind::TooNew), 1);
    assert_eq!(appended.created, 0);
    assert_eq!(
        rig.append(&batch(&up, &[(now_ms + HOUR_MS, 1.0)]))
            .unwrap()
            .samples,
        1
    );
}

#[test]
fn a_histogram_that_does_not_hold_together_is_refused_with_what_is_wrong() {
    let mut rig = Rig::new(Config::default());
    let mut bad = Histogram::clone(&histogram(1.0));
    bad.positive_buckets.push(2.0);
    let mut offered = Batch::new();
    offered.series(&series("bad", &[])).unwrap();
    offered.histogram(1, Arc::new(bad));
    offered.series(&series("good", &[])).unwrap();
    offered.histogram(1, histogram(1.0));
    let appended = rig.append(&offered).unwrap();
    assert_eq!((appended.samples, appended.created), (1, 1));
    assert_eq!(appended.refused_for(RefusalKind::BadHistogram), 1);
    assert_eq!(
        rig.store.series(&Listing::all()).unwrap(),
        [series("good", &[])]
    );
}

#[test]
fn a_full_store_refuses_new_series_names_who_filled_it_and_keeps_known_ones() {
    let limits = Limits {
        series_max: 20,
        series_per_metric_max: 15,
        ..Limits::default()
    };
    let mut rig = Rig::new(Config {
        limits,
        ..Config::default()
    });
    let request = |n: i32| series("requests", &[("job", "web"), ("user", &n.to_string())]);
    let mut bomb = Batch::new();
    for n in 0..30 {
        add(&mut bomb, &request(n), &[(1, 1.0)]);
    }
    let appended = rig.append(&bomb).unwrap();
    assert_eq!(
        (
            appended.created,
            appended.refused_for(RefusalKind::TooManySeries)
        ),
        (15, 15)
    );
    let reason = appended.refused[0].reason.to_string();
    assert!(
        reason.contains("requests") && reason.contains("\"user\" has 15"),
        "{reason}"
    );
    let largest = rig.store.largest(2);
    assert_eq!(largest.series_by_metric, [("requests".to_owned(), 15)]);
    assert_eq!(largest.values_by_label[0], ("user".to_owned(), 15));
    let pairs: Vec<_> = largest
        .series_by_pair
        .iter()
        .map(|(pair, _)| pair.as_str())
        .collect();
    assert_eq!(pairs, ["__name__=requests", "job=web"]);
    for n in 0..6 {
        let other = series("other", &[("n", &n.to_string())]);
        let appended = rig.append(&batch(&other, &[(1, 1.0)])).unwrap();
        assert_eq!(appended.created == 1, n < 5, "the store has room for 20");
        if let Some(refusal) = appended.refused.first() {
            let reason = refusal.reason.to_string();
            assert!(reason.contains("\"requests\" (15)"), "{reason}");
        }
    }
    assert_eq!(
        rig.append(&batch(&request(3), &[(2, 2.0)]))
            .unwrap()
            .samples,
        1
    );
}

#[test]
fn a_source_with_too_many_series_is_refused_by_name_and_others_are_not() {
    let limits = Limits {
        series_per_job_max: 5,
        ..Limits::default()
    };
    let mut rig = Rig::new(Config {
        limits,
        ..Config::default()
    });
    let request =
        |job: &str, n: i32| series(&format!("m{n}"), &[("job", job), ("user", &n.to_string())]);
    let mut bomb = Batch::new();
    for n in 0..8 {
        add(&mut bomb, &request("web", n), &[(1, 1.0)]);
    }
    let appended = rig.append(&bomb).unwrap();
    let refused = appended.refused_for(RefusalKind::TooManySeries);
    assert_eq!((appended.created, refused), (5, 3));
    let reason = appended.refused[0].reason.to_string();
    assert!(reason.contains("job=\"web\" has its 5 series"), "{reason}");
    let mut others = batch(&request("mail", 9), &[(1, 1.0)]);
    add(&mut others, &series("of_nobody", &[]), &[(1, 1.0)]);
    assert_eq!(rig.append(&others).unwrap().created, 2);
}

#[test]
fn labels_over_the_limits_are_refused_with_the_label() {
    let limits = Limits {
        labels_max: 2,
        label_bytes_max: 8,
        ..Limits::default()
    };
    let mut rig = Rig::new(Config {
        limits,
        ..Config::default()
    });
    let mut offered = Batch::new();
    add(
        &mut offered,
        &series("m", &[("a", "1"), ("b", "2")]),
        &[(1, 1.0), (2, 2.0)],
    );
    add(
        &mut offered,
        &series("m", &[("a", "123456789")]),
        &[(1, 1.0)],
    );
    add(
        &mut offered,
        &series("m", &[("a", "12345678")]),
        &[(1, 1.0)],
    );
    let appended = rig.append(&offered).unwrap();
    assert_eq!(appended.samples, 1);
    assert_eq!(
        appended.refused_for(RefusalKind::TooManyLabels),
        2,
        "both samples count"
    );
    assert_eq!(appended.refused_for(RefusalKind::LabelTooLong), 1);
    assert!(
        appended.refused[1]
            .reason
            .to_string()
            .contains("\"a\" takes 9 bytes")
    );
}

#[test]
fn a_label_bomb_in_one_batch_of_many_metrics_stops_at_the_limit_of_all() {
    let limits = Limits {
        series_max: 50,
        ..Limits::default()
    };
    let mut rig = Rig::new(Config {
        limits,
        ..Config::default()
    });
    let known = series("up", &[]);
    rig.append(&batch(&known, &[(1, 1.0)])).unwrap();
    let mut bomb = Batch::new();
    for n in 0..1000 {
        add(&mut bomb, &series(&format!("m{n}"), &[]), &[(1, 1.0)]);
    }
    add(&mut bomb, &known, &[(2, 2.0)]);
    let appended = rig.append(&bomb).unwrap();
    assert_eq!(appended.refused_for(RefusalKind::TooManySeries), 951);
    let refused = rig.store.refused_metrics();
    assert_eq!(
        refused.len(),
        101,
        "a hundred by name, and the others together"
    );
    assert_eq!(refused[0], (String::new(), 851));
    assert_eq!(refused.iter().map(|(_, count)| count).sum::<u64>(), 951);
    assert_eq!(rig.store.figures().series, 50);
    assert_eq!(rig.floats(&known, 0, 9).len(), 2, "known series go on");
}

#[test]
fn a_clock_that_jumps_shuts_nothing_out() {
    let mut rig = Rig::new(Config::default());
    let up = series("up", &[]);
    let now_ms = 1_000_000_000;
    rig.append(&batch(&up, &[(now_ms, 1.0)])).unwrap();
    // A day back: what a sender with the right time sends is too far ahead of the hub, and says so.
    rig.clock.jump_to(portique_clock::Timestamp::from_millis(
        now_ms - 24 * HOUR_MS,
    ));
    let appended = rig.append(&batch(&up, &[(now_ms + 1000, 2.0)])).unwrap();
    assert_eq!(appended.refused_for(RefusalKind::TooNew), 1);
    assert!(
        appended.refused[0]
            .reason
            .to_string()
            .contains("in the future")
    );
    // What is stored stays, and nothing is thrown away for a wrong clock.
    rig.store.maintain().unwrap();
    assert_eq!(rig.floats(&up, 0, i64::MAX).len(), 1);
    // A day ahead: samples of the right time are taken, as their age is counted from the newest
    // sample.
    rig.clock.jump_to(portique_clock::Timestamp::from_millis(
        now_ms + 24 * HOUR_MS,
    ));
    let appended = rig.append(&batch(&up, &[(now_ms + 2000, 3.0)])).unwrap();
    assert_eq!(appended.samples, 1);
    rig.store.maintain().unwrap();
    // And right again.
    rig.clock
        .jump_to(portique_clock::Timestamp::from_millis(now_ms + 3000));
    let appended = rig.append(&batch(&up, &[(now_ms + 3000, 4.0)])).unwrap();
    assert_eq!(appended.samples, 1);
    assert_eq!(rig.floats(&up, 0, i64::MAX).len(), 3);
}

#[test]
fn a_full_disk_refuses_appends_keeps_queries_and_takes_up_again() {
    let disk = Arc::new(SimulatedDisk::new(1, 64 << 20));
    let config = Config {
        segment_bytes: 4 << 20,
        reserve_bytes: 8 << 20,
        ..Config::default()
    };
    let mut rig = Rig::open(&disk, config).unwrap();
    let up = series("up", &[]);
    let mut taken = 0_i64;
    let error = loop {
        let samples: Vec<_> = (0..20_000)
            .map(|n| (taken + n, (taken + n) as f64 / 3.0))
            .collect();
        match rig.append(&batch(&up, &samples)) {
            Ok(appended) => taken += appended.samples as i64,
            Err(error) => break error,
        }
        assert!(taken < 20_000_000, "the disk never filled");
    };
    assert_eq!(error.code(), Code::Unavailable);
    assert!(matches!(error.retry(), Retry::After(_)), "{error:?}");
    let before = rig.floats(&up, taken - 10, taken - 1);
    assert_eq!(before.len(), 10);
    disk.resize(1 << 30);
    let mut waits = 0;
    while rig.append(&batch(&up, &[(taken + 20_000, 1.0)])).is_err() {
        rig.clock.advance(Duration::from_secs(5));
        rig.settle();
        waits += 1;
        assert!(waits < 10, "it never took up again");
    }
    assert_eq!(rig.floats(&up, taken + 20_000, i64::MAX).len(), 1);
}
