use portique_fault::{Code, Fault};

/// Why the notifier did not do something; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Stored bytes are no fact.
    #[error("a stored fact about notifications cannot be read: {reason}")]
    BadFact {
        /// What is wrong with it.
        reason: String,
    },
    /// No silence has this id.
    #[error("there is no silence {id:?}: it may have been forgotten, list the silences")]
    UnknownSilence {
        /// What was asked for.
        id: String,
    },
    /// The silence is over.
    #[error("silence {id} is expired already")]
    SilenceExpired {
        /// Which.
        id: String,
    },
    /// A silence cannot be as asked.
    #[error("the silence is refused: {problem}")]
    BadSilence {
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// A limit is reached.
    #[error("there are {max} {what} already: {remedy}")]
    Full {
        /// What there are too many of.
        what: &'static str,
        /// How many are allowed.
        max: usize,
        /// What can be done.
        remedy: &'static str,
    },
    /// A filter of the API cannot be read.
    #[error("the filter is refused: {problem}")]
    BadFilter {
        /// What is wrong, and what would be right.
        problem: String,
    },
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::BadFact { .. } => Code::DataLoss,
            Self::UnknownSilence { .. } => Code::NotFound,
            Self::SilenceExpired { .. } => Code::FailedPrecondition,
            Self::BadSilence { .. } | Self::BadFilter { .. } => Code::InvalidArgument,
            Self::Full { .. } => Code::ResourceExhausted,
        }
    }
}
