use portique_fault::{Code, Fault};

use crate::Fingerprint;

/// Why something about alerts could not be done; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Stored bytes are no fact.
    #[error("a stored fact about alerts cannot be read: {reason}")]
    BadFact {
        /// What is wrong with it.
        reason: String,
    },
    /// No alert has this fingerprint.
    #[error("there is no alert {alert}: it may have ended, list the alerts")]
    UnknownAlert {
        /// What was asked for.
        alert: Fingerprint,
    },
    /// The alert is over.
    #[error("alert {alert} is resolved: only a pending or firing one can be {what}")]
    AlertOver {
        /// Which.
        alert: Fingerprint,
        /// Such as `acknowledged`.
        what: &'static str,
    },
    /// What was to be done about an alert is out of range.
    #[error("{name} is {problem}")]
    BadAct {
        /// Which part of it.
        name: &'static str,
        /// What is wrong, and what would be right.
        problem: String,
    },
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::BadFact { .. } => Code::DataLoss,
            Self::UnknownAlert { .. } => Code::NotFound,
            Self::AlertOver { .. } => Code::FailedPrecondition,
            Self::BadAct { .. } => Code::InvalidArgument,
        }
    }
}
