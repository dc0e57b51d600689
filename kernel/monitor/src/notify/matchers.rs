//! Conditions on labels, as routes, inhibitions and silences write them.

mod parse;

use std::fmt;

use portique_series::{Labels, MatchOp, Matcher};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Conditions that must all hold; none at all hold always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matchers(Vec<Matcher>);

impl Matchers {
    /// These conditions.
    pub fn new(matchers: Vec<Matcher>) -> Self {
        Self(matchers)
    }

    /// Reads `{a="b", c=~"d|e"}`, braces and most quotes optional. Names and values are UTF-8; what is
    /// not a list in that syntax is tried in the classic one, where a value without quotes goes up to the
    /// next comma.
    ///
    /// # Errors
    /// What is wrong with the text, and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        parse::matchers(text).map(Self)
    }

    /// Whether all hold for these labels; a label that is not there counts as an empty value.
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = |name: &str| labels.get(name).unwrap_or("");
        self.0.iter().all(|m| m.matches(value(m.name())))
    }

    /// One after another.
    pub fn iter(&self) -> impl Iterator<Item = &Matcher> {
        self.0.iter()
    }

    /// Whether there is no condition.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether they hold for an alert without labels, that is for any alert that lacks them.
    pub fn all_match_empty(&self) -> bool {
        self.0.iter().all(Matcher::matches_empty)
    }

    /// Adds what another list wants.
    pub fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// Sorts them by name, operator and value: the order in which a route's key names them.
    pub fn sort(&mut self) {
        self.0.sort_by(|a, b| {
            let key = |m: &Matcher| (m.name().to_owned(), m.value().to_owned(), m.op().as_str());
            key(a).cmp(&key(b))
        });
    }
}

/// `{a="b",c=~"d"}`, the form that a notification's group key has.
impl fmt::Display for Matchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(written).collect();
        write!(f, "{{{}}}", parts.join(","))
    }
}

fn written(matcher: &Matcher) -> String {
    let mut value = String::new();
    for c in matcher.value().chars() {
        match c {
            '\\' => value.push_str("\\\\"),
            '"' => value.push_str("\\\""),
            '\n' => value.push_str("\\n"),
            c => value.push(c),
        }
    }
    let name = matcher.name();
    let is_plain = name
        .chars()
        .all(|c| c == '_' || c == ':' || c.is_ascii_alphanumeric());
    let op = matcher.op().as_str();
    if is_plain {
        format!("{name}{op}\"{value}\"")
    } else {
        format!("{name:?}{op}\"{value}\"")
    }
}

#[derive(Serialize, Deserialize)]
struct Written {
    name: String,
    op: String,
    value: String,
}

impl Serialize for Matchers {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(|matcher| Written {
            name: matcher.name().to_owned(),
            op: matcher.op().as_str().to_owned(),
            value: matcher.value().to_owned(),
        }))
    }
}

impl<'de> Deserialize<'de> for Matchers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let all = Vec::<Written>::deserialize(from)?;
        let read = all.into_iter().map(|w| {
            let op = operator(&w.op).ok_or_else(|| format!("{:?} is no operator", w.op))?;
            Matcher::new(&w.name, op, &w.value).map_err(|error| error.to_string())
        });
        let matchers: Result<Vec<_>, String> = read.collect();
        matchers.map(Self).map_err(de::Error::custom)
    }
}

fn operator(text: &str) -> Option<MatchOp> {
    let all = [
        MatchOp::Equal,
        MatchOp::NotEqual,
        MatchOp::Regex,
        MatchOp::NotRegex,
    ];
    all.into_iter().find(|op| op.as_str() == text)
}

#[cfg(test)]
mod tests;
