//! Rule files in Prometheus' format, and what this project adds to it.
//!
//! Additions, in a group or a rule: `trigger: interval | ingest`; in an alerting rule: `resolve_expr`, a
//! comparison with a number that must hold before a firing alert resolves, `stale: resolve | alarm`, what
//! becomes of an alert whose series have no value any more, `stale_while`, what has to be there for that to
//! be an alarm, and `action` with `params`, what a system does when an alert begins to fire.

mod group;
mod read_rule;

use std::sync::Arc;
use std::time::Duration;

use crate::yaml::Reader;
use crate::{Actions, Language, Problem, RuleGroup};

/// What holds for rules that do not say otherwise.
#[derive(Debug, Clone)]
pub struct RuleDefaults {
    /// How often a group is evaluated.
    pub interval: Duration,
    /// How far before the time of an evaluation queries look.
    pub query_offset: Duration,
    /// The actions that rules may name; none when it is not known which there are, and any is taken.
    pub actions: Option<Actions>,
    /// What the names of metrics begin with that rules may not record: they are somebody's own.
    pub reserved: &'static [&'static str],
}

/// One minute, as Prometheus has it.
const INTERVAL: Duration = Duration::from_mins(1);

impl Default for RuleDefaults {
    fn default() -> Self {
        Self {
            interval: INTERVAL,
            query_offset: Duration::ZERO,
            actions: None,
            reserved: &[],
        }
    }
}

/// A rule file has at most this many bytes: a thousand rules take a tenth of it.
pub const RULE_FILE_BYTES_MAX: usize = 4 << 20;

/// Reads one rule file; `file` is the name that problems and groups carry.
///
/// # Errors
/// Every mistake with its place, when there is one: unknown and repeated keys, expressions and templates
/// that do not parse, names and durations that are none.
pub fn read_rule_file(
    file: &str,
    text: &str,
    language: &dyn Language,
    defaults: &RuleDefaults,
) -> Result<Vec<RuleGroup>, Vec<Problem>> {
    let mut reader = Reader::new(file);
    let groups = if text.len() > RULE_FILE_BYTES_MAX {
        let message = format!("the file has more than {RULE_FILE_BYTES_MAX} bytes: split it");
        reader.problem_at_start(message);
        Vec::new()
    } else {
        let mut context = group::GroupReader {
            reader: &mut reader,
            file: Arc::from(file),
            language,
            defaults,
        };
        context.groups(text)
    };
    let problems = reader.into_problems();
    if problems.is_empty() {
        Ok(groups)
    } else {
        Err(problems)
    }
}

/// Rules that yield the same series or alerts: what they are, and where each of them is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateRule {
    /// What is recorded or raised.
    pub name: String,
    /// The labels that the rule sets, by name.
    pub labels: Vec<(String, String)>,
    /// File and line of each, in order.
    pub places: Vec<(Arc<str>, u32)>,
}

/// The rules with the same name and labels in several places: not wrong for alerts, but rarely meant.
pub fn duplicate_rules(groups: &[RuleGroup]) -> Vec<DuplicateRule> {
    let mut found: Vec<DuplicateRule> = Vec::new();
    let rules = groups
        .iter()
        .flat_map(|group| group.rules.iter().map(|rule| (&group.file, rule)));
    let mut sorted: Vec<_> = rules.collect();
    sorted.sort_by_key(|(_, rule)| {
        (
            rule.name_label(),
            rule.name().to_owned(),
            rule.labels.clone(),
        )
    });
    for same in sorted.chunk_by(|(_, a), (_, b)| {
        (a.name_label(), a.name(), &a.labels) == (b.name_label(), b.name(), &b.labels)
    }) {
        if let [(_, first), _, ..] = same {
            found.push(DuplicateRule {
                name: first.name().to_owned(),
                labels: first.labels.clone(),
                places: same
                    .iter()
                    .map(|(file, rule)| (Arc::clone(file), rule.line))
                    .collect(),
            });
        }
    }
    found
}
