//! The store against a map: whatever is appended, in whatever order, with restarts between.

use std::collections::BTreeMap;

use portique_series::{Batch, Config, Labels};
use proptest::prelude::*;

use crate::rig::{Rig, series};

const WINDOW_MS: i64 = 3_600_000;

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<(u8, i64, u8)>),
    Checkpoint,
    Reopen,
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    // Minutes over nine hours: several partitions, and beyond the window.
    let sample = (0..6_u8, (0..540_i64).prop_map(|m| m * 60_000), 0..3_u8);
    let steady = (0..6_u8, 0..540_i64).prop_map(|(series, from)| {
        (from..from + 150)
            .map(|m| (series, m * 60_000, (m % 7) as u8))
            .collect()
    });
    prop_oneof![
        8 => prop::collection::vec(sample, 1..40).prop_map(Step::Append),
        4 => steady.prop_map(Step::Append),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
    ]
}

type Model = BTreeMap<u8, BTreeMap<i64, u8>>;

/// Takes a sample as the store should; whether it did.
fn take(model: &mut Model, (id, timestamp_ms, value): (u8, i64, u8)) -> bool {
    let samples = model.entry(id).or_default();
    let newest = samples.last_key_value().map(|(newest, _)| *newest);
    match samples.get(&timestamp_ms) {
        Some(known) => *known == value,
        None if newest.is_some_and(|newest| timestamp_ms < newest - WINDOW_MS) => false,
        None => samples.insert(timestamp_ms, value).is_none(),
    }
}

fn labels(id: u8) -> Labels {
    series("m", &[("id", &id.to_string())])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_range_is_what_a_map_holds(
        steps in prop::collection::vec(step(), 1..12),
        ranges in prop::collection::vec((0..600_i64, 0..600_i64), 4),
    ) {
        let mut rig = Rig::new(Config::default());
        let mut model = Model::new();
        for step in steps {
            match step {
                Step::Append(samples) => {
                    let mut batch = Batch::new();
                    let mut taken = 0;
                    for (id, timestamp_ms, value) in &samples {
                        batch.series(&labels(*id)).unwrap();
                        batch.float(*timestamp_ms, f64::from(*value));
                        taken += usize::from(take(&mut model, (*id, *timestamp_ms, *value)));
                    }
                    let appended = rig.append(&batch).unwrap();
                    prop_assert_eq!(appended.samples, taken);
                    prop_assert_eq!(appended.refused_samples(), samples.len() - taken);
                }
                Step::Checkpoint => rig.store.checkpoint().unwrap(),
                Step::Reopen => rig = rig.reopen(Config::default()),
                Step::Kill => rig = rig.kill(Config::default()),
            }
            for (from, to) in &ranges {
                let (from_ms, to_ms) = (from.min(to) * 60_000, from.max(to) * 60_000);
                for (id, samples) in &model {
                    let range = samples.range(from_ms..=to_ms);
                    let expected: Vec<_> = range.map(|(t, v)| (*t, f64::from(*v).to_bits())).collect();
                    prop_assert_eq!(rig.floats(&labels(*id), from_ms, to_ms), expected);
                }
            }
        }
    }
}
