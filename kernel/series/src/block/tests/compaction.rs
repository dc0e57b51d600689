use std::fs;
use std::path::Path;

use super::*;
use crate::{Matcher, STALE};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

fn minutes(first_ms: i64, count: i64, value: impl Fn(i64) -> f64) -> Samples {
    floats(
        &(0..count)
            .map(|i| (first_ms + i * 60_000, value(i)))
            .collect::<Vec<_>>(),
    )
}

/// A day in blocks of some hours, one of them beside another, and a sample that a later block corrects.
fn day(folder: &BlockFolder) {
    for hour in (0..24).step_by(6) {
        let first = hour * HOUR_MS;
        let series = vec![
            (
                labels(&[("__name__", "a")]),
                minutes(first, 300, |i| (i + hour * 60) as f64),
            ),
            (
                labels(&[("__name__", "b"), ("h", &format!("{hour:02}"))]),
                minutes(first, 10, |_| 1.0),
            ),
        ];
        write(folder, &series).unwrap();
    }
    let late = vec![
        (
            labels(&[("__name__", "a")]),
            floats(&[(3 * HOUR_MS + 1, 0.5), (4 * HOUR_MS, -1.0)]),
        ),
        (
            labels(&[("__name__", "late")]),
            floats(&[(3 * HOUR_MS, 7.0)]),
        ),
    ];
    write(folder, &late).unwrap();
}

fn metas(blocks: &[Arc<Block>]) -> Vec<BlockMeta> {
    blocks.iter().map(|block| block.meta()).collect()
}

fn apply(blocks: &mut Vec<Arc<Block>>, compacted: Compacted) {
    blocks.retain(|block| !compacted.removed.contains(&block.meta().number));
    blocks.extend(compacted.added);
}

/// Compacts until nothing is due.
fn settle(opened: &mut OpenedBlocks, config: &CompactionConfig, now_ms: i64) -> usize {
    let mut done = 0;
    loop {
        let steps = plan_compaction(&metas(&opened.blocks), config, now_ms);
        let Some(step) = steps.first() else {
            return done;
        };
        let compacted = run_compaction(&opened.folder, &opened.blocks, step).unwrap();
        apply(&mut opened.blocks, compacted);
        done += 1;
        assert!(done < 50, "it never settles: {steps:?}");
    }
}

/// How many files a folder has beside its register.
fn files(folder: &Path) -> usize {
    let names = fs::read_dir(folder).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name());
    names.filter(|name| name != "blocks.register").count()
}

/// What a reader sees when of one time the newest block counts.
fn expected(blocks: &[Arc<Block>]) -> Vec<(String, Vec<(i64, u64)>)> {
    let mut all = content(blocks);
    for (labels, samples) in &mut all {
        if labels == "a" {
            samples.retain(|(time, bits)| *time != 4 * HOUR_MS || *bits == (-1.0f64).to_bits());
        }
    }
    all
}

#[test]
fn a_day_of_blocks_becomes_one_with_late_samples_in_their_place() {
    let (root, folder) = folder();
    day(&folder);
    let mut opened = BlockFolder::open(root.path()).unwrap();
    let before = expected(&opened.blocks);
    let config = CompactionConfig::default();
    assert!(plan_compaction(&metas(&opened.blocks), &config, 2 * HOUR_MS).is_empty());
    settle(&mut opened, &config, DAY_MS + HOUR_MS);
    assert_eq!(opened.blocks.len(), 1);
    assert_eq!(content(&opened.blocks), before);
    assert_eq!(files(root.path()), 1);
    let again = BlockFolder::open(root.path()).unwrap();
    assert_eq!(content(&again.blocks), before);
}

#[test]
fn weeks_are_made_of_days_and_gone_when_they_are_too_old() {
    let (root, folder) = folder();
    for day in 0..8 {
        let series = vec![(
            labels(&[("__name__", "a")]),
            minutes(day * DAY_MS, 1440, |i| i as f64),
        )];
        write(&folder, &series).unwrap();
    }
    let mut opened = BlockFolder::open(root.path()).unwrap();
    let config = CompactionConfig {
        retention_ms: Some(10 * DAY_MS),
        ..CompactionConfig::default()
    };
    settle(&mut opened, &config, 8 * DAY_MS);
    let sizes = |blocks: &[Arc<Block>]| blocks.iter().map(|b| b.meta().samples).collect::<Vec<_>>();
    assert_eq!(sizes(&opened.blocks), [1440, 7 * 1440]);
    settle(&mut opened, &config, 17 * DAY_MS + HOUR_MS);
    assert_eq!(
        sizes(&opened.blocks),
        [1440],
        "the week is past its age, the eighth day is not"
    );
    settle(&mut opened, &config, 18 * DAY_MS + HOUR_MS);
    assert_eq!(files(root.path()), 0);
}

#[test]
fn deleted_samples_give_their_space_back() {
    let (root, folder) = folder();
    day(&folder);
    let mut opened = BlockFolder::open(root.path()).unwrap();
    settle(&mut opened, &CompactionConfig::default(), 2 * DAY_MS);
    let all = (i64::MIN, i64::MAX);
    opened.blocks[0]
        .delete(&[Matcher::equal("__name__", "a")], all.0, all.1)
        .unwrap();
    let left = content(&opened.blocks);
    let bytes = opened.blocks[0].meta().bytes;
    settle(&mut opened, &CompactionConfig::default(), 2 * DAY_MS);
    assert_eq!(content(&opened.blocks), left);
    assert!(!opened.blocks[0].meta().has_deleted);
    assert!(opened.blocks[0].meta().bytes < bytes);
    opened.blocks[0].delete(&[], all.0, all.1).unwrap();
    settle(&mut opened, &CompactionConfig::default(), 2 * DAY_MS);
    assert!(
        opened.blocks.is_empty(),
        "a block of which all is deleted goes"
    );
    assert_eq!(files(root.path()), 0);
}

#[test]
fn a_few_late_samples_do_not_have_a_week_rewritten() {
    let meta = |number, first_ms, last_ms, bytes| BlockMeta {
        number,
        first_ms,
        last_ms,
        bytes,
        ..BlockMeta::default()
    };
    let week = meta(1, 0, 7 * DAY_MS - 1, 1_000_000);
    let late = |n: u64| meta(n, DAY_MS, 2 * DAY_MS, 1_000);
    let config = CompactionConfig::default();
    let merges = |blocks: &[BlockMeta]| {
        let steps = plan_compaction(blocks, &config, 30 * DAY_MS);
        steps
            .iter()
            .any(|step| matches!(step, CompactionStep::Merge { blocks } if blocks.contains(&1)))
    };
    assert!(!merges(&[week.clone(), late(2), late(3)]));
    let many: Vec<BlockMeta> = std::iter::once(week.clone())
        .chain((2..12).map(late))
        .collect();
    assert!(merges(&many));
    assert!(merges(&[week, meta(2, 0, DAY_MS, 900_000)]));
}

/// At each step that changes the disk the process ends, and another opens the folder: it sees what was there before,
/// or what is there after, which are the same; and can go on.
#[test]
fn a_crash_at_any_step_loses_nothing_and_shows_nothing_twice() {
    let config = CompactionConfig {
        tiers: vec![TierConfig {
            resolution_ms: 300_000,
            retention_ms: None,
        }],
        ..CompactionConfig::default()
    };
    let now_ms = 8 * DAY_MS;
    let (_blocks, written) = folder();
    day(&written);
    for steps in 0.. {
        let root = tempfile::tempdir().unwrap();
        written.link_into(root.path()).unwrap();
        let mut opened = BlockFolder::open(root.path()).unwrap();
        let before = expected(&opened.blocks);
        opened.folder.crash.after(steps);
        let crashed = loop {
            let planned = plan_compaction(&metas(&opened.blocks), &config, now_ms);
            let Some(step) = planned.first() else {
                break false;
            };
            match run_compaction(&opened.folder, &opened.blocks, step) {
                Ok(compacted) => apply(&mut opened.blocks, compacted),
                Err(_) => break true,
            }
        };
        let mut again = BlockFolder::open(root.path()).unwrap();
        assert!(
            again.damaged.is_empty(),
            "after {steps} steps: {:?}",
            again.damaged
        );
        assert_eq!(expected(&again.blocks), before, "after {steps} steps");
        settle(&mut again, &config, now_ms);
        assert_eq!(
            content(&again.blocks),
            before,
            "after {steps} steps and the rest"
        );
        // A sample at the very beginning belongs to the tier before.
        assert_eq!(files(root.path()), 3, "a day and two tiers");
        if !crashed {
            assert!(steps > 20, "the crashes were none: {steps}");
            return;
        }
    }
}

#[test]
fn a_block_that_could_not_be_written_never_was() {
    for steps in 0.. {
        let (root, folder) = folder();
        folder.crash.after(steps);
        let series = vec![(labels(&[("a", "b")]), floats(&[(1, 2.0)]))];
        let written = write(&folder, &series);
        let opened = BlockFolder::open(root.path()).unwrap();
        // The rename may be there although the sync of its folder failed.
        assert!(opened.blocks.len() <= 1 && opened.damaged.is_empty());
        match written {
            Ok(_) => {
                assert_eq!(opened.blocks.len(), 1);
                return;
            }
            Err(_) if opened.blocks.is_empty() => {
                assert_eq!(files(root.path()), 0);
            }
            Err(_) => {}
        }
    }
}

#[test]
fn a_block_that_was_given_up_takes_no_space() {
    let (root, folder) = folder();
    let mut writer = folder.writer(0, Vec::new()).unwrap();
    folder.crash.after(0);
    assert!(
        writer
            .add(&labels(&[("a", "b")]), &floats(&[(1, 2.0)]))
            .is_err()
    );
    folder.crash.after(i64::MAX);
    assert_eq!(files(root.path()), 1);
    drop(writer);
    assert_eq!(files(root.path()), 0);
}

#[test]
fn what_cannot_be_read_is_not_merged_and_not_lost() {
    let (root, folder) = folder();
    day(&folder);
    let path = folder.block_path(1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[40] ^= 1;
    fs::write(&path, bytes).unwrap();
    let opened = BlockFolder::open(root.path()).unwrap();
    let before = files(root.path());
    let steps = plan_compaction(
        &metas(&opened.blocks),
        &CompactionConfig::default(),
        9 * DAY_MS,
    );
    let failed = run_compaction(&opened.folder, &opened.blocks, &steps[0]).unwrap_err();
    assert!(
        failed
            .to_string()
            .contains("00000000000000000001.block is damaged at byte 32")
    );
    assert_eq!(files(root.path()), before);
}

#[test]
fn a_tier_tells_what_its_samples_come_to() {
    let (root, folder) = folder();
    let mut counter = minutes(60_000, 7 * 1440, |i| (i % 1000) as f64);
    counter.floats[9] = STALE;
    write(
        &folder,
        &vec![(labels(&[("__name__", "a")]), counter.clone())],
    )
    .unwrap();
    let mut opened = BlockFolder::open(root.path()).unwrap();
    let config = CompactionConfig {
        retention_ms: Some(7 * DAY_MS),
        tiers: vec![TierConfig {
            resolution_ms: HOUR_MS as u32,
            retention_ms: Some(30 * DAY_MS),
        }],
        ..CompactionConfig::default()
    };
    assert!(plan_compaction(&metas(&opened.blocks), &config, 7 * DAY_MS).is_empty());
    settle(&mut opened, &config, 15 * DAY_MS);
    assert_eq!(
        opened.blocks.len(),
        1,
        "the samples are past their age, the tier is not"
    );
    let tier = &opened.blocks[0];
    let column = |aggregate| {
        let mut column = Samples::default();
        tier.read_aggregate(0, aggregate, i64::MIN, i64::MAX, &mut column)
            .unwrap();
        column
    };
    let counts = column(Aggregate::Count);
    assert_eq!(
        counts.timestamps,
        (1..=168).map(|hour| hour * HOUR_MS).collect::<Vec<_>>()
    );
    assert_eq!((counts.floats[0], counts.floats[1]), (59.0, 60.0));
    assert_eq!(column(Aggregate::Last).floats[..2], [59.0, 119.0]);
    assert_eq!(column(Aggregate::Max).floats[16], 999.0);
    assert_eq!(column(Aggregate::Min).floats[16], 0.0);
    let increase: f64 = column(Aggregate::Increase).floats.iter().sum();
    let expected: f64 = (1..counter.len())
        .filter(|i| *i != 9)
        .map(|i| match i % 1000 {
            0 => 0.0,
            10 if i == 10 => 2.0,
            _ => 1.0,
        })
        .sum();
    assert_eq!(increase, expected);
    settle(&mut opened, &config, 38 * DAY_MS);
    assert!(opened.blocks.is_empty());
}

#[test]
fn a_link_of_a_folder_is_a_folder() {
    let (root, folder) = folder();
    day(&folder);
    let before = content(&BlockFolder::open(root.path()).unwrap().blocks);
    let copy = root.path().join("snapshots/one");
    folder.link_into(&copy).unwrap();
    folder.remove(1..20).unwrap();
    assert_eq!(content(&BlockFolder::open(&copy).unwrap().blocks), before);
    assert!(BlockFolder::open(root.path()).unwrap().blocks.is_empty());
}
