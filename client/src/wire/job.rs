use portique_jobs::{
    Backoff, DeadFilter, DeadLetter, Dependency, Enqueued, Error, JobFilter, JobId, JobKind,
    JobOptions, Label, NewJob, OnDeadChild, Payload, QueueName, RetryPolicy, Unique, UniqueMode,
};

use super::{count, duration, nanos, time};
use crate::proto::jobs::v1 as pb;

/// A part that a message must have.
pub(super) fn absent(name: &'static str) -> Error {
    invalid(name, "absent: write it")
}

pub(super) fn invalid(name: &'static str, problem: impl Into<String>) -> Error {
    Error::InvalidOption {
        name,
        problem: problem.into(),
    }
}

pub(crate) fn label(text: Option<String>) -> Result<Option<Label>, Error> {
    text.map(Label::new).transpose()
}

pub(super) fn text(label: Option<&Label>) -> Option<String> {
    label.map(Label::to_string)
}

impl From<Payload> for pb::Payload {
    fn from(payload: Payload) -> Self {
        Self {
            content_type: payload.content_type,
            body: payload.body,
        }
    }
}

impl From<pb::Payload> for Payload {
    fn from(payload: pb::Payload) -> Self {
        Self {
            content_type: payload.content_type,
            body: payload.body,
        }
    }
}

impl From<NewJob> for pb::NewJob {
    fn from(job: NewJob) -> Self {
        let is_plain = job.options == JobOptions::default();
        Self {
            queue: job.queue.to_string(),
            kind: job.kind.to_string(),
            payload: Some(job.payload.into()),
            options: (!is_plain).then(|| job.options.into()),
        }
    }
}

impl TryFrom<pb::NewJob> for NewJob {
    type Error = Error;

    fn try_from(job: pb::NewJob) -> Result<Self, Error> {
        Ok(Self {
            queue: QueueName::new(job.queue)?,
            kind: JobKind::new(job.kind)?,
            payload: job.payload.ok_or_else(|| absent("payload"))?.into(),
            options: match job.options {
                Some(options) => options.try_into()?,
                None => JobOptions::default(),
            },
        })
    }
}

impl From<JobOptions> for pb::JobOptions {
    fn from(options: JobOptions) -> Self {
        let on_dead_child = match options.on_dead_child {
            OnDeadChild::Wait => pb::OnDeadChild::Wait,
            OnDeadChild::Ignore => pb::OnDeadChild::Ignore,
            OnDeadChild::Die => pb::OnDeadChild::Die,
        };
        Self {
            priority: options.priority.into(),
            run_at_unix_ns: options.run_at.map(|at| at.as_nanos()),
            group: text(options.group.as_ref()),
            key: text(options.key.as_ref()),
            retry: options.retry.map(Into::into),
            deadline_unix_ns: options.deadline.map(|at| at.as_nanos()),
            idempotency_key: options.idempotency_key,
            unique: options.unique.map(Into::into),
            result_ttl_ns: options.result_ttl.map(nanos),
            headers: options.headers,
            after: options.after.into_iter().map(Into::into).collect(),
            on_dead_child: on_dead_child.into(),
        }
    }
}

impl TryFrom<pb::JobOptions> for JobOptions {
    type Error = Error;

    fn try_from(options: pb::JobOptions) -> Result<Self, Error> {
        let priority = i16::try_from(options.priority).map_err(|_| {
            let problem = format!("{}: write -32,768 to 32,767", options.priority);
            invalid("priority", problem)
        })?;
        let on_dead_child = match pb::OnDeadChild::try_from(options.on_dead_child) {
            Ok(pb::OnDeadChild::Wait) => OnDeadChild::Wait,
            Ok(pb::OnDeadChild::Ignore) => OnDeadChild::Ignore,
            Ok(pb::OnDeadChild::Die) => OnDeadChild::Die,
            Err(unknown) => return Err(unknown_choice("on_dead_child", unknown)),
        };
        let after = options.after.into_iter().map(TryInto::try_into);
        Ok(Self {
            priority,
            run_at: options.run_at_unix_ns.map(time),
            group: label(options.group)?,
            key: label(options.key)?,
            retry: options.retry.map(Into::into),
            deadline: options.deadline_unix_ns.map(time),
            idempotency_key: options.idempotency_key,
            unique: options.unique.map(TryInto::try_into).transpose()?,
            result_ttl: options.result_ttl_ns.map(duration),
            headers: options.headers,
            after: after.collect::<Result<_, Error>>()?,
            on_dead_child,
        })
    }
}

pub(super) fn unknown_choice(name: &'static str, unknown: prost::UnknownEnumValue) -> Error {
    invalid(name, format!("none that is known: {unknown}"))
}

impl From<RetryPolicy> for pb::RetryPolicy {
    fn from(policy: RetryPolicy) -> Self {
        Self {
            attempts: policy.attempts,
            first_ns: nanos(policy.backoff.first),
            factor: policy.backoff.factor,
            max_ns: nanos(policy.backoff.max),
            jitter: policy.backoff.jitter,
        }
    }
}

impl From<pb::RetryPolicy> for RetryPolicy {
    fn from(policy: pb::RetryPolicy) -> Self {
        Self {
            attempts: policy.attempts,
            backoff: Backoff {
                first: duration(policy.first_ns),
                factor: policy.factor,
                max: duration(policy.max_ns),
                jitter: policy.jitter,
            },
        }
    }
}

impl From<Unique> for pb::Unique {
    fn from(unique: Unique) -> Self {
        use pb::unique::Mode;
        let mode = match unique.mode {
            UniqueMode::UntilFinished => Mode::UntilFinished(pb::Done {}),
            UniqueMode::UntilClaimed => Mode::UntilClaimed(pb::Done {}),
            UniqueMode::Replace => Mode::Replace(pb::Done {}),
            UniqueMode::For(time) => Mode::ForNs(nanos(time)),
        };
        Self {
            key: unique.key,
            mode: Some(mode),
        }
    }
}

impl TryFrom<pb::Unique> for Unique {
    type Error = Error;

    fn try_from(unique: pb::Unique) -> Result<Self, Error> {
        use pb::unique::Mode;
        let mode = match unique.mode.ok_or_else(|| absent("unique.mode"))? {
            Mode::UntilFinished(_) => UniqueMode::UntilFinished,
            Mode::UntilClaimed(_) => UniqueMode::UntilClaimed,
            Mode::Replace(_) => UniqueMode::Replace,
            Mode::ForNs(time) => UniqueMode::For(duration(time)),
        };
        Ok(Self {
            key: unique.key,
            mode,
        })
    }
}

impl From<Dependency> for pb::Dependency {
    fn from(dependency: Dependency) -> Self {
        use pb::dependency::Job;
        let job = match dependency {
            Dependency::Job(id) => Job::Id(id.0),
            Dependency::InBatch(place) => Job::InBatch(place as u64),
        };
        Self { job: Some(job) }
    }
}

impl TryFrom<pb::Dependency> for Dependency {
    type Error = Error;

    fn try_from(dependency: pb::Dependency) -> Result<Self, Error> {
        use pb::dependency::Job;
        Ok(match dependency.job.ok_or_else(|| absent("after"))? {
            Job::Id(id) => Self::Job(JobId(id)),
            // What does not fit is no place of any batch either.
            Job::InBatch(place) => Self::InBatch(usize::try_from(place).unwrap_or(usize::MAX)),
        })
    }
}

impl From<Enqueued> for pb::Enqueued {
    fn from(enqueued: Enqueued) -> Self {
        Self {
            id: enqueued.id.0,
            is_new: enqueued.is_new,
        }
    }
}

impl From<pb::Enqueued> for Enqueued {
    fn from(enqueued: pb::Enqueued) -> Self {
        Self {
            id: JobId(enqueued.id),
            is_new: enqueued.is_new,
        }
    }
}

impl From<JobFilter> for pb::ListJobsRequest {
    fn from(filter: JobFilter) -> Self {
        Self {
            queue: filter.queue.to_string(),
            state: filter.state,
            after: filter.after.map(|id| id.0),
            limit: count(filter.limit),
        }
    }
}

impl TryFrom<pb::ListJobsRequest> for JobFilter {
    type Error = Error;

    fn try_from(request: pb::ListJobsRequest) -> Result<Self, Error> {
        Ok(Self {
            queue: QueueName::new(request.queue)?,
            state: request.state,
            after: request.after.map(JobId),
            limit: request.limit as usize,
        })
    }
}

impl From<DeadFilter> for pb::ListDeadRequest {
    fn from(filter: DeadFilter) -> Self {
        Self {
            queue: filter.queue.map(|queue| queue.to_string()),
            after: filter.after.map(|id| id.0),
            limit: count(filter.limit),
        }
    }
}

impl TryFrom<pb::ListDeadRequest> for DeadFilter {
    type Error = Error;

    fn try_from(request: pb::ListDeadRequest) -> Result<Self, Error> {
        Ok(Self {
            queue: request.queue.map(QueueName::new).transpose()?,
            after: request.after.map(JobId),
            limit: request.limit as usize,
        })
    }
}

impl From<DeadLetter> for pb::DeadLetter {
    fn from(letter: DeadLetter) -> Self {
        Self {
            id: letter.id.0,
            queue: letter.queue.to_string(),
            kind: letter.kind.map(|kind| kind.to_string()),
            payload: letter.payload.map(Into::into),
            at_unix_ns: letter.at.as_nanos(),
            reason: letter.reason,
            failures: letter.failures,
            losses: letter.losses,
            redrives: letter.redrives,
        }
    }
}

impl TryFrom<pb::DeadLetter> for DeadLetter {
    type Error = Error;

    fn try_from(letter: pb::DeadLetter) -> Result<Self, Error> {
        Ok(Self {
            id: JobId(letter.id),
            queue: QueueName::new(letter.queue)?,
            kind: letter.kind.map(JobKind::new).transpose()?,
            payload: letter.payload.map(Into::into),
            at: time(letter.at_unix_ns),
            reason: letter.reason,
            failures: letter.failures,
            losses: letter.losses,
            redrives: letter.redrives,
        })
    }
}
