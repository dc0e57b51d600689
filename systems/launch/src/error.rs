use portique_fault::{Code, Fault, Retry};

use crate::link::LinkError;

/// Why launch control refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name is malformed.
    #[error(
        "{text:?} is not a {what} name: write 1 to 32 of a-z 0-9 - starting with a letter, such as demo-1"
    )]
    Name {
        /// What it should name.
        what: &'static str,
        /// What was given.
        text: String,
    },
    /// An input is malformed; the message says where and what would be right.
    #[error("{what} {problem}")]
    Input {
        /// Which input.
        what: &'static str,
        /// What is wrong, where, and what would be right.
        problem: String,
    },
    /// No such thing.
    #[error("there is no {what} named {name}; known: {known}")]
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// What was asked for.
        name: String,
        /// What there is, for the next try.
        known: String,
    },
    /// It exists already, or another holder has it.
    #[error("{what} {name} {problem}")]
    Conflict {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
        /// Who has it and what would be right.
        problem: String,
    },
    /// The state does not allow it now; nothing changed.
    #[error("rocket {rocket}: {reason}")]
    NotNow {
        /// The rocket.
        rocket: String,
        /// Why, and what has to come first.
        reason: String,
    },
    /// There is no room for another.
    #[error("there are {limit} {what} already, which is the limit")]
    Full {
        /// Of what, in the plural.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// The vehicle could not be reached.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The event bus failed.
    #[error("the event bus failed")]
    Bus(#[source] portique_bus::Error),
    /// The records failed.
    #[error("the records failed")]
    Records(#[source] portique_records::Error),
    /// The store of telemetry failed.
    #[error("the store of telemetry failed")]
    Series(#[source] portique_series::Error),
    /// A stored fact cannot be read back.
    #[error("launch event {id} on the bus cannot be read")]
    Damaged {
        /// The event's id.
        id: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// Launch control is stopping or overloaded.
    #[error("launch control does not take orders: {reason}")]
    Unavailable {
        /// Stopping or overloaded.
        reason: &'static str,
    },
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::Name { .. } | Self::Input { .. } => Code::InvalidArgument,
            Self::Unknown { .. } => Code::NotFound,
            Self::Conflict { .. } => Code::Conflict,
            Self::NotNow { .. } => Code::FailedPrecondition,
            Self::Full { .. } => Code::ResourceExhausted,
            Self::Link(LinkError::Unreachable { .. }) => Code::Unavailable,
            Self::Link(LinkError::TimedOut { .. }) => Code::DeadlineExceeded,
            Self::Link(LinkError::ReadOnly { .. } | LinkError::PadRefused { .. }) => {
                Code::FailedPrecondition
            }
            Self::Bus(error) => error.code(),
            Self::Records(error) => error.code(),
            Self::Series(error) => error.code(),
            Self::Damaged { .. } => Code::DataLoss,
            Self::Unavailable { .. } => Code::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Bus(error) => error.retry(),
            Self::Records(error) => error.retry(),
            Self::Series(error) => error.retry(),
            _ => Retry::No,
        }
    }
}
