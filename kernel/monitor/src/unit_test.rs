//! Tests of rule files, in the format of Prometheus' unit tests: series go in, alerts and results of
//! expressions are compared.
//!
//! What differs from `promtool test rules`: an alert case whose name no rule raises fails (a slip in a name would
//! pass for ever otherwise), NaN equals NaN, and start timestamps of series (`series@st`) are refused. As there,
//! each group is evaluated at every `evaluation_interval`, whatever its own interval and trigger.

mod compare;
mod histogram;
mod memory;
mod notation;
mod read;
mod run;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_series::{Labels, Value};

pub use read::read_unit_tests;

/// A file of unit tests.
#[derive(Debug, Clone)]
pub struct UnitTests {
    /// The file.
    pub file: Arc<str>,
    /// The rule files it tests, as patterns relative to it.
    pub rule_files: Vec<String>,
    pub(crate) interval: Duration,
    /// Groups that are evaluated first, in this order.
    pub(crate) order: Vec<String>,
    /// Whether numbers may differ in their last bit.
    pub(crate) is_fuzzy: bool,
    pub(crate) tests: Vec<Test>,
}

/// What was not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitTestFailure {
    /// The test file.
    pub file: Arc<str>,
    /// The line of the test or the case in it.
    pub line: u32,
    /// The test's name, or an empty text.
    pub test: String,
    /// What was expected and what was found: `-` stands before what is missing, `+` before what is too much.
    pub message: String,
}

impl fmt::Display for UnitTestFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if !self.test.is_empty() {
            write!(f, "{}: ", self.test)?;
        }
        f.write_str(&self.message)
    }
}

/// One test: a timeline and what is expected of it.
#[derive(Debug, Clone)]
pub(crate) struct Test {
    pub(crate) line: u32,
    pub(crate) name: String,
    pub(crate) start: Timestamp,
    /// Distance of the samples.
    pub(crate) interval: Duration,
    pub(crate) series: Vec<(Labels, Vec<Option<Value>>)>,
    pub(crate) alerts: Vec<AlertCase>,
    pub(crate) expressions: Vec<ExpressionCase>,
    pub(crate) external_labels: Labels,
    pub(crate) external_url: String,
}

/// The alerts of a name that fire at a time.
#[derive(Debug, Clone)]
pub(crate) struct AlertCase {
    pub(crate) line: u32,
    pub(crate) at: Duration,
    pub(crate) name: String,
    /// Labels without the name, and annotations.
    pub(crate) expected: Vec<(Labels, Labels)>,
}

/// The result of an expression at a time.
#[derive(Debug, Clone)]
pub(crate) struct ExpressionCase {
    pub(crate) line: u32,
    pub(crate) at: Duration,
    pub(crate) expression: String,
    pub(crate) expected: Vec<(Labels, Value)>,
}

#[cfg(test)]
mod tests;
