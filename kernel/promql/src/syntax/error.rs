//! What is wrong with an expression, as Prometheus words it.

use std::fmt;

use super::span::{Position, Span};

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Where, in bytes of the expression.
    pub span: Span,
    /// What is wrong, as Prometheus words it.
    pub message: String,
}

impl ParseError {
    /// A mistake at a place.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ParseError {}

/// Everything wrong with an expression, at least one thing; shown as the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseErrors {
    errors: Vec<ParseError>,
    first: Position,
}

impl ParseErrors {
    /// Of the mistakes found in a text, in the order found.
    ///
    /// # Panics
    /// When there is none.
    pub fn new(text: &str, errors: Vec<ParseError>) -> Self {
        let first = errors.first().expect("the caller found a mistake");
        let first = first.span.position(text);
        Self { errors, first }
    }

    /// All of them, at least one.
    pub fn all(&self) -> &[ParseError] {
        &self.errors
    }
}

impl fmt::Display for ParseErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: parse error: {}", self.first, self.errors[0].message)
    }
}

impl std::error::Error for ParseErrors {}
