//! One condition on one label.

use std::fmt;
use std::sync::Arc;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use crate::Error;

/// How a label's value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`, anchored at both ends, `.` matches newlines too.
    Regex,
    /// `!~`
    NotRegex,
}

impl MatchOp {
    /// As PromQL writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }
}

/// A label's name, an operator and a value; a label that is not there counts as an empty value.
#[derive(Clone)]
pub struct Matcher {
    name: Arc<str>,
    op: MatchOp,
    value: Arc<str>,
    regex: Option<Regex>,
}

impl Matcher {
    /// # Errors
    /// [`Error::BadPattern`] when a regular expression cannot be compiled within its size limit.
    pub fn new(name: &str, op: MatchOp, value: &str) -> Result<Self, Error> {
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(compile(value)?),
        };
        Ok(Self {
            name: Arc::from(name),
            op,
            value: Arc::from(value),
            regex,
        })
    }

    /// `name = value`.
    pub fn equal(name: &str, value: &str) -> Self {
        Self {
            name: Arc::from(name),
            op: MatchOp::Equal,
            value: Arc::from(value),
            regex: None,
        }
    }

    /// The label's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the value is compared.
    pub fn op(&self) -> MatchOp {
        self.op
    }

    /// The value or pattern, as written.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether a label of this value matches.
    pub fn matches(&self, value: &str) -> bool {
        let found = match &self.regex {
            None => *self.value == *value,
            Some(regex) => regex.is_match(value),
        };
        found == matches!(self.op, MatchOp::Equal | MatchOp::Regex)
    }

    /// Whether a series without the label matches.
    pub fn matches_empty(&self) -> bool {
        self.matches("")
    }
}

/// A pattern's compiled form may take this much: a hostile `(a{1000}){1000}` ends here.
const PATTERN_BYTES_MAX: usize = 4 << 20;

fn compile(pattern: &str) -> Result<Regex, Error> {
    let bad = |reason: String| Error::BadPattern {
        pattern: pattern.to_owned(),
        reason,
    };
    // Alone first: `a)(b` must not become valid by what is put around it.
    regex_automata::util::syntax::parse(pattern).map_err(|e| bad(e.to_string()))?;
    Regex::builder()
        .configure(Regex::config().nfa_size_limit(Some(PATTERN_BYTES_MAX)))
        .syntax(syntax::Config::new())
        .build(&format!("^(?s:{pattern})$"))
        .map_err(|e| bad(e.to_string()))
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.op, &self.value) == (&other.name, other.op, &other.value)
    }
}

impl Eq for Matcher {}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{:?}", self.name, self.op.as_str(), self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_anchored_and_cross_lines() {
        let matcher = Matcher::new("a", MatchOp::Regex, "x.*|y").unwrap();
        assert!(matcher.matches("x\nz"));
        assert!(matcher.matches("y"));
        assert!(!matcher.matches("zy"));
        assert!(
            Matcher::new("a", MatchOp::NotRegex, "x")
                .unwrap()
                .matches_empty()
        );
    }

    #[test]
    fn a_hostile_pattern_is_refused_with_its_reason() {
        for pattern in ["(", "a)(b", "(((a{500}){500}){500})"] {
            let error = Matcher::new("a", MatchOp::Regex, pattern).unwrap_err();
            assert!(error.to_string().contains("not usable"), "{error}");
        }
    }
}
