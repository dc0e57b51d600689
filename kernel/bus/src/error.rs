use std::path::PathBuf;
use std::time::Duration;

use portique_event::Filter;
use portique_fault::{Code, Fault, Retry};

use crate::{CompactionName, ConsumerName, DeliveryToken};

/// How long to wait before publishing again to a bus that is full: retention frees space in
/// minutes, not in moments.
const RETRY_WHEN_EXHAUSTED: Duration = Duration::from_secs(5);
/// How long to wait for an engine that is not there: about the time one takes to start.
const RETRY_WHEN_UNAVAILABLE: Duration = Duration::from_secs(1);

/// Why the bus did not do what it was asked to; nothing was changed, unless it is
/// [`InDoubt`](Self::InDoubt).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is no consumer name.
    #[error("{text:?} is not a consumer name: write 1 to 64 of A-Z a-z 0-9 _ -")]
    ConsumerName {
        /// What was given.
        text: String,
    },
    /// The text is no name of a compaction.
    #[error("{text:?} is not the name of a compaction: write 1 to 64 of A-Z a-z 0-9 _ -")]
    CompactionName {
        /// What was given.
        text: String,
    },
    /// No compaction has this name.
    #[error("there is no compaction {name}: create it first")]
    UnknownCompaction {
        /// What was asked for.
        name: CompactionName,
    },
    /// A compaction of this name exists with another filter.
    #[error("compaction {name} exists with another filter: {existing}, not {requested}")]
    CompactionDiffers {
        /// The compaction.
        name: CompactionName,
        /// What it was created with.
        existing: Filter,
        /// What was asked for now.
        requested: Filter,
    },
    /// The engine does not have this at all.
    #[error("the engine of this bus has no {what}: use one whose table of capabilities names it")]
    Unsupported {
        /// A method or an option of the port.
        what: &'static str,
    },
    /// No consumer has this name.
    #[error("there is no consumer {name}: create it first")]
    UnknownConsumer {
        /// What was asked for.
        name: ConsumerName,
    },
    /// A consumer of this name exists with other options.
    #[error("consumer {name} exists with another {option}: {existing}, not {requested}")]
    ConsumerDiffers {
        /// The consumer.
        name: ConsumerName,
        /// The option that differs.
        option: &'static str,
        /// What it was created with.
        existing: String,
        /// What was asked for now.
        requested: String,
    },
    /// The delivery was acknowledged, given back, or delivered again since.
    #[error("consumer {consumer} no longer holds delivery {}: it was settled or timed out", token.0)]
    StaleDelivery {
        /// The consumer.
        consumer: ConsumerName,
        /// The delivery.
        token: DeliveryToken,
    },
    /// An option or argument is out of range.
    #[error("{name} is {problem}")]
    InvalidOption {
        /// The option or argument.
        name: &'static str,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// One call carries too much.
    #[error("a batch of {given} {unit} is over the limit of {max}: send several")]
    BatchTooLarge {
        /// How much was given.
        given: usize,
        /// The limit.
        max: usize,
        /// `events`, `bytes` or `tokens`.
        unit: &'static str,
    },
    /// A limit of the engine is reached: disk, consumers, waiting calls.
    #[error("the bus is out of {resource}: {remedy}")]
    Exhausted {
        /// What there is no more of.
        resource: &'static str,
        /// What helps.
        remedy: String,
    },
    /// The engine cannot serve now.
    #[error("the bus is unavailable: {reason}")]
    Unavailable {
        /// Why, and what helps.
        reason: String,
    },
    /// The engine failed before it could tell: what was asked for may be done, all of it or nothing,
    /// and the next start shows which. Asking again may do it twice.
    #[error("the bus stopped before it could tell whether this was done: {reason}")]
    InDoubt {
        /// Why, and what helps.
        reason: String,
    },
    /// Stored events are damaged here; they are never served.
    #[error("{} is damaged at byte {offset}: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What does not fit.
        problem: String,
    },
    /// An event or a subject breaks the rules of its kind.
    #[error(transparent)]
    Event(#[from] portique_event::Error),
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::ConsumerName { .. }
            | Self::CompactionName { .. }
            | Self::InvalidOption { .. }
            | Self::BatchTooLarge { .. } => Code::InvalidArgument,
            Self::UnknownConsumer { .. } | Self::UnknownCompaction { .. } => Code::NotFound,
            Self::ConsumerDiffers { .. } | Self::CompactionDiffers { .. } => Code::Conflict,
            Self::StaleDelivery { .. } | Self::Unsupported { .. } => Code::FailedPrecondition,
            Self::Exhausted { .. } => Code::ResourceExhausted,
            Self::Unavailable { .. } | Self::InDoubt { .. } => Code::Unavailable,
            Self::Damaged { .. } => Code::DataLoss,
            Self::Event(error) => error.code(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Exhausted { .. } => Retry::After(RETRY_WHEN_EXHAUSTED),
            Self::Unavailable { .. } => Retry::After(RETRY_WHEN_UNAVAILABLE),
            _ => Retry::No,
        }
    }
}
