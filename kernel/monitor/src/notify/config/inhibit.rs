use portique_series::{MatchOp, Matcher};

use super::Matchers;
use super::global::matcher_list;
use crate::yaml::{Fields, Node, Reader};

/// While an alert matches the source, those that match the target are not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InhibitRule {
    /// Which alerts inhibit.
    pub source: Matchers,
    /// Which alerts are inhibited.
    pub target: Matchers,
    /// Labels in which both must be equal; where neither has one, they are.
    pub equal: Vec<String>,
}

const KEYS: [&str; 8] = [
    "source_match",
    "source_match_re",
    "source_matchers",
    "target_match",
    "target_match_re",
    "target_matchers",
    "equal",
    "name",
];

pub(super) fn read(reader: &mut Reader, node: &Node) -> Option<InhibitRule> {
    let fields = reader.fields(node, "an inhibition rule", &KEYS)?;
    let mut equal = Vec::new();
    for name in reader.items(fields.get("equal"), "equal") {
        equal.extend(reader.text(Some(name), "a label in equal"));
    }
    Some(InhibitRule {
        source: all_matchers(reader, &fields, "source_"),
        target: all_matchers(reader, &fields, "target_"),
        equal,
    })
}

/// `match`, `match_re` and `matchers` with a prefix, together and sorted.
pub(super) fn all_matchers(reader: &mut Reader, fields: &Fields<'_>, prefix: &str) -> Matchers {
    let mut all = Matchers::default();
    for (key, op) in [("match", MatchOp::Equal), ("match_re", MatchOp::Regex)] {
        let key = format!("{prefix}{key}");
        for (node, name, value) in reader.pairs(fields.get(&key), &key) {
            match Matcher::new(&name, op, &value) {
                Ok(matcher) => all.extend(Matchers::new(vec![matcher])),
                Err(error) => reader.problem(node, error.to_string()),
            }
        }
    }
    all.extend(matcher_list(reader, fields, &format!("{prefix}matchers")));
    all.sort();
    all
}
