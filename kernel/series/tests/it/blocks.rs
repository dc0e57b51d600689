//! What leaves the head for blocks is read as before, kept as long as it should be, and deleted when it should be.

use std::collections::BTreeMap;
use std::time::Duration;

use portique_series::{
    Aggregate, Batch, Config, Deleted, Labels, Listing, Matcher, RefusalKind, Retention,
    RetentionClass, Samples, Selection, Source, Store, TierConfig,
};
use proptest::prelude::*;

use crate::folder::{FolderRig, open, small};
use crate::rig::{Float, HOUR_MS, add, batch, bits, floats, matchers, series};

fn minutes(from: i64, to: i64) -> Vec<(i64, f64)> {
    (from..to).map(|m| (m * 60_000, (m % 13) as f64)).collect()
}

fn all(store: &Store, series: &Labels) -> Vec<Float> {
    floats(store, series, 0, i64::MAX)
}

fn names(store: &Store) -> Vec<String> {
    store.label_names(&Listing::all()).expect("names")
}

#[test]
fn what_left_the_head_is_read_as_before() {
    let mut rig = FolderRig::new(small());
    let (a, b) = (series("a", &[("only_a", "1")]), series("b", &[]));
    let samples = minutes(0, 900);
    let mut first = batch(&a, &samples);
    add(&mut first, &b, &samples[..30]);
    rig.append(&first);
    let done = rig.maintain();
    assert!(done.flushed > 3 && done.compacted == 0, "{done:?}");
    for _ in 0..2 {
        assert_eq!(all(&rig.store, &a), bits(&samples));
        assert_eq!(all(&rig.store, &b), bits(&samples[..30]));
        let middle = floats(&rig.store, &a, 100 * 60_000, 700 * 60_000);
        assert_eq!(middle, bits(&samples[100..=700]));
        let figures = rig.store.figures();
        assert_eq!(figures.series, 1, "the idle one has left the head");
        assert_eq!(figures.range_ms, Some((0, 899 * 60_000)));
        assert_eq!(names(&rig.store), ["__name__", "only_a"]);
        let metrics = rig.store.label_values("__name__", &Listing::all()).unwrap();
        assert_eq!(metrics, ["a", "b"]);
        let late = Listing {
            from_ms: 2 * HOUR_MS,
            ..Listing::all()
        };
        assert_eq!(rig.store.series(&late).unwrap(), std::slice::from_ref(&a));
        assert_eq!(rig.store.label_values("__name__", &late).unwrap(), ["a"]);
        rig = rig.reopen(small());
    }
}

#[test]
fn late_samples_are_compared_with_what_left_the_head() {
    let window = Config {
        out_of_order_window: Duration::from_secs(365 * 86_400),
        ..small()
    };
    let rig = FolderRig::new(window.clone());
    let a = series("a", &[]);
    rig.append(&batch(&a, &minutes(0, 600)));
    rig.maintain();
    let appended = rig.append(&batch(&a, &[(60_000, 1.0), (120_000, 7.0), (90_000, 9.0)]));
    assert_eq!(appended.refused_for(RefusalKind::Duplicate), 1);
    assert_eq!((appended.samples, appended.out_of_order), (2, 1));
    let mut expected = minutes(0, 600);
    expected.insert(2, (90_000, 9.0));
    assert_eq!(all(&rig.store, &a), bits(&expected));
    assert_eq!(rig.maintain().flushed, 1, "what came late follows");
    assert_eq!(all(&rig.store, &a), bits(&expected));
    // A series that left the head altogether is known by its blocks.
    rig.append(&batch(&series("b", &[]), &minutes(0, 2000)));
    rig.maintain();
    let appended = rig.append(&batch(&a, &[(60_000, 1.0), (60_000, 2.0)]));
    assert_eq!(
        (
            appended.samples,
            appended.refused_for(RefusalKind::Duplicate)
        ),
        (1, 1)
    );
    assert_eq!(all(&rig.reopen(window).store, &a), bits(&expected));
}

#[test]
fn each_class_is_kept_for_its_own_time() {
    let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
    let class = |name: &str, metric: &str, age| RetentionClass {
        name: name.to_owned(),
        selectors: vec![vec![Matcher::equal("__name__", metric)]],
        age,
        bytes: None,
        out_of_order_window: None,
        tiers: Vec::new(),
    };
    let retention = Retention {
        age: hours(10),
        classes: vec![
            class("short", "debug", hours(1)),
            class("long", "launch", None),
        ],
        ..Retention::default()
    };
    let config = Config {
        retention,
        ..small()
    };
    let rig = FolderRig::new(config.clone());
    let metrics = ["debug", "launch", "other"].map(|metric| series(metric, &[]));
    let samples = minutes(0, 48 * 60);
    for metric in &metrics {
        rig.append(&batch(metric, &samples));
    }
    let check = |store: &Store| {
        let kept = metrics.each_ref().map(|metric| all(store, metric).len());
        assert_eq!(kept, [61, 48 * 60, 601]);
    };
    check(&rig.store);
    rig.maintain();
    check(&rig.store);
    let figures = rig.store.figures();
    let least = (48 * 60 + 601 + 61) as u64;
    assert!(
        figures.block_samples < least + 6 * 120,
        "{figures:?}: old blocks are gone"
    );
    check(&rig.reopen(config).store);
}

#[test]
fn a_tier_stands_in_for_samples_that_are_too_old() {
    let tier = TierConfig {
        resolution_ms: HOUR_MS as u32,
        retention_ms: None,
    };
    let retention = Retention {
        age: Some(Duration::from_secs(86_400)),
        tiers: vec![tier],
        ..Retention::default()
    };
    let config = Config {
        retention,
        ..small()
    };
    let rig = FolderRig::new(config.clone());
    let a = series("a", &[]);
    let days = 30;
    let hour = |n: i64| (n * HOUR_MS, n as f64);
    for day in 0..days {
        // The last sample of each hour is at its end.
        let minutes = day * 1440 + 1..=(day + 1) * 1440;
        let samples: Vec<_> = minutes.map(|m| (m * 60_000, m as f64 / 60.0)).collect();
        rig.append(&batch(&a, &samples));
        rig.maintain();
    }
    let rig = rig.reopen(config);
    let weeks = floats(&rig.store, &a, HOUR_MS, 14 * 24 * HOUR_MS);
    assert_eq!(weeks, bits(&(1..=14 * 24).map(hour).collect::<Vec<_>>()));
    // The largest and the smallest of each hour, not the last, where that is asked for.
    let selection = Selection {
        matchers: matchers(&a),
        from_ms: HOUR_MS,
        to_ms: 2 * HOUR_MS,
    };
    let selected = rig.store.select(&selection).unwrap();
    let read = |aggregate| {
        let mut samples = Samples::default();
        selected
            .read_as(0, aggregate, HOUR_MS, 2 * HOUR_MS, &mut samples)
            .unwrap();
        samples.floats
    };
    assert_eq!(read(Aggregate::Max), [1.0, 2.0]);
    assert_eq!(read(Aggregate::Min), [1.0 / 60.0, 61.0 / 60.0]);
    assert_eq!(read(Aggregate::Count), [60.0, 60.0]);
    let newest = days * 24 * HOUR_MS;
    let last_day = floats(&rig.store, &a, newest - 24 * HOUR_MS, newest);
    assert_eq!(last_day.len(), 1441, "the samples themselves");
    let all = all(&rig.store, &a);
    assert!(
        all.is_sorted_by(|one, next| one.0 < next.0),
        "nothing twice"
    );
}

#[test]
fn the_oldest_blocks_go_when_there_are_too_many_bytes() {
    let bytes_max = 20_000;
    let retention = Retention {
        bytes: Some(bytes_max),
        ..Retention::default()
    };
    let rig = FolderRig::new(Config {
        retention,
        ..small()
    });
    let a = series("a", &[]);
    let noise: Vec<_> = (0..100_000)
        .map(|n| (n * 1000, (n as f64).sqrt()))
        .collect();
    rig.append(&batch(&a, &noise));
    assert!(rig.maintain().expired > 0);
    let figures = rig.store.figures();
    assert!(figures.block_bytes <= bytes_max, "{figures:?}");
    let left = all(&rig.store, &a);
    assert_eq!(left.last(), bits(&noise).last());
    assert!(left.len() < noise.len());
}

#[test]
fn a_deletion_says_what_it_would_take_and_is_there_at_once() {
    let mut rig = FolderRig::new(small());
    let (a, b) = (
        series("m", &[("only_a", "1")]),
        series("m", &[("only_b", "1")]),
    );
    let samples = minutes(0, 600);
    let mut both = batch(&a, &samples);
    add(&mut both, &b, &samples);
    rig.append(&both);
    rig.maintain();
    let sets = [matchers(&a)];
    let all_time = (i64::MIN, i64::MAX);
    let dry = rig.store.count(&sets, 60_000, 120_000).unwrap();
    assert_eq!(
        dry,
        Deleted {
            series: 1,
            samples: 2
        }
    );
    assert_eq!(all(&rig.store, &a).len(), 600, "counting deletes nothing");
    assert_eq!(rig.store.delete(&sets, 60_000, 120_000).unwrap(), dry);
    let mut left = samples.clone();
    left.drain(1..=2);
    assert_eq!(all(&rig.store, &a), bits(&left));
    let rest = rig.store.delete(&sets, all_time.0, all_time.1).unwrap();
    assert_eq!(
        rest,
        Deleted {
            series: 1,
            samples: 598
        }
    );
    for _ in 0..2 {
        assert_eq!(all(&rig.store, &a), []);
        assert_eq!(all(&rig.store, &b), bits(&samples));
        assert_eq!(names(&rig.store), ["__name__", "only_b"]);
        assert_eq!(
            rig.store.label_values("only_a", &Listing::all()).unwrap(),
            [""; 0]
        );
        rig = rig.reopen(small());
    }
    let before = rig.store.figures().block_samples;
    rig.maintain();
    let after = rig.store.figures().block_samples;
    assert!(after <= before / 2, "{before} to {after}: space comes back");
    assert_eq!(all(&rig.store, &b), bits(&samples));
}

#[test]
fn a_damaged_block_holds_up_neither_checkpoints_nor_others() {
    let rig = FolderRig::new(Config {
        checkpoint_bytes: 1,
        ..small()
    });
    let a = series("a", &[]);
    let samples = minutes(0, 600);
    rig.append(&batch(&a, &samples));
    rig.maintain();
    rig.store.delete(&[matchers(&a)], 60_000, 120_000).unwrap();
    let path = rig
        .folder
        .path()
        .join("blocks/default/00000000000000000001.block");
    let block = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    // The first page is behind the header of 32 bytes.
    std::os::unix::fs::FileExt::write_all_at(&block, &[0xff; 4], 34).unwrap();
    let more: Vec<_> = (0..5000)
        .map(|n| (600 * 60_000 + n, (n as f64).sqrt()))
        .collect();
    rig.append(&batch(&a, &more));
    assert!(rig.store.figures().replay_bytes > 0);
    let error = rig.store.maintain().unwrap_err();
    assert!(
        error.to_string().contains("00000000000000000001.block"),
        "{error}"
    );
    assert_eq!(
        rig.store.figures().replay_bytes,
        0,
        "the checkpoint was written"
    );
    let later = floats(&rig.store, &a, 5 * HOUR_MS, i64::MAX);
    assert_eq!(later.len(), 5300, "what is whole is read");
    let again = rig.store.maintain();
    assert!(again.is_ok(), "it is not tried again at once: {again:?}");
}

#[test]
fn a_snapshot_is_a_store_that_does_not_change() {
    let rig = FolderRig::new(small());
    let a = series("a", &[]);
    let samples = minutes(0, 600);
    rig.append(&batch(&a, &samples));
    rig.maintain();
    let target = rig.folder.path().join("snapshot");
    rig.store.snapshot(&target).unwrap();
    assert!(
        rig.store.snapshot(&target).is_err(),
        "a snapshot is not overwritten"
    );
    rig.store.delete(&[matchers(&a)], 0, i64::MAX).unwrap();
    rig.append(&batch(&a, &[(700 * 60_000, 1.0)]));
    rig.maintain();
    let copy = open(&target, small(), &rig.clock);
    assert_eq!(all(&copy, &a), bits(&samples));
    copy.append(&batch(&a, &[(601 * 60_000, 2.0)])).unwrap();
    assert_eq!(all(&copy, &a).len(), 601);
    assert_eq!(all(&rig.store, &a), bits(&[(700 * 60_000, 1.0)]));
}

#[test]
fn a_crash_between_blocks_and_checkpoint_shows_nothing_twice() {
    let rig = FolderRig::new(small());
    let [a, b, c] = ["a", "b", "c"].map(|metric| series(metric, &[]));
    let samples = minutes(0, 600);
    let mut first = batch(&a, &samples[..30]);
    add(&mut first, &b, &samples);
    rig.append(&first);
    assert!(rig.maintain().flushed > 0);
    // The slot of what left is given away, and what left comes back in another.
    rig.append(&batch(&c, &[(600 * 60_000, 1.0)]));
    rig.append(&batch(&a, &[(600 * 60_000, 2.0)]));
    let FolderRig {
        folder,
        clock,
        store,
    } = rig;
    drop(store);
    for file in std::fs::read_dir(folder.path().join("log")).unwrap() {
        let path = file.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "checkpoint")
        {
            std::fs::remove_file(path).unwrap();
        }
    }
    let store = open(folder.path(), small(), &clock);
    let mut of_a = samples[..30].to_vec();
    of_a.push((600 * 60_000, 2.0));
    assert_eq!(
        store.series(&Listing::all()).unwrap(),
        [a.clone(), b.clone(), c.clone()]
    );
    assert_eq!(all(&store, &a), bits(&of_a));
    assert_eq!(all(&store, &b), bits(&samples));
    assert_eq!(all(&store, &c), bits(&[(600 * 60_000, 1.0)]));
    let rig = FolderRig {
        folder,
        clock,
        store,
    };
    rig.maintain();
    assert_eq!(all(&rig.store, &a), bits(&of_a));
    assert_eq!(all(&rig.store, &b), bits(&samples));
}

#[derive(Debug, Clone)]
enum Step {
    Append(u8, Vec<(i64, u8)>),
    Steady(u8, i64),
    Delete(u8, i64, i64),
    Maintain,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let sample = (0..3000_i64, 0..3_u8);
    prop_oneof![
        4 => (0..4_u8, prop::collection::vec(sample, 1..20)).prop_map(|(id, s)| Step::Append(id, s)),
        4 => (0..4_u8, 0..3000_i64).prop_map(|(id, from)| Step::Steady(id, from)),
        2 => (0..4_u8, 0..3000_i64, 0..600_i64).prop_map(|(id, from, l)| Step::Delete(id, from, from + l)),
        3 => Just(Step::Maintain),
        1 => Just(Step::Reopen),
    ]
}

type Model = BTreeMap<u8, BTreeMap<i64, u8>>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn every_range_is_what_a_map_holds_with_blocks(
        steps in prop::collection::vec(step(), 1..14),
        ranges in prop::collection::vec((0..3200_i64, 0..3200_i64), 3),
    ) {
        let config = Config {
            out_of_order_window: Duration::from_secs(365 * 86_400),
            ..small()
        };
        let mut rig = FolderRig::new(config.clone());
        let mut model = Model::new();
        let labels = |id: u8| series("m", &[("id", &id.to_string())]);
        for step in steps {
            match step {
                Step::Append(id, samples) => append(&rig, &mut model, id, &samples, &labels(id)),
                Step::Steady(id, from) => {
                    let samples: Vec<_> = (from..from + 300).map(|m| (m, (m % 3) as u8)).collect();
                    append(&rig, &mut model, id, &samples, &labels(id));
                }
                Step::Delete(id, from, to) => {
                    let deleted = rig.store.delete(&[matchers(&labels(id))], from * 60_000, to * 60_000);
                    let held = model.entry(id).or_default();
                    let before = held.len();
                    held.retain(|t, _| *t < from || *t > to);
                    prop_assert_eq!(deleted.unwrap().samples, before - held.len());
                }
                Step::Maintain => {
                    rig.maintain();
                }
                Step::Reopen => rig = rig.reopen(config.clone()),
            }
            model.retain(|_, samples| !samples.is_empty());
            let ids = rig.store.label_values("id", &Listing::all()).unwrap();
            let expected: Vec<_> = model.keys().map(u8::to_string).collect();
            prop_assert_eq!(ids, expected);
            for (from, to) in ranges.iter().map(|(a, b)| (a.min(b), a.max(b))) {
                for (id, samples) in &model {
                    let range = samples.range(from..=to);
                    let expected: Vec<_> = range.map(|(t, v)| (t * 60_000, f64::from(*v).to_bits())).collect();
                    prop_assert_eq!(floats(&rig.store, &labels(*id), from * 60_000, to * 60_000), expected);
                }
            }
        }
    }
}

fn append(rig: &FolderRig, model: &mut Model, id: u8, samples: &[(i64, u8)], labels: &Labels) {
    let held = model.entry(id).or_default();
    let mut taken = 0;
    let mut batch = Batch::new();
    batch.series(labels).expect("labels");
    for (minute, value) in samples {
        batch.float(minute * 60_000, f64::from(*value));
        taken += usize::from(*held.entry(*minute).or_insert(*value) == *value);
    }
    assert_eq!(rig.append(&batch).samples, taken);
}

#[test]
fn a_merge_that_always_fails_keeps_no_other_from_its_turn_and_is_named() {
    use std::os::unix::fs::FileExt;
    let rig = FolderRig::new(small());
    let a = series("a", &[]);
    rig.append(&batch(&a, &minutes(0, 23 * 60)));
    assert!(rig.maintain().flushed > 5);
    let path = rig
        .folder
        .path()
        .join("blocks/default/00000000000000000001.block");
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(&[0xff; 8], 40).unwrap();
    rig.append(&batch(&a, &minutes(23 * 60, 74 * 60)));
    let (mut compacted, mut failed) = (0, 0);
    let mut rounds = |rounds: usize| {
        for _ in 0..rounds {
            rig.clock.advance(Duration::from_secs(1));
            match rig.store.maintain() {
                Ok(done) => compacted += done.compacted,
                Err(_) => failed += 1,
            }
        }
        (compacted, failed)
    };
    assert_eq!(
        rounds(20),
        (2, 1),
        "the second and third day, and one try at the first"
    );
    let steps = rig.store.failing_steps();
    let [step] = &steps[..] else {
        panic!("{steps:?}")
    };
    assert!(step.step.starts_with("merging 1, "), "{step:?}");
    assert!(
        step.problem
            .contains("00000000000000000001.block is damaged"),
        "{step:?}"
    );
    assert_eq!((step.class.as_str(), step.tries), ("default", 1));
    assert_eq!(rig.store.figures().failing_steps, 1);
    rig.clock.advance(Duration::from_secs(600));
    rounds(5);
    assert_eq!(
        rig.store.failing_steps()[0].tries,
        2,
        "it waits longer each time"
    );
    rig.clock.advance(Duration::from_secs(601));
    rounds(5);
    assert_eq!(rig.store.failing_steps()[0].tries, 2);
}

#[test]
fn a_block_that_was_taken_away_is_told_and_the_rest_is_served() {
    let rig = FolderRig::new(small());
    let a = series("a", &[]);
    rig.append(&batch(&a, &minutes(0, 600)));
    rig.maintain();
    let blocks = rig.folder.path().join("blocks/default");
    std::fs::remove_file(blocks.join("00000000000000000002.block")).unwrap();
    let rig = rig.reopen(small());
    let lost = rig.store.lost_blocks();
    assert_eq!((lost.len(), rig.store.figures().lost_blocks), (1, 1));
    assert_eq!((lost[0].first_ms, lost[0].samples), (2 * HOUR_MS, 120));
    assert_eq!(all(&rig.store, &a).len(), 480);
}

#[test]
fn a_class_has_bytes_and_a_window_of_its_own() {
    let class = RetentionClass {
        name: "meters".to_owned(),
        selectors: vec![
            vec![Matcher::equal("__name__", "power")],
            vec![Matcher::equal("job", "meters")],
        ],
        age: None,
        bytes: Some(1),
        out_of_order_window: Some(Duration::from_secs(48 * 3600)),
        tiers: Vec::new(),
    };
    let retention = Retention {
        classes: vec![class],
        ..Retention::default()
    };
    let rig = FolderRig::new(Config {
        retention,
        ..small()
    });
    let [power, other, up] = [
        series("power", &[]),
        series("other", &[("job", "meters")]),
        series("up", &[]),
    ];
    for metric in [&power, &other, &up] {
        rig.append(&batch(metric, &[(40 * HOUR_MS, 1.0)]));
    }
    for (metric, taken) in [(&power, 1), (&other, 1), (&up, 0)] {
        let late = rig.append(&batch(metric, &[(HOUR_MS, 1.0)]));
        assert_eq!(late.samples, taken, "{metric}");
    }
    rig.append(&batch(&up, &minutes(41 * 60, 50 * 60)));
    rig.append(&batch(&power, &minutes(41 * 60, 50 * 60)));
    let done = rig.maintain();
    assert!(done.expired > 0, "{done:?}");
    assert_eq!(all(&rig.store, &up).len(), 541, "another class has room");
    assert!(all(&rig.store, &power).len() < 200, "only the head has it");
}
