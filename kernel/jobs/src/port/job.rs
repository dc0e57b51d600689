use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use portique_clock::Timestamp;

use crate::{Error, JobKind, Label, QueueName};

/// Most bytes of a payload or a result: with its envelope it fits into one record of the journal.
pub const PAYLOAD_BYTES_MAX: usize = portique_event::DATA_BYTES_MAX;
/// Most headers of a job, and most bytes of one of them with its name.
const HEADERS_MAX: usize = 32;
const HEADER_BYTES_MAX: usize = 1024;
/// Most jobs that one job waits for.
pub const DEPENDENCIES_MAX: usize = 1_000;
/// Most attempts: beyond this the trouble is in the job.
const ATTEMPTS_MAX: u32 = 1_000;
/// Longest delay, backoff and time to live: a year.
pub(crate) const DELAY_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// Longest idempotency or uniqueness key, in bytes.
const KEY_BYTES_MAX: usize = 256;

/// A job's identity: rising, unique in its engine, never used again; the first is at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a job is about, or what came of it: bytes with their media type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// Such as `application/json`; 1 to 128 bytes of printable ASCII.
    pub content_type: String,
    /// At most 896 KiB.
    pub body: Bytes,
}

impl Payload {
    /// A payload that is JSON already.
    pub fn json(text: impl Into<Bytes>) -> Self {
        Self {
            content_type: "application/json".into(),
            body: text.into(),
        }
    }

    /// # Errors
    /// [`Error::PayloadTooLarge`], or [`Error::InvalidOption`] for the media type.
    pub fn check(&self) -> Result<(), Error> {
        if self.body.len() > PAYLOAD_BYTES_MAX {
            return Err(Error::PayloadTooLarge {
                given: self.body.len(),
                max: PAYLOAD_BYTES_MAX,
            });
        }
        let is_type = (1..=128).contains(&self.content_type.len())
            && self.content_type.bytes().all(|b| (0x20..0x7f).contains(&b));
        if is_type {
            return Ok(());
        }
        Err(Error::InvalidOption {
            name: "content_type",
            problem: "not a media type: write 1 to 128 bytes of printable ASCII".into(),
        })
    }
}

/// Work to be queued.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Where; made with default options when it does not exist.
    pub queue: QueueName,
    /// What kind of work.
    pub kind: JobKind,
    /// What it is about.
    pub payload: Payload,
    /// How it is queued.
    pub options: JobOptions,
}

/// How one job is queued; the default is first in, first out, at once, with the queue's own policies.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobOptions {
    /// Higher first; 0 by default.
    pub priority: i16,
    /// Not before this time.
    pub run_at: Option<Timestamp>,
    /// Whose fair share it is taken from.
    pub group: Option<Label>,
    /// Jobs with the same key share the queue's limits per key.
    pub key: Option<Label>,
    /// Instead of the queue's policy.
    pub retry: Option<RetryPolicy>,
    /// Dead when it has not been completed by then.
    pub deadline: Option<Timestamp>,
    /// Names this request: enqueuing again with the same key and payload gives the same job, with
    /// another payload a conflict. Remembered for 24 hours. 1 to 256 bytes.
    pub idempotency_key: Option<String>,
    /// At most one job of this key at a time.
    pub unique: Option<Unique>,
    /// How long its result is remembered, instead of the queue's time.
    pub result_ttl: Option<Duration>,
    /// Carried to the worker as they are, such as `traceparent`; at most 32 of 1 KiB.
    pub headers: BTreeMap<String, String>,
    /// It waits until all of these are completed; at most 1,000.
    pub after: Vec<Dependency>,
    /// What becomes of it when one of them is dead or cancelled.
    pub on_dead_child: OnDeadChild,
}

/// A job that another one waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dependency {
    /// One that was enqueued before.
    Job(JobId),
    /// The job at this place of the same batch, counted from 0, before the one that waits.
    InBatch(usize),
}

/// What becomes of a job that waits for a job that is dead or cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDeadChild {
    /// It waits while the child is dead, since people may retry it; it is dead too once the child is cancelled
    /// or dropped, and retried it goes on without it.
    #[default]
    Wait,
    /// It goes on as if the child were completed.
    Ignore,
    /// It is dead too.
    Die,
}

/// At most one job of a key at a time, within its queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unique {
    /// 1 to 256 bytes.
    pub key: String,
    /// What counts, and what happens to the later one.
    pub mode: UniqueMode,
}

/// What a second job of the same key comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UniqueMode {
    /// While the first waits or is active, the second is the first.
    UntilFinished,
    /// While the first waits, the second is the first; once it is active, another may wait.
    UntilClaimed,
    /// While the first waits, the second takes its place (debounce): its payload and due time count.
    Replace,
    /// For this long after the first was enqueued, the second is the first (throttle).
    For(Duration),
}

/// When a failed job is tried again.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// Failed attempts before the job is dead: 1 to 1,000.
    pub attempts: u32,
    /// How long it waits before each.
    pub backoff: Backoff,
}

/// How long a failed job waits: `first * factor^(failures - 1)`, at most `max`, less up to `jitter` of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Backoff {
    /// Wait after the first failure; at most a year.
    pub first: Duration,
    /// 1 (fixed) to 10.
    pub factor: f64,
    /// Longest wait; at most a year.
    pub max: Duration,
    /// Random share taken off, 0 to 1.
    pub jitter: f64,
}

impl Default for RetryPolicy {
    /// Five attempts; 1 s doubled up to 1 h, less up to a half.
    fn default() -> Self {
        Self {
            attempts: 5,
            backoff: Backoff {
                first: Duration::from_secs(1),
                factor: 2.0,
                max: Duration::from_secs(60 * 60),
                jitter: 0.5,
            },
        }
    }
}

impl RetryPolicy {
    /// # Errors
    /// [`Error::InvalidOption`] names the first that is out of range.
    pub fn check(&self) -> Result<(), Error> {
        let outside = |name, problem: String| Err(Error::InvalidOption { name, problem });
        let backoff = &self.backoff;
        if !(1..=ATTEMPTS_MAX).contains(&self.attempts) {
            let problem = format!("{}: write 1 to {ATTEMPTS_MAX}", self.attempts);
            return outside("attempts", problem);
        }
        if backoff.first > DELAY_MAX || backoff.max > DELAY_MAX {
            return outside("backoff", "longer than a year".into());
        }
        if !(1.0..=10.0).contains(&backoff.factor) {
            return outside(
                "backoff.factor",
                format!("{}: write 1 to 10", backoff.factor),
            );
        }
        if !(0.0..=1.0).contains(&backoff.jitter) {
            return outside(
                "backoff.jitter",
                format!("{}: write 0 to 1", backoff.jitter),
            );
        }
        Ok(())
    }
}

impl NewJob {
    /// A job with default options.
    pub fn new(queue: QueueName, kind: JobKind, payload: Payload) -> Self {
        Self {
            queue,
            kind,
            payload,
            options: JobOptions::default(),
        }
    }

    /// Checks what every engine refuses.
    ///
    /// # Errors
    /// [`Error::PayloadTooLarge`] or [`Error::InvalidOption`] for the first that is out of range.
    pub fn check(&self) -> Result<(), Error> {
        self.payload.check()?;
        let options = &self.options;
        if let Some(retry) = &options.retry {
            retry.check()?;
        }
        let unique = options.unique.as_ref().map(|unique| &unique.key);
        for key in options.idempotency_key.iter().chain(unique) {
            check_key(key)?;
        }
        if options.headers.len() > HEADERS_MAX {
            return invalid(
                "headers",
                format!(
                    "{} of them: write at most {HEADERS_MAX}",
                    options.headers.len()
                ),
            );
        }
        for (name, value) in &options.headers {
            if name.is_empty() || name.len() + value.len() > HEADER_BYTES_MAX {
                return invalid(
                    "headers",
                    format!("{name:?}: name and value together have 1 to {HEADER_BYTES_MAX} bytes"),
                );
            }
        }
        if options.after.len() > DEPENDENCIES_MAX {
            return invalid(
                "after",
                format!(
                    "{} jobs: write at most {DEPENDENCIES_MAX}",
                    options.after.len()
                ),
            );
        }
        if options.result_ttl.is_some_and(|ttl| ttl > DELAY_MAX) {
            return invalid("result_ttl", "longer than a year".into());
        }
        Ok(())
    }
}

fn check_key(key: &str) -> Result<(), Error> {
    if (1..=KEY_BYTES_MAX).contains(&key.len()) {
        return Ok(());
    }
    invalid(
        "key",
        format!("{} bytes long: write 1 to {KEY_BYTES_MAX}", key.len()),
    )
}

fn invalid(name: &'static str, problem: String) -> Result<(), Error> {
    Err(Error::InvalidOption { name, problem })
}

/// What became of an enqueued job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueued {
    /// The job, which is an earlier one when `is_new` is false.
    pub id: JobId,
    /// False when a key named an earlier job.
    pub is_new: bool,
}
