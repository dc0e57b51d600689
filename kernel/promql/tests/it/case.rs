//! What a script says.

use portique_series::{Labels, Value};

/// One thing to do.
pub(crate) enum Command {
    /// Forget all data.
    Clear,
    /// Add data.
    Load(Vec<LoadedSeries>),
    /// Evaluate and compare.
    Eval(Box<Case>),
}

/// Data of one series.
pub(crate) struct LoadedSeries {
    pub(crate) labels: Labels,
    /// Time, value and start timestamp (0 for none).
    pub(crate) samples: Vec<(i64, Value, i64)>,
}

/// A query and what comes of it.
pub(crate) struct Case {
    pub(crate) line: usize,
    pub(crate) query: String,
    pub(crate) times: Times,
    pub(crate) expected: Expected,
    pub(crate) ordered: bool,
    pub(crate) notes: Vec<ExpectedNote>,
}

/// When a query is evaluated.
#[derive(Clone, Copy)]
pub(crate) enum Times {
    Instant(i64),
    Range {
        from_ms: i64,
        to_ms: i64,
        step_ms: i64,
    },
}

/// What a query yields.
pub(crate) enum Expected {
    Fail(Text),
    Scalar(f64),
    String(String),
    /// Series with one value each, or none.
    Vector(Vec<(Labels, Option<Value>)>),
    Matrix(Vec<(Labels, Vec<(i64, Value)>)>),
}

/// What an annotation says.
pub(crate) struct ExpectedNote {
    pub(crate) warning: bool,
    /// That there is one, or that there is none.
    pub(crate) present: bool,
    pub(crate) text: Text,
}

/// How a text is recognised.
pub(crate) enum Text {
    Any,
    Exact(String),
    Regex(String),
}
