use std::time::Duration;

use portique_fault::{Code, Fault, Retry};

/// When whoever found a queue full may come again.
const RETRY_WHEN_BUSY: Duration = Duration::from_secs(1);

/// Why something is not done, or not allowed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A value is malformed or out of range.
    #[error("{what} {given:?} is refused: {rule}")]
    Invalid {
        /// Which value.
        what: &'static str,
        /// What was given; empty for secrets.
        given: String,
        /// What would be right.
        rule: String,
    },
    /// There is no such user, role, token or permission.
    #[error("there is no {kind} {name:?}")]
    Unknown {
        /// What it would be.
        kind: &'static str,
        /// As given.
        name: String,
    },
    /// The name is taken.
    #[error("there is a {kind} {name:?} already")]
    Exists {
        /// What it is.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// There is no room for another.
    #[error("there are {limit} {kind} already, which is all that fits")]
    Full {
        /// What of.
        kind: &'static str,
        /// How many fit.
        limit: usize,
    },
    /// The state does not allow it.
    #[error("{reason}")]
    NotNow {
        /// Why, and what has to be done first.
        reason: String,
    },
    /// The caller is known and may not do this.
    #[error("{reason}")]
    Denied {
        /// What is missing.
        reason: String,
    },
    /// Nobody known, or a secret that opens nothing.
    #[error("{reason}")]
    Unauthenticated {
        /// What was wrong, saying nothing of what would be right for somebody else.
        reason: &'static str,
    },
    /// Too many wrong passwords or tokens.
    #[error("too many failed attempts to sign in: try again in {} s", .wait.as_secs().max(1))]
    TooManyTries {
        /// Until the next is looked at.
        wait: Duration,
    },
    /// As much is under way as there is room for.
    #[error("too much is asked of the access control at once: try again")]
    Busy,
    /// The hub is stopping.
    #[error("the access control has stopped")]
    Closed,
    /// The machine gives no random numbers, so that no secret can be made.
    #[error("the machine gives no random numbers, so no secret can be made")]
    NoRandomness,
    /// What was stored makes no sense.
    #[error("the stored {what} is damaged: restore the records from a backup")]
    Damaged {
        /// Which document.
        what: String,
    },
    /// The records did not take or give something.
    #[error("people and roles cannot be read or written")]
    Records(#[source] portique_records::Error),
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::Invalid { .. } => Code::InvalidArgument,
            Self::Unknown { .. } => Code::NotFound,
            Self::Exists { .. } => Code::Conflict,
            Self::NotNow { .. } => Code::FailedPrecondition,
            Self::Denied { .. } => Code::PermissionDenied,
            Self::Unauthenticated { .. } => Code::Unauthenticated,
            Self::Full { .. } | Self::TooManyTries { .. } | Self::Busy => Code::ResourceExhausted,
            Self::Closed | Self::NoRandomness => Code::Unavailable,
            Self::Damaged { .. } => Code::DataLoss,
            Self::Records(error) => error.code(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::TooManyTries { wait } => Retry::After(*wait),
            Self::Busy => Retry::After(RETRY_WHEN_BUSY),
            Self::Records(error) => error.retry(),
            _ => Retry::No,
        }
    }
}
