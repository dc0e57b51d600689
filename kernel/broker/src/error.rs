use std::time::Duration;

use portique_fault::{Code, Fault, Retry};
use portique_journal::Sequence;

use crate::fact::DecodeError;

/// Why the broker did not open, or could not do its housekeeping.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The journal refused.
    #[error("the broker cannot use its journal")]
    Journal(#[from] portique_journal::Error),
    /// A record of the journal is not one of the broker's.
    #[error("record {sequence} of the journal cannot be used: was it written by a newer version?")]
    Record {
        /// Its place.
        sequence: Sequence,
        /// What does not fit.
        #[source]
        source: RecordError,
    },
    /// The beginning of the journal is gone, and no checkpoint stands for it.
    #[error("the journal begins at {first} and holds no checkpoint: restore it from a backup")]
    NoCheckpoint {
        /// The first record kept.
        first: Sequence,
    },
    /// The start could not be written down in time: the disk is full, or stands still.
    #[error("the broker's start was not durable after {waited:?}: {remedy}")]
    Exhausted {
        /// How long it was waited for.
        waited: Duration,
        /// What helps.
        remedy: String,
    },
    /// The broker was closed.
    #[error("the broker is closed")]
    Closed,
}

/// What does not fit in a record.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct RecordError(#[from] pub(crate) DecodeError);

impl Error {
    /// Whether only opening again helps.
    pub(crate) fn is_final(&self) -> bool {
        use portique_journal::Error as Journal;
        matches!(
            self,
            Self::Closed | Self::Journal(Journal::Poisoned { .. } | Journal::Closed)
        )
    }
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::Journal(error) => error.code(),
            Self::Record { .. } | Self::NoCheckpoint { .. } => Code::DataLoss,
            Self::Exhausted { .. } => Code::ResourceExhausted,
            Self::Closed => Code::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Journal(error) => error.retry(),
            _ => Retry::No,
        }
    }
}
