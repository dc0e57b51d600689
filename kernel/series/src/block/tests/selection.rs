use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{MatchOp, Matcher};

fn fleet() -> Series {
    let mut all: Series = Vec::new();
    for i in 0..90i64 {
        let mut builder = crate::LabelsBuilder::default();
        builder.set("__name__", ["up", "load", "errors_total"][i as usize % 3]);
        builder.set("instance", format!("host-{}", i / 3));
        if i % 4 != 0 {
            builder.set("zone", format!("z{}", i % 4));
        }
        all.push((
            builder.build(),
            floats(&[(i * 100, 1.0), (i * 100 + 50, 2.0)]),
        ));
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn matcher() -> impl Strategy<Value = Matcher> {
    let name = prop_oneof![
        Just("__name__"),
        Just("instance"),
        Just("zone"),
        Just("absent")
    ];
    let op = prop_oneof![
        Just(MatchOp::Equal),
        Just(MatchOp::NotEqual),
        Just(MatchOp::Regex),
        Just(MatchOp::NotRegex)
    ];
    let value = prop_oneof![
        Just("up"),
        Just("host-7"),
        Just("z1"),
        Just(""),
        Just(".*"),
        Just(".+"),
        Just("host-1.*|host-2"),
        Just("z[12]?")
    ];
    (name, op, value).prop_map(|(name, op, value)| Matcher::new(name, op, value).unwrap())
}

proptest! {
    #[test]
    fn the_series_that_match_are_those_a_look_at_each_finds(matchers in prop::collection::vec(matcher(), 0..4), from in -10i64..9_500, length in 0i64..3_000) {
        let series = fleet();
        let (_root, block) = written(&series);
        let value = |labels: &Labels, name: &str| labels.get(name).unwrap_or("").to_owned();
        let wanted = |(labels, samples): &(Labels, Samples)| {
            matchers.iter().all(|m| m.matches(&value(labels, m.name())))
                && samples.timestamps[0] <= from + length && samples.timestamps[1] >= from
        };
        let expected: Vec<u32> = (0..series.len()).filter(|i| wanted(&series[*i])).map(|i| i as u32).collect();
        let found = block.select(&matchers, from, from + length).unwrap();
        prop_assert_eq!(&found, &expected);
        let labels: Vec<Labels> = expected.iter().map(|id| series[*id as usize].0.clone()).collect();
        prop_assert_eq!(block.labels_of(&found).unwrap(), labels);
    }
}

#[test]
fn names_and_values_are_listed_for_all_or_for_some() {
    let (_root, block) = written(&fleet());
    let list = |of: Option<&[u32]>| {
        let (mut names, mut zones) = (BTreeSet::new(), BTreeSet::new());
        block.label_names(of, &mut names).unwrap();
        block.label_values("zone", of, &mut zones).unwrap();
        (
            names.into_iter().collect::<Vec<_>>(),
            zones.into_iter().collect::<Vec<_>>(),
        )
    };
    let (names, zones) = list(None);
    assert_eq!(names, ["__name__", "instance", "zone"]);
    assert_eq!(zones, ["z1", "z2", "z3"]);
    let ids = block
        .select(&[Matcher::equal("zone", "")], i64::MIN, i64::MAX)
        .unwrap();
    assert_eq!(
        list(Some(&ids)),
        (vec!["__name__".to_owned(), "instance".to_owned()], vec![])
    );
    let mut values = BTreeSet::new();
    block.label_values("absent", None, &mut values).unwrap();
    assert!(values.is_empty());
}

#[test]
fn what_is_deleted_is_gone_at_once_and_after_opening_again() {
    let (root, block) = written(&fleet());
    let matchers = [Matcher::equal("instance", "host-7")];
    let whole = (i64::MIN, i64::MAX);
    let counted = block.count(&matchers, whole.0, 2_150).unwrap();
    assert_eq!((counted.series, counted.samples), (1, 2));
    assert_eq!(block.select(&matchers, whole.0, whole.1).unwrap().len(), 3);
    assert_eq!(block.delete(&matchers, whole.0, 2_200).unwrap().samples, 3);
    assert_eq!(block.delete(&matchers, whole.0, 2_200).unwrap().samples, 0);
    let again = Block::open(block.path(), 1).unwrap();
    for block in [&*block, &again] {
        assert!(block.meta().has_deleted);
        let ids = block.select(&matchers, whole.0, whole.1).unwrap();
        let left: Vec<Vec<i64>> = ids
            .iter()
            .map(|id| read_all(block, *id).timestamps)
            .collect();
        assert_eq!(left.concat().len(), 3);
        assert_eq!(left.len(), 2, "a series without samples left is not listed");
    }
    drop(root);
}
