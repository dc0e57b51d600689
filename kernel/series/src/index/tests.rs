use proptest::prelude::*;

use super::*;
use crate::{MatchOp, Matcher};

fn op() -> impl Strategy<Value = MatchOp> {
    use MatchOp::{Equal, NotEqual, NotRegex, Regex};
    prop::sample::select(vec![Equal, NotEqual, Regex, NotRegex])
}

fn matcher() -> impl Strategy<Value = Matcher> {
    let names = prop::sample::select(vec!["a", "b", "c", "d"]);
    let values = prop::sample::select(vec!["", "0", "1", "1|2", "|3", "[12].*", ".+", ".*", "77"]);
    (names, op(), values).prop_map(|(name, op, value)| Matcher::new(name, op, value).unwrap())
}

fn series() -> impl Strategy<Value = Vec<Labels>> {
    let value = || {
        (0..80_u32).prop_map(|n| {
            if n % 3 == 0 {
                String::new()
            } else {
                n.to_string()
            }
        })
    };
    let one = (value(), value(), value()).prop_map(|(a, b, c)| {
        Labels::from_pairs([("a", a), ("b", b), ("c", c), ("z", "1".to_owned())])
    });
    prop::collection::vec(one, 0..200)
}

proptest! {
    #[test]
    fn a_selection_is_what_every_matcher_accepts(
        all in series(),
        gone in prop::collection::vec(any::<prop::sample::Index>(), 0..50),
        matchers in prop::collection::vec(matcher(), 1..4),
    ) {
        let mut index = Index::default();
        for (slot, labels) in all.iter().enumerate() {
            index.insert(slot as u32, labels);
        }
        let mut kept: Vec<Option<&Labels>> = all.iter().map(Some).collect();
        for slot in gone {
            if !kept.is_empty() {
                let slot = slot.index(kept.len());
                if let Some(labels) = kept[slot].take() {
                    index.remove(slot as u32, labels);
                }
            }
        }
        let accepts = |labels: &Labels| {
            matchers.iter().all(|m| m.matches(labels.get(m.name()).unwrap_or("")))
        };
        let expected: Vec<u32> = (0..kept.len() as u32)
            .filter(|slot| kept[*slot as usize].is_some_and(accepts))
            .collect();
        let found = index.select(&matchers, |slot| kept[slot as usize]);
        prop_assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_label_whose_last_series_went_is_gone() {
    let mut index = Index::default();
    let (one, two) = (
        Labels::from_pairs([("a", "1")]),
        Labels::from_pairs([("a", "2"), ("b", "1")]),
    );
    index.insert(0, &one);
    index.insert(1, &two);
    index.remove(1, &two);
    assert_eq!(index.names().collect::<Vec<_>>(), ["a"]);
    assert_eq!(index.values("a").collect::<Vec<_>>(), ["1"]);
    assert_eq!(index.values("b").count(), 0);
}

#[test]
fn the_largest_are_named() {
    let mut index = Index::default();
    for n in 0..40 {
        let labels = Labels::from_pairs([(METRIC_NAME, "m".to_owned()), ("user", n.to_string())]);
        index.insert(n, &labels);
    }
    index.insert(40, &Labels::from_pairs([(METRIC_NAME, "n")]));
    assert_eq!(index.largest_metric(), ("m".to_owned(), 40));
    assert_eq!(index.largest_label(), ("user".to_owned(), 40));
    assert_eq!(index.series_with("__name__", "n"), 1);
}
