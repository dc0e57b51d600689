use std::collections::BTreeMap;

use portique_clock::Timestamp;
use portique_jobs::{
    Backoff, Dependency, JobId, JobKind, JobOptions, Label, NewJob, OnDeadChild, Payload,
    QueueName, RetryPolicy, Unique, UniqueMode,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api::content;
use crate::api::number::{duration, duration_or_none};
use crate::api::refusal::{Refusal, Reply};

/// The kind of a job that says none: a queue with one kind of work needs no name for it.
const KIND_DEFAULT: &str = "job";

/// A job to queue.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobRequest {
    /// Where to, where the path does not say.
    pub(in crate::api) queue: Option<String>,
    /// What kind of work, for the worker to choose its code by; `job` when absent.
    pub(in crate::api) kind: Option<String>,
    /// What it is about: JSON as it is; a text, when `content_type` is not a JSON type.
    #[schema(value_type = Option<serde_json::Value>)]
    pub(in crate::api) payload: Option<Box<RawValue>>,
    /// What it is about, as bytes in base64; instead of `payload`.
    pub(in crate::api) payload_base64: Option<String>,
    /// The payload's media type; `application/json` when absent, `application/octet-stream` with
    /// `payload_base64`.
    pub(in crate::api) content_type: Option<String>,
    /// Higher first, from -32768 to 32767; 0 when absent.
    pub(in crate::api) priority: Option<i16>,
    /// Not before this time; instead of `delay_s`.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(in crate::api) run_at: Option<Timestamp>,
    /// Not before this many seconds have passed.
    pub(in crate::api) delay_s: Option<f64>,
    /// Whose fair share it is taken from.
    pub(in crate::api) group: Option<String>,
    /// Jobs with the same key share the queue's limits per key.
    pub(in crate::api) key: Option<String>,
    /// When it is tried again, instead of the queue's policy.
    pub(in crate::api) retry: Option<RetrySettings>,
    /// Dead when it has not been completed by then.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(in crate::api) deadline: Option<Timestamp>,
    /// Adding again with the same key and payload within 24 hours gives the same job.
    pub(in crate::api) idempotency_key: Option<String>,
    /// At most one job of a key at a time.
    pub(in crate::api) unique: Option<UniqueRequest>,
    /// How long its result is remembered, instead of the queue's time.
    pub(in crate::api) result_ttl_s: Option<f64>,
    /// Carried to the worker as they are; at most 32 of 1 KiB.
    #[serde(default)]
    pub(in crate::api) headers: BTreeMap<String, String>,
    /// It waits until all of these are completed; at most 1,000.
    #[serde(default)]
    pub(in crate::api) after: Vec<AfterRequest>,
    /// What becomes of it when one of them is dead or cancelled; `wait` when absent.
    #[serde(default)]
    pub(in crate::api) on_dead_child: OnDeadChildName,
}

/// When a failed job is tried again: after `first_s * factor^(failures - 1)`, at most `max_s`, less
/// a random share of up to `jitter`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RetrySettings {
    /// Failed attempts before the job is dead: 1 to 1,000.
    attempts: u32,
    /// Wait after the first failure, in seconds.
    first_s: f64,
    /// 1 (fixed) to 10.
    factor: f64,
    /// Longest wait, in seconds.
    max_s: f64,
    /// 0 to 1.
    jitter: f64,
}

/// At most one job of a key at a time, within its queue.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UniqueRequest {
    /// 1 to 256 bytes.
    key: String,
    /// What counts, and what happens to the later one.
    mode: UniqueModeName,
    /// With the mode `for`: how long, in seconds.
    for_s: Option<f64>,
}

/// What a second job of the same key comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UniqueModeName {
    /// While the first waits or is active, the second is the first.
    UntilFinished,
    /// While the first waits, the second is the first.
    UntilClaimed,
    /// While the first waits, the second takes its place.
    Replace,
    /// For a while after the first was added, the second is the first.
    For,
}

/// A job that another one waits for.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AfterRequest {
    /// One that was added before, by its id.
    Job(u64),
    /// The job at this place of the same batch, from 0, before the one that waits.
    InBatch(usize),
}

/// What becomes of a job that waits for a job that is dead or cancelled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnDeadChildName {
    /// It waits.
    #[default]
    Wait,
    /// It goes on.
    Ignore,
    /// It is dead too.
    Die,
}

impl JobRequest {
    /// The job, for this queue unless it names another.
    ///
    /// # Errors
    /// Invalid argument for the first field that is wrong.
    pub(in crate::api) fn into_job(
        mut self,
        queue: Option<&QueueName>,
        now: Timestamp,
    ) -> Reply<NewJob> {
        let payload = content::payload(content::Parts {
            name: "payload",
            base64_name: "payload_base64",
            content_type: self.content_type.take(),
            value: self.payload.take(),
            base64: self.payload_base64.take(),
        })?;
        self.with_payload(queue, payload, now)
    }

    /// As [`into_job`](Self::into_job), with a payload that came another way.
    pub(in crate::api) fn with_payload(
        self,
        queue: Option<&QueueName>,
        payload: Payload,
        now: Timestamp,
    ) -> Reply<NewJob> {
        let queue = match (&self.queue, queue) {
            (None, Some(queue)) => queue.clone(),
            (Some(text), None) => QueueName::new(text.as_str())?,
            (Some(text), Some(queue)) if text == queue.as_str() => queue.clone(),
            (Some(text), Some(queue)) => {
                return Err(Refusal::invalid(format!(
                    "queue is {text:?}, but the path says {queue}: leave it out"
                )));
            }
            (None, None) => return Err(Refusal::invalid("queue is missing")),
        };
        let kind = JobKind::new(self.kind.as_deref().unwrap_or(KIND_DEFAULT))?;
        let job = NewJob {
            queue,
            kind,
            payload,
            options: self.into_options(now)?,
        };
        job.check()?;
        Ok(job)
    }

    fn into_options(self, now: Timestamp) -> Reply<JobOptions> {
        let delay = duration_or_none("delay_s", self.delay_s)?;
        let run_at = match (self.run_at, delay) {
            (Some(_), Some(_)) => {
                return Err(Refusal::invalid(
                    "run_at and delay_s are both given; give one",
                ));
            }
            (run_at, delay) => run_at.or_else(|| delay.map(|delay| now.plus(delay))),
        };
        Ok(JobOptions {
            priority: self.priority.unwrap_or_default(),
            run_at,
            group: self.group.map(Label::new).transpose()?,
            key: self.key.map(Label::new).transpose()?,
            retry: self.retry.map(RetrySettings::into_policy).transpose()?,
            deadline: self.deadline,
            idempotency_key: self.idempotency_key,
            unique: self.unique.map(UniqueRequest::into_unique).transpose()?,
            result_ttl: duration_or_none("result_ttl_s", self.result_ttl_s)?,
            headers: self.headers,
            after: self.after.into_iter().map(Into::into).collect(),
            on_dead_child: self.on_dead_child.into(),
        })
    }
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self::of(&RetryPolicy::default())
    }
}

impl RetrySettings {
    pub(in crate::api) fn of(policy: &RetryPolicy) -> Self {
        Self {
            attempts: policy.attempts,
            first_s: policy.backoff.first.as_secs_f64(),
            factor: policy.backoff.factor,
            max_s: policy.backoff.max.as_secs_f64(),
            jitter: policy.backoff.jitter,
        }
    }

    pub(in crate::api) fn into_policy(self) -> Reply<RetryPolicy> {
        Ok(RetryPolicy {
            attempts: self.attempts,
            backoff: Backoff {
                first: duration("retry.first_s", self.first_s)?,
                factor: self.factor,
                max: duration("retry.max_s", self.max_s)?,
                jitter: self.jitter,
            },
        })
    }

    /// The default policy with this many attempts.
    pub(in crate::api) fn attempts(attempts: u32) -> Self {
        Self {
            attempts,
            ..Self::default()
        }
    }
}

impl UniqueRequest {
    fn into_unique(self) -> Reply<Unique> {
        let time = duration_or_none("unique.for_s", self.for_s)?;
        let mode = match (self.mode, time) {
            (UniqueModeName::For, Some(time)) => UniqueMode::For(time),
            (UniqueModeName::For, None) => {
                return Err(Refusal::invalid("unique.for_s is missing: say how long"));
            }
            (_, Some(_)) => {
                return Err(Refusal::invalid(
                    "unique.for_s is given, but unique.mode is not \"for\"",
                ));
            }
            (UniqueModeName::UntilFinished, None) => UniqueMode::UntilFinished,
            (UniqueModeName::UntilClaimed, None) => UniqueMode::UntilClaimed,
            (UniqueModeName::Replace, None) => UniqueMode::Replace,
        };
        Ok(Unique {
            key: self.key,
            mode,
        })
    }
}

impl From<AfterRequest> for Dependency {
    fn from(after: AfterRequest) -> Self {
        match after {
            AfterRequest::Job(id) => Self::Job(JobId(id)),
            AfterRequest::InBatch(index) => Self::InBatch(index),
        }
    }
}

impl From<OnDeadChildName> for OnDeadChild {
    fn from(name: OnDeadChildName) -> Self {
        match name {
            OnDeadChildName::Wait => Self::Wait,
            OnDeadChildName::Ignore => Self::Ignore,
            OnDeadChildName::Die => Self::Die,
        }
    }
}
