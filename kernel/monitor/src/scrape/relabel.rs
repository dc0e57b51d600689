//! Rules that keep, drop and rewrite sets of labels.

use std::fmt;

use md5::{Digest, Md5};
use portique_series::LabelsBuilder;
use regex_automata::meta::Regex;
use regex_automata::util::captures::Captures;
use regex_automata::util::syntax;

/// A pattern's compiled form may take this much, as that of a matcher.
const PATTERN_BYTES_MAX: usize = 4 << 20;
/// Longest label name or value that a rule makes; what would be longer is not set.
const MADE_BYTES_MAX: usize = 64 << 10;
/// The pattern when none is written.
const PATTERN_DEFAULT: &str = "(.*)";
/// The replacement when none is written.
const REPLACEMENT_DEFAULT: &str = "$1";

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RelabelAction {
    /// Sets a label to what the pattern found.
    #[default]
    Replace,
    /// Keeps what matches, drops the rest.
    Keep,
    /// Drops what matches.
    Drop,
    /// Keeps what has the same value in the sources and the target label.
    KeepEqual,
    /// Drops that.
    DropEqual,
    /// Sets a label to the sources' hash modulo a number.
    HashMod,
    /// Copies labels whose name matches to names made of it.
    LabelMap,
    /// Removes labels whose name matches.
    LabelDrop,
    /// Removes all others.
    LabelKeep,
    /// Sets a label to the sources in lower case.
    Lowercase,
    /// Sets a label to the sources in upper case.
    Uppercase,
}

impl RelabelAction {
    /// The words of a file.
    pub(super) const WORDS: [(&str, Self); 11] = [
        ("replace", Self::Replace),
        ("keep", Self::Keep),
        ("drop", Self::Drop),
        ("keepequal", Self::KeepEqual),
        ("dropequal", Self::DropEqual),
        ("hashmod", Self::HashMod),
        ("labelmap", Self::LabelMap),
        ("labeldrop", Self::LabelDrop),
        ("labelkeep", Self::LabelKeep),
        ("lowercase", Self::Lowercase),
        ("uppercase", Self::Uppercase),
    ];

    /// As a file writes it.
    pub fn as_str(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(_, action)| *action == self);
        found.map_or("", |(word, _)| word)
    }
}

/// What a rule is written as, before it is checked; `None` where nothing is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Written {
    pub(super) source_labels: Vec<String>,
    pub(super) separator: Option<String>,
    pub(super) target_label: String,
    pub(super) pattern: Option<String>,
    pub(super) modulus: u64,
    pub(super) replacement: Option<String>,
    pub(super) action: RelabelAction,
}

/// One rule of `relabel_configs`, `metric_relabel_configs` or `write_relabel_configs`.
#[derive(Clone)]
pub struct RelabelRule {
    written: Written,
    regex: Regex,
}

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelabelFault {
    /// The pattern is none, or too large.
    #[error("the pattern {pattern:?} is not usable: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Why.
        reason: String,
    },
    /// A field that the action needs is missing or makes no sense.
    #[error("the action {action} needs {needs}")]
    Needs {
        /// The action.
        action: &'static str,
        /// What it needs.
        needs: &'static str,
    },
    /// A field that the action has no use for.
    #[error("the action {action} takes no {field}: remove it")]
    Surplus {
        /// The action.
        action: &'static str,
        /// The field.
        field: &'static str,
    },
}

impl RelabelRule {
    /// # Errors
    /// What of it makes no sense for its action.
    pub(super) fn new(written: Written) -> Result<Self, RelabelFault> {
        check(&written)?;
        let pattern = written.pattern.as_deref().unwrap_or(PATTERN_DEFAULT);
        let regex = compile(pattern)?;
        Ok(Self { written, regex })
    }

    /// What it does.
    pub fn action(&self) -> RelabelAction {
        self.written.action
    }

    /// Applies the rule; `false` when what has these labels is dropped.
    fn apply(&self, labels: &mut LabelsBuilder) -> bool {
        let written = &self.written;
        let target = &written.target_label;
        let value = || self.sources(labels);
        match written.action {
            RelabelAction::Keep => return self.regex.is_match(&value()),
            RelabelAction::Drop => return !self.regex.is_match(&value()),
            RelabelAction::KeepEqual => return labels.value(target).unwrap_or("") == value(),
            RelabelAction::DropEqual => return labels.value(target).unwrap_or("") != value(),
            RelabelAction::Replace => {
                let value = value();
                self.replace(labels, &value);
            }
            RelabelAction::Lowercase => {
                let lower = value().to_lowercase();
                set(labels, target, lower);
            }
            RelabelAction::Uppercase => {
                let upper = value().to_uppercase();
                set(labels, target, upper);
            }
            RelabelAction::HashMod => {
                let hashed = hash_of(&value()) % written.modulus;
                set(labels, target, hashed.to_string());
            }
            RelabelAction::LabelMap => self.map_names(labels),
            RelabelAction::LabelDrop => {
                labels.keep(|name| !self.regex.is_match(name));
            }
            RelabelAction::LabelKeep => {
                labels.keep(|name| self.regex.is_match(name));
            }
        }
        true
    }

    fn sources(&self, labels: &LabelsBuilder) -> String {
        let separator = self.written.separator.as_deref().unwrap_or(";");
        let values = self.written.source_labels.iter();
        let values: Vec<&str> = values
            .map(|name| labels.value(name).unwrap_or(""))
            .collect();
        values.join(separator)
    }

    fn replacement(&self) -> &str {
        self.written
            .replacement
            .as_deref()
            .unwrap_or(REPLACEMENT_DEFAULT)
    }

    fn replace(&self, labels: &mut LabelsBuilder, value: &str) {
        let Some(found) = self.captures(value) else {
            return;
        };
        let name = found.interpolate_string(value, &self.written.target_label);
        if name.is_empty() {
            return;
        }
        let made = found.interpolate_string(value, self.replacement());
        set(labels, &name, made);
    }

    fn map_names(&self, labels: &mut LabelsBuilder) {
        let before = labels.clone().build();
        for (name, value) in before.iter() {
            if let Some(found) = self.captures(name) {
                let made = found.interpolate_string(name, self.replacement());
                if !made.is_empty() {
                    set(labels, &made, value.to_owned());
                }
            }
        }
    }

    fn captures(&self, text: &str) -> Option<Captures> {
        let mut found = self.regex.create_captures();
        self.regex.captures(text, &mut found);
        found.is_match().then_some(found)
    }
}

/// Applies rules in their order; `false` when one of them drops what has these labels.
pub fn relabel(rules: &[RelabelRule], labels: &mut LabelsBuilder) -> bool {
    rules.iter().all(|rule| rule.apply(labels))
}

/// An empty value removes the label.
fn set(labels: &mut LabelsBuilder, name: &str, value: String) {
    if name.len().max(value.len()) <= MADE_BYTES_MAX {
        labels.set(name, value);
    }
}

/// The last eight bytes of the MD5 sum, as in Prometheus, so that shards are the same ones.
fn hash_of(text: &str) -> u64 {
    let sum = Md5::digest(text.as_bytes());
    let last: [u8; 8] = sum[8..].try_into().expect("a sum has 16 bytes");
    u64::from_be_bytes(last)
}

fn check(written: &Written) -> Result<(), RelabelFault> {
    use RelabelAction as Action;
    let action = written.action.as_str();
    let needs = |needs| Err(RelabelFault::Needs { action, needs });
    let wants_target = !matches!(
        written.action,
        Action::Keep | Action::Drop | Action::LabelMap | Action::LabelDrop | Action::LabelKeep
    );
    if wants_target && written.target_label.is_empty() {
        return needs("target_label");
    }
    if written.action == Action::HashMod && written.modulus == 0 {
        return needs("modulus, 1 or above");
    }
    let takes_names_only = matches!(written.action, Action::LabelDrop | Action::LabelKeep);
    let compares = matches!(written.action, Action::KeepEqual | Action::DropEqual);
    let changes_case = matches!(written.action, Action::Lowercase | Action::Uppercase);
    let surplus = [
        (
            takes_names_only && !written.source_labels.is_empty(),
            "source_labels",
        ),
        (
            takes_names_only && !written.target_label.is_empty(),
            "target_label",
        ),
        (
            (takes_names_only || compares) && written.modulus != 0,
            "modulus",
        ),
        (
            (takes_names_only || compares) && written.separator.is_some(),
            "separator",
        ),
        (compares && written.pattern.is_some(), "regex"),
        (
            (takes_names_only || compares || changes_case) && written.replacement.is_some(),
            "replacement",
        ),
    ];
    match surplus.into_iter().find(|(is_there, _)| *is_there) {
        Some((_, field)) => Err(RelabelFault::Surplus { action, field }),
        None => Ok(()),
    }
}

fn compile(pattern: &str) -> Result<Regex, RelabelFault> {
    let bad = |reason: String| RelabelFault::Pattern {
        pattern: pattern.to_owned(),
        reason,
    };
    // Alone first: `a)(b` must not become valid by what is put around it.
    syntax::parse(pattern).map_err(|error| bad(error.to_string()))?;
    Regex::builder()
        .configure(Regex::config().nfa_size_limit(Some(PATTERN_BYTES_MAX)))
        .build(&format!("^(?s:{pattern})$"))
        .map_err(|error| bad(error.to_string()))
}

impl PartialEq for RelabelRule {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for RelabelRule {}

impl fmt::Debug for RelabelRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written.fmt(f)
    }
}
