use std::time::Duration;

use portique_fault::{Code, Fault, Retry};

use crate::Rejection;

/// Why payments refused or failed; nothing was done, unless it says otherwise.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// What was given is malformed; the text says where, and what would be right.
    #[error("{problem}")]
    Input {
        /// What is wrong.
        problem: String,
    },
    /// A request has too much.
    #[error("{problem}")]
    TooLarge {
        /// How much, and what would be right.
        problem: String,
    },
    /// There is no such thing.
    #[error("there is no {what} {name}")]
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// What was asked for.
        name: String,
    },
    /// The ledger refuses.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The pipeline is behind.
    #[error("{reason}: send this again later")]
    Behind {
        /// What is behind.
        reason: String,
        /// When.
        after: Duration,
    },
    /// The lease of a job is not held any more: somebody else does it, or did.
    #[error("the lease of job {job} is no longer held: nothing was done")]
    StaleLease {
        /// Which.
        job: u64,
    },
    /// Something that payments stand on failed, or refused.
    #[error("{what}")]
    Failed {
        /// What.
        what: String,
        /// What a caller can do.
        code: Code,
        /// Whether to try again.
        retry: Retry,
    },
    /// What is stored cannot be read.
    #[error("{place} cannot be read: {problem}")]
    Damaged {
        /// Where it is.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Payments are stopping.
    #[error("payments are stopping")]
    Stopping,
}

impl Error {
    pub(crate) fn input(problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self::Input { problem }
    }

    pub(crate) fn damaged(place: impl Into<String>, problem: impl ToString) -> Self {
        Self::Damaged {
            place: place.into(),
            problem: problem.to_string(),
        }
    }

    fn failed(what: &str, fault: &dyn Fault) -> Self {
        Self::Failed {
            what: format!("{what}: {fault}"),
            code: fault.code(),
            retry: fault.retry(),
        }
    }
}

impl From<portique_bus::Error> for Error {
    fn from(error: portique_bus::Error) -> Self {
        Self::failed("the event bus", &error)
    }
}

impl From<portique_jobs::Error> for Error {
    fn from(error: portique_jobs::Error) -> Self {
        match error {
            portique_jobs::Error::StaleLease { lease } => Self::StaleLease { job: lease.id.0 },
            error => Self::failed("the queues", &error),
        }
    }
}

impl From<portique_records::Error> for Error {
    fn from(error: portique_records::Error) -> Self {
        Self::failed("the records", &error)
    }
}

impl From<crate::batch::BatchError> for Error {
    fn from(error: crate::batch::BatchError) -> Self {
        Self::input(error.to_string())
    }
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::Input { .. } => Code::InvalidArgument,
            Self::TooLarge { .. } | Self::Behind { .. } => Code::ResourceExhausted,
            Self::Unknown { .. } => Code::NotFound,
            Self::Rejected(rejection) => rejection.code(),
            Self::StaleLease { .. } => Code::Conflict,
            Self::Failed { code, .. } => *code,
            Self::Damaged { .. } => Code::DataLoss,
            Self::Stopping => Code::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Behind { after, .. } => Retry::After(*after),
            Self::Failed { retry, .. } => *retry,
            Self::Stopping => Retry::After(Duration::from_secs(1)),
            _ => Retry::No,
        }
    }
}
