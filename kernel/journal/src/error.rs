use std::io;
use std::path::PathBuf;
use std::time::Duration;

use portique_fault::{Code, Fault, Retry};

use crate::{Sequence, StoreId};

/// A full queue empties within a few commits, each a few milliseconds on a slow disk.
const RETRY_WHEN_FULL: Duration = Duration::from_millis(10);
/// Space comes back when retention drops a segment or somebody cleans up: seconds at the soonest.
const RETRY_WHEN_DRAINING: Duration = Duration::from_secs(5);

/// Why the journal did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A configured value is out of range.
    #[error("journal option {name} is {problem}")]
    Config {
        /// The field of [`Config`](crate::Config).
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A call without records.
    #[error("an append needs at least one record")]
    Empty,
    /// One call carries more than one frame can.
    #[error("an append of {given} {unit} is over the limit of {max}: send several")]
    TooLarge {
        /// How much was given.
        given: usize,
        /// The limit.
        max: usize,
        /// `records`, `bytes`, or `bytes in one record`.
        unit: &'static str,
    },
    /// The queue to the committer has no room; nothing was accepted.
    #[error("the journal's queue is full: {queued_bytes} of {max} bytes wait for the disk")]
    Full {
        /// Bytes that wait.
        queued_bytes: usize,
        /// Bytes that were to be added: see [`Journal::room`](crate::Journal::room).
        wanted_bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The disk is nearly full, so only draining work is accepted.
    #[error(
        "the disk is nearly full ({free_bytes} bytes free, {reserve_bytes} kept in reserve): \
         free space or shorten retention"
    )]
    DrainOnly {
        /// Bytes free when last looked at.
        free_bytes: u64,
        /// Bytes kept for draining.
        reserve_bytes: u64,
    },
    /// Records that were accepted have no place to go, so no more are in any lane, until there is
    /// space again.
    #[error("the journal takes no records for now: {reason}")]
    Starved {
        /// What is lacking.
        reason: String,
    },
    /// A write or sync failed, so that what is on disk is in doubt, or a full disk did not take what
    /// had been accepted before the journal was closed; only opening it again helps.
    #[error("the journal stopped and must be opened again: {reason}")]
    Poisoned {
        /// The failure.
        reason: String,
    },
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
    /// The records asked for are gone.
    #[error("sequence {requested} is no longer kept: the first one is {first}")]
    Trimmed {
        /// What was asked for.
        requested: Sequence,
        /// The first sequence that is kept.
        first: Sequence,
    },
    /// Stored bytes are damaged; they are never read as data, and nothing is changed.
    #[error("{} is damaged at byte {offset}, before sequence {sequence} can be read: {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// The first sequence that cannot be read because of it.
        sequence: Sequence,
        /// What does not fit.
        reason: String,
    },
    /// A file belongs to another journal.
    #[error("{} belongs to journal {found}, not to {expected}: put it back where it came from", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The journal of this folder.
        expected: StoreId,
        /// The journal the file names.
        found: StoreId,
    },
    /// A file has a format this version does not read.
    #[error("{} has format version {found}; this program reads version {supported}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version read here.
        supported: u32,
    },
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, as in `open`.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The refusal.
        #[source]
        source: io::Error,
    },
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::Config { .. } | Self::Empty | Self::TooLarge { .. } => Code::InvalidArgument,
            Self::Full { .. } | Self::DrainOnly { .. } | Self::Starved { .. } => {
                Code::ResourceExhausted
            }
            Self::Poisoned { .. } | Self::Closed | Self::Io { .. } => Code::Unavailable,
            Self::Trimmed { .. } => Code::NotFound,
            Self::Corrupt { .. } => Code::DataLoss,
            Self::Foreign { .. } | Self::Version { .. } => Code::FailedPrecondition,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Full { .. } => Retry::After(RETRY_WHEN_FULL),
            Self::DrainOnly { .. } | Self::Starved { .. } => Retry::After(RETRY_WHEN_DRAINING),
            _ => Retry::No,
        }
    }
}
