use portique_fault::{Code, Fault};

/// Why a template could not be expanded, and where; lines and columns count from 1, columns in
/// characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is not a template.
    #[error("template line {line}, column {column}: {problem}")]
    Syntax {
        /// Where.
        line: usize,
        /// Where in the line.
        column: usize,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// A function that neither Prometheus nor Alertmanager has, or that is not supported.
    #[error("template line {line}, column {column}: there is no function {name:?}{suggestion}")]
    UnknownFunction {
        /// Where.
        line: usize,
        /// Where in the line.
        column: usize,
        /// As written.
        name: String,
        /// A remedy that follows the message, or nothing.
        suggestion: String,
    },
    /// The template is well formed, but not for these values.
    #[error("template line {line}, column {column}: {problem}")]
    Failed {
        /// Where.
        line: usize,
        /// Where in the line.
        column: usize,
        /// What went wrong.
        problem: String,
    },
    /// It would take too much.
    #[error("template line {line}, column {column}: more than {max} {what}: shorten it")]
    Limit {
        /// Where.
        line: usize,
        /// Where in the line.
        column: usize,
        /// What is limited.
        what: &'static str,
        /// How much is allowed.
        max: usize,
    },
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::Limit { .. } => Code::ResourceExhausted,
            Self::Failed { .. } => Code::FailedPrecondition,
            Self::Syntax { .. } | Self::UnknownFunction { .. } => Code::InvalidArgument,
        }
    }
}

/// Line and column of a byte offset.
pub(super) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}

/// Something wrong at a byte offset, before its line is known.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) at: usize,
    pub(super) kind: TroubleKind,
}

#[derive(Debug)]
pub(super) enum TroubleKind {
    Syntax(String),
    Unknown { name: String, suggestion: String },
    Failed(String),
    Limit { what: &'static str, max: usize },
}

impl Trouble {
    pub(super) fn syntax(at: usize, problem: impl Into<String>) -> Self {
        let kind = TroubleKind::Syntax(problem.into());
        Self { at, kind }
    }

    pub(super) fn failed(at: usize, problem: impl Into<String>) -> Self {
        let kind = TroubleKind::Failed(problem.into());
        Self { at, kind }
    }

    pub(super) fn limit(at: usize, what: &'static str, max: usize) -> Self {
        let kind = TroubleKind::Limit { what, max };
        Self { at, kind }
    }

    /// With its line and column in `text`.
    pub(super) fn locate(self, text: &str) -> Error {
        let (line, column) = position(text, self.at);
        match self.kind {
            TroubleKind::Syntax(problem) => Error::Syntax {
                line,
                column,
                problem,
            },
            TroubleKind::Unknown { name, suggestion } => Error::UnknownFunction {
                line,
                column,
                name,
                suggestion,
            },
            TroubleKind::Failed(problem) => Error::Failed {
                line,
                column,
                problem,
            },
            TroubleKind::Limit { what, max } => Error::Limit {
                line,
                column,
                what,
                max,
            },
        }
    }
}
