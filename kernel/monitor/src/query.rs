//! What rules need of a query language: a small trait, so that rules stand on no engine.

use std::sync::Arc;

use portique_series::{Labels, Matcher, Source, Value};

/// One element of an instant vector; a scalar is one without labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Its labels, the metric's name among them if it is kept.
    pub labels: Labels,
    /// Its value at the time asked for.
    pub value: Value,
}

/// An expression that has been parsed and can be evaluated.
pub trait Query: Send + Sync {
    /// The expression in the language's own spelling.
    fn text(&self) -> &str;

    /// Its value at a time in Unix milliseconds, as a vector; no two elements have the same labels.
    ///
    /// # Errors
    /// [`QueryError`] when it cannot be evaluated, or yields neither vector nor scalar.
    fn instant(&self, source: &dyn Source, at_ms: i64) -> Result<Vec<Point>, QueryError>;

    /// The matchers of each of its selectors: a series that none of them selects does not change it.
    fn selectors(&self) -> &[Vec<Matcher>];

    /// How it compares, when it keeps those elements of a vector that stand in a relation to a number.
    fn threshold(&self) -> Option<&Threshold>;
}

/// `subject op bound`: what is left of a comparison that filters by a number.
#[derive(Clone)]
pub struct Threshold {
    /// What is compared.
    pub subject: Arc<dyn Query>,
    /// With the subject on its left.
    pub op: Comparison,
    /// Compared with.
    pub bound: f64,
    /// Whether the subject is one selector at the time of evaluation: no offset, no `@`.
    pub is_plain: bool,
}

/// A comparison of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

impl Comparison {
    /// Whether a number stands in the relation to the bound.
    #[expect(clippy::float_cmp, reason = "the language compares bit by bit too")]
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Equal => value == bound,
            Self::NotEqual => value != bound,
            Self::Greater => value > bound,
            Self::GreaterOrEqual => value >= bound,
            Self::Less => value < bound,
            Self::LessOrEqual => value <= bound,
        }
    }

    /// The relation with its sides swapped.
    #[must_use]
    pub fn swapped(self) -> Self {
        match self {
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            same => same,
        }
    }
}

/// A language that expressions of rules are written in.
pub trait Language: Send + Sync {
    /// Parses an expression.
    ///
    /// # Errors
    /// [`QueryError`] that says what is wrong and where in the text.
    fn compile(&self, text: &str) -> Result<Arc<dyn Query>, QueryError>;
}

/// Why an expression could not be parsed or evaluated, in the language's own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// What is wrong, with its place when the text is at fault.
    pub message: String,
}

impl QueryError {
    /// An error in the language's words.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}
