use std::io;
use std::path::PathBuf;
use std::time::Duration;

use portique_fault::{Code, Fault, Retry};
use portique_journal::Sequence;

/// A log that failed is opened again within a few seconds, if its disk allows it at all.
const RETRY_WHEN_REOPENING: Duration = Duration::from_secs(5);

/// What can go wrong with telemetry.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A matcher's regular expression cannot be compiled, or is larger than allowed.
    #[error("the regular expression {pattern:?} is not usable: {reason}")]
    BadPattern {
        /// The expression as written.
        pattern: String,
        /// What the parser says.
        reason: String,
    },
    /// A configured value is out of range.
    #[error("telemetry option {name} is {problem}")]
    Config {
        /// The field of [`Config`](crate::Config).
        name: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The disk is full, slow or broken: nothing of the rest of the batch was taken, queries go on.
    #[error("telemetry is not taken for now")]
    Unavailable {
        /// What the log says.
        #[source]
        source: portique_journal::Error,
    },
    /// The log cannot be opened or read.
    #[error("the log of telemetry cannot be used")]
    Log {
        /// What it says.
        #[source]
        source: portique_journal::Error,
    },
    /// A record of the log is not what a store writes.
    #[error("record {sequence} of the telemetry log is damaged: {reason}")]
    DamagedLog {
        /// Which record.
        sequence: Sequence,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The log does not reach back to the checkpoint.
    #[error(
        "the telemetry log has records {first} to {last}, the checkpoint was made after {checkpoint}"
    )]
    LogGap {
        /// The first record kept.
        first: Sequence,
        /// The last record.
        last: Sequence,
        /// The record after which the checkpoint was made; 0 when there is none.
        checkpoint: Sequence,
    },
    /// A checkpoint is damaged, and what it held is no longer in the log.
    #[error("{} is damaged in the page before byte {offset}: {reason}", path.display())]
    DamagedCheckpoint {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// What is wrong with it.
        reason: &'static str,
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
    /// A block, or what belongs to it, is damaged.
    #[error("{} is damaged at byte {offset}: {reason}", path.display())]
    DamagedFile {
        /// The file.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// What is wrong there.
        reason: &'static str,
    },
    /// A block would be larger than its format has room for.
    #[error("a block cannot hold so much: {what}")]
    BlockTooLarge {
        /// What there is too much of.
        what: &'static str,
    },
    /// Bytes that should be a chunk are not.
    #[error("the chunk is damaged at byte {offset}: {reason}")]
    DamagedChunk {
        /// Where in the chunk.
        offset: usize,
        /// What is wrong there.
        reason: &'static str,
    },
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::BadPattern { .. } | Self::Config { .. } => Code::InvalidArgument,
            Self::Unavailable { .. } | Self::Io { .. } => Code::Unavailable,
            Self::Log { source } => source.code(),
            Self::Version { .. } => Code::FailedPrecondition,
            Self::DamagedLog { .. }
            | Self::LogGap { .. }
            | Self::DamagedCheckpoint { .. }
            | Self::DamagedFile { .. }
            | Self::DamagedChunk { .. } => Code::DataLoss,
            Self::BlockTooLarge { .. } => Code::ResourceExhausted,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            // The store opens its log again by itself.
            Self::Unavailable {
                source: portique_journal::Error::Poisoned { .. },
            } => Retry::After(RETRY_WHEN_REOPENING),
            Self::Unavailable { source } => source.retry(),
            _ => Retry::No,
        }
    }
}
