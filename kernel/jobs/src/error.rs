use std::time::Duration;

use portique_fault::{Code, Fault, Retry};

use crate::{JobId, Lease, QueueName};

/// How long to wait before asking again when a limit is reached: work is done in moments, space is
/// freed in seconds.
const RETRY_WHEN_EXHAUSTED: Duration = Duration::from_secs(1);
/// How long to wait for an engine that is not there: about the time one takes to start.
const RETRY_WHEN_UNAVAILABLE: Duration = Duration::from_secs(1);

/// Why an engine did not do what it was asked to; nothing was changed, unless it is
/// [`InDoubt`](Self::InDoubt).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A text breaks the rule of its kind.
    #[error("{text:?} is not a {what}: {rule}")]
    Name {
        /// What it should be.
        what: &'static str,
        /// What was given.
        text: String,
        /// What would be right.
        rule: &'static str,
    },
    /// An option or argument is out of range.
    #[error("{name} is {problem}")]
    InvalidOption {
        /// The option or argument.
        name: &'static str,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A payload or result has too many bytes.
    #[error(
        "a payload of {given} bytes is over the limit of {max}: store it elsewhere and send its address"
    )]
    PayloadTooLarge {
        /// Its bytes.
        given: usize,
        /// The limit.
        max: usize,
    },
    /// One call carries too much.
    #[error("a batch of {given} {unit} is over the limit of {max}: send several")]
    BatchTooLarge {
        /// How much was given.
        given: usize,
        /// The limit.
        max: usize,
        /// Such as `jobs` or `bytes`.
        unit: &'static str,
    },
    /// No queue has this name.
    #[error("there is no queue {queue}: enqueue a job or define it first")]
    UnknownQueue {
        /// What was asked for.
        queue: QueueName,
    },
    /// The queue belongs to a part of whoever serves it, and is not changed by visitors.
    #[error(
        "queue {queue} belongs to a part of the hub and is not changed from outside: use a queue of your own"
    )]
    OwnedQueue {
        /// The queue.
        queue: QueueName,
    },
    /// No job has this id, or it is not remembered any more.
    #[error("there is no job {id}, or it was finished and is not remembered any more")]
    UnknownJob {
        /// What was asked for.
        id: JobId,
    },
    /// No schedule or binding has this name.
    #[error("there is no {what} {name}")]
    UnknownName {
        /// `schedule` or `binding`.
        what: &'static str,
        /// What was asked for.
        name: String,
    },
    /// The queue holds jobs that are not finished.
    #[error(
        "queue {queue} holds {jobs} jobs that are not finished: drain it, and drop or retry its dead"
    )]
    QueueNotEmpty {
        /// The queue.
        queue: QueueName,
        /// How many.
        jobs: u64,
    },
    /// The queue holds as many jobs as it may.
    #[error("queue {queue} is full with {max} jobs: wait until some are done, or raise jobs_max")]
    QueueFull {
        /// The queue.
        queue: QueueName,
        /// Its limit.
        max: u64,
    },
    /// The queue takes nothing in until it is resumed.
    #[error("queue {queue} is being drained and takes no jobs: resume it first")]
    Draining {
        /// The queue.
        queue: QueueName,
    },
    /// An idempotency key was used for something else.
    #[error(
        "idempotency key {key:?} was used for another request: use a new key, or send the same"
    )]
    KeyConflict {
        /// The key.
        key: String,
        /// The job of the first request, when that was about one job.
        existing: Option<JobId>,
    },
    /// The lease was lost, cancelled or ended since.
    #[error("the lease {} of job {} is no longer held: it was lost, cancelled or ended", lease.token, lease.id)]
    StaleLease {
        /// The lease.
        lease: Lease,
    },
    /// The job's state does not allow it.
    #[error("job {id} is {state}: {rule}")]
    WrongState {
        /// The job.
        id: JobId,
        /// The word of its state.
        state: &'static str,
        /// What would be right.
        rule: &'static str,
    },
    /// The engine does not offer this.
    #[error("this engine does not offer {what}")]
    Unsupported {
        /// What.
        what: &'static str,
    },
    /// A limit of the engine is reached: disk, queues, keys, waiting calls.
    #[error("out of {resource}: {remedy}")]
    Exhausted {
        /// What there is no more of.
        resource: &'static str,
        /// What helps.
        remedy: String,
    },
    /// The engine cannot serve now.
    #[error("the queues are unavailable: {reason}")]
    Unavailable {
        /// Why, and what helps.
        reason: String,
    },
    /// The engine failed before it could tell: what was asked for may be done, all of it or nothing.
    #[error("the engine stopped before it could tell whether this was done: {reason}")]
    InDoubt {
        /// Why, and what helps.
        reason: String,
    },
    /// The bus's side of a transaction refuses.
    #[error(transparent)]
    Bus(#[from] portique_bus::Error),
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::Name { .. }
            | Self::InvalidOption { .. }
            | Self::PayloadTooLarge { .. }
            | Self::BatchTooLarge { .. } => Code::InvalidArgument,
            Self::UnknownQueue { .. } | Self::UnknownJob { .. } | Self::UnknownName { .. } => {
                Code::NotFound
            }
            Self::OwnedQueue { .. } => Code::PermissionDenied,
            Self::KeyConflict { .. } => Code::Conflict,
            Self::QueueNotEmpty { .. }
            | Self::StaleLease { .. }
            | Self::WrongState { .. }
            | Self::Unsupported { .. }
            | Self::Draining { .. } => Code::FailedPrecondition,
            Self::QueueFull { .. } | Self::Exhausted { .. } => Code::ResourceExhausted,
            Self::Unavailable { .. } | Self::InDoubt { .. } => Code::Unavailable,
            Self::Bus(error) => error.code(),
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::QueueFull { .. } | Self::Exhausted { .. } => Retry::After(RETRY_WHEN_EXHAUSTED),
            Self::Unavailable { .. } => Retry::After(RETRY_WHEN_UNAVAILABLE),
            Self::Bus(error) => error.retry(),
            _ => Retry::No,
        }
    }
}
