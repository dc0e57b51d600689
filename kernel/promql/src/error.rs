use portique_fault::{Code, Fault};

use crate::syntax::ParseErrors;

/// What can go wrong with a query.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The query is not a query of the language.
    #[error("{0}")]
    Parse(ParseErrors),
    /// A parameter of the request makes no sense.
    #[error("{reason}")]
    BadParameter {
        /// Which one, and what would be right.
        reason: String,
    },
    /// The query is valid but cannot be evaluated on these data, as Prometheus words it.
    #[error("{reason}")]
    Execution {
        /// What is in the way.
        reason: String,
    },
    /// More samples would be in memory at once than the limit allows.
    #[error("query processing would load too many samples into memory in query execution")]
    TooManySamples {
        /// The limit.
        samples_max: usize,
    },
    /// The deadline has passed.
    #[error("query timed out in expression evaluation")]
    TimedOut,
    /// Nobody waits for the answer any more.
    #[error("query was canceled in expression evaluation")]
    Canceled,
    /// The samples cannot be read.
    #[error("expanding series")]
    Source(#[source] portique_series::Error),
}

/// The word for an error in Prometheus' HTTP API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// `bad_data`
    BadData,
    /// `execution`
    Execution,
    /// `timeout`
    Timeout,
    /// `canceled`
    Canceled,
}

impl ErrorKind {
    /// As it stands in an answer's `errorType`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadData => "bad_data",
            Self::Execution => "execution",
            Self::Timeout => "timeout",
            Self::Canceled => "canceled",
        }
    }
}

impl Error {
    /// An error of evaluation.
    pub(crate) fn execution(reason: impl Into<String>) -> Self {
        Self::Execution {
            reason: reason.into(),
        }
    }

    /// Two series of a result have the same labels at one time.
    pub(crate) fn same_labels() -> Self {
        Self::execution("vector cannot contain metrics with the same labelset")
    }

    /// How Prometheus' API files it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Parse(_) | Self::BadParameter { .. } => ErrorKind::BadData,
            Self::Execution { .. } | Self::TooManySamples { .. } | Self::Source(_) => {
                ErrorKind::Execution
            }
            Self::TimedOut => ErrorKind::Timeout,
            Self::Canceled => ErrorKind::Canceled,
        }
    }
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::Parse(_) | Self::BadParameter { .. } => Code::InvalidArgument,
            Self::Execution { .. } => Code::FailedPrecondition,
            Self::TooManySamples { .. } => Code::ResourceExhausted,
            Self::TimedOut => Code::DeadlineExceeded,
            Self::Canceled => Code::Unavailable,
            Self::Source(error) => error.code(),
        }
    }
}
