use proptest::prelude::*;

use super::*;
use crate::{CounterReset, Histogram, STALE, Span};

fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        (-50i64..50).prop_map(|n| n as f64),
        (-50_000i64..50_000).prop_map(|n| n as f64 / 100.0),
        Just(STALE),
    ]
}

fn histogram() -> impl Strategy<Value = Arc<Histogram>> {
    (float(), prop::collection::vec(float(), 0..6), any::<i32>()).prop_map(
        |(sum, counts, offset)| {
            Arc::new(Histogram {
                schema: 3,
                sum,
                count: counts.len() as f64,
                positive_spans: vec![Span {
                    offset,
                    length: counts.len() as u32,
                }],
                positive_buckets: counts,
                counter_reset: CounterReset::NotReset,
                ..Histogram::default()
            })
        },
    )
}

/// Runs of floats and of histograms, some with starts, at any times.
pub(super) fn samples() -> impl Strategy<Value = Samples> {
    let interval = prop_oneof![Just(15_000i64), 14_990..15_010i64, 1..1i64 << 50];
    let value = prop_oneof![
        8 => float().prop_map(Err),
        1 => histogram().prop_map(Ok),
    ];
    let start = prop_oneof![8 => Just(0), 1 => any::<i64>()];
    let run = (interval, value, start, 1usize..400);
    (any::<i64>(), prop::collection::vec(run, 1..8)).prop_map(|(first, runs)| {
        let mut time = first;
        let mut samples = Samples::default();
        for (interval, value, start, count) in runs {
            for i in 0..count {
                match &value {
                    Ok(histogram) => samples.push_histogram(time, Arc::clone(histogram)),
                    Err(float) => {
                        samples.push_float(time, if i % 3 == 0 { *float } else { i as f64 })
                    }
                }
                samples.set_last_start(start);
                let Some(next) = time.checked_add(interval) else {
                    return samples;
                };
                time = next;
            }
        }
        samples
    })
}

fn within(samples: &Samples, from_ms: i64, to_ms: i64) -> Vec<Exact> {
    let mut all = exactly(samples);
    all.retain(|sample| from_ms <= sample.0 && sample.0 <= to_ms);
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_read_is_what_was_written(columns in prop::collection::vec(samples(), 1..4), place in any::<prop::sample::Index>()) {
        let name = |i: usize| labels(&[("__name__", "m"), ("i", &format!("{i}"))]);
        let series: Series = columns.into_iter().enumerate().map(|(i, s)| (name(i), s)).collect();
        let (_root, block) = written(&series);
        prop_assert_eq!(block.verify().unwrap(), series.iter().map(|(_, s)| s.len() as u64).sum::<u64>());
        for (id, (labels, samples)) in series.iter().enumerate() {
            let id = id as u32;
            prop_assert_eq!(&block.labels(id).unwrap(), labels);
            prop_assert_eq!(exactly(&read_all(&block, id)), exactly(samples));
            let from = samples.timestamps[place.index(samples.len())];
            let to = from.saturating_add(1_000_000);
            // Behind samples of an earlier block, as a reader of a folder does.
            let mut column = floats(&[(i64::MIN, 1.0)]);
            block.read(id, from, to, &mut column).unwrap();
            prop_assert_eq!(&exactly(&column)[1..], &within(samples, from, to)[..]);
        }
    }
}

#[test]
fn series_scraped_together_share_their_times() {
    let times: Vec<i64> = (0..500).map(|i| i * 15_000 + i * i % 7).collect();
    let column = |k: i64| {
        floats(
            &times
                .iter()
                .map(|t| (*t, (t % 10 + k) as f64))
                .collect::<Vec<_>>(),
        )
    };
    let name = |i: usize| labels(&[("__name__", "m"), ("i", &format!("{i:03}"))]);
    let bytes = |count: usize| {
        let series: Series = (0..count)
            .map(|i| (name(i), column(i as i64 % 5)))
            .collect();
        let (_root, block) = written(&series);
        block.meta().bytes
    };
    let one = bytes(1);
    let each = (bytes(101) - one) / 100;
    assert!(each < 300, "a series more takes {each} bytes");
}

#[test]
fn a_block_without_series_can_be_read() {
    let (_root, block) = written(&Vec::new());
    assert_eq!(block.meta().series, 0);
    assert_eq!(block.select(&[], i64::MIN, i64::MAX).unwrap(), [0u32; 0]);
    assert_eq!(block.verify().unwrap(), 0);
}

/// Version 1 stays readable: this block was written when the version was made.
#[test]
fn the_block_of_version_1_is_read() {
    let bytes = include_bytes!("golden-1.block");
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("00000000000000000001.block");
    std::fs::write(&path, bytes).unwrap();
    let block = Block::open(&path, 1).unwrap();
    assert_eq!(
        block.verify().unwrap(),
        golden().iter().map(|(_, s)| s.len() as u64).sum::<u64>()
    );
    for (id, (labels, samples)) in golden().iter().enumerate() {
        assert_eq!(&block.labels(id as u32).unwrap(), labels);
        assert_eq!(exactly(&read_all(&block, id as u32)), exactly(samples));
    }
    let aggregates = include_bytes!("golden-1-tier.block");
    let path = root.path().join("00000000000000000002.block");
    std::fs::write(&path, aggregates).unwrap();
    let tier = Block::open(&path, 2).unwrap();
    let mut counts = Samples::default();
    let id = tier
        .select(&[crate::Matcher::equal("kind", "decimal")], 0, i64::MAX)
        .unwrap()[0];
    tier.read_aggregate(id, Aggregate::Count, 0, i64::MAX, &mut counts)
        .unwrap();
    assert_eq!(counts.floats.iter().sum::<f64>(), 299.0);
}

/// A series of each kind of column.
pub(super) fn golden() -> Series {
    let of = |value: &dyn Fn(i64) -> f64| {
        floats(
            &(0..300)
                .map(|i| (i * 15_000 + i % 3, value(i)))
                .collect::<Vec<_>>(),
        )
    };
    let mut stale = of(&|i| (i * 37 % 1000) as f64 / 100.0);
    stale.floats[299] = STALE;
    let mut started = of(&|i| (i * i) as f64);
    (0..300).for_each(|i| started.starts.push(i / 100 * 7));
    let mut histograms = Samples::default();
    for i in 0..200 {
        let histogram = Histogram {
            schema: 2,
            count: i as f64,
            sum: i as f64 / 3.0,
            positive_spans: vec![Span {
                offset: -2,
                length: 3,
            }],
            positive_buckets: vec![i as f64, 1.0, (i / 50) as f64],
            ..Histogram::default()
        };
        histograms.push_histogram(i * 15_000, Arc::new(histogram));
    }
    // A generator whose every bit is defined, unlike that of a sine.
    let random = |i: i64| {
        f64::from_bits(0x3ff0_0000_0000_0000 | (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 12)
    };
    let name = |kind: &str| labels(&[("__name__", "golden"), ("kind", kind)]);
    let mut all = vec![
        (name("constant"), of(&|_| 0.1 + 0.2)),
        (name("decimal"), stale),
        (name("float"), of(&random)),
        (name("histogram"), histograms),
        (name("steps"), of(&|i| (i * 250) as f64)),
        (name("started"), started),
        (
            name("walk"),
            of(&|i| (i * 4096 + random(i).to_bits() as i64 % 64 * 8) as f64),
        ),
        (name("short"), floats(&[(1, f64::NAN), (i64::MAX, -0.0)])),
    ];
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// Writes the golden files anew, into the folder that a variable names; the old ones stay what version 1 is.
#[test]
#[ignore = "makes the golden files of a new version"]
fn write_golden_files() {
    let target =
        std::path::PathBuf::from(std::env::var_os("GOLDEN").expect("GOLDEN names a folder"));
    let (_root, folder) = folder();
    let meta = write(&folder, &golden()).unwrap();
    std::fs::copy(
        folder.block_path(meta.number),
        target.join("golden-1.block"),
    )
    .unwrap();
    let block = Arc::new(Block::open(&folder.block_path(1), 1).unwrap());
    let step = CompactionStep::Downsample {
        blocks: vec![1],
        resolution_ms: 300_000,
        after_ms: -300_000,
        to_ms: 300_000_000,
    };
    let tier = run_compaction(&folder, &[block], &step)
        .unwrap()
        .added
        .unwrap();
    std::fs::copy(tier.path(), target.join("golden-1-tier.block")).unwrap();
}
