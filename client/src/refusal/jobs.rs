use portique_jobs::{Error, JobId, QueueName};
use prost::Name;
use tonic::Code;

use super::bus::{
    NotUnderstood, exhausted_parts, invalid_option, option_parts, size, too_large, too_large_parts,
};
use crate::proto::bus::v1 as bus;
use crate::proto::jobs::v1 as pb;
use crate::proto::jobs::v1::refusal::Reason;
use crate::words;

impl Name for pb::Refusal {
    const NAME: &'static str = "Refusal";
    const PACKAGE: &'static str = "portique.jobs.v1";
}

impl From<&Error> for pb::Refusal {
    fn from(error: &Error) -> Self {
        Self {
            reason: Some(reason(error)),
        }
    }
}

fn reason(error: &Error) -> Reason {
    match error {
        Error::Name { what, text, rule } => Reason::Name(invalid_name(what, text, rule)),
        Error::InvalidOption { name, problem } => {
            Reason::InvalidOption(invalid_option(name, problem))
        }
        Error::PayloadTooLarge { given, max } => {
            Reason::PayloadTooLarge(too_large(*given, *max, "bytes"))
        }
        Error::BatchTooLarge { given, max, unit } => {
            Reason::BatchTooLarge(too_large(*given, *max, unit))
        }
        Error::UnknownQueue { queue } => Reason::UnknownQueue(queue.to_string()),
        Error::OwnedQueue { queue } => Reason::OwnedQueue(queue.to_string()),
        Error::UnknownJob { id } => Reason::UnknownJob(id.0),
        Error::UnknownName { what, name } => Reason::UnknownName(invalid_name(what, name, "")),
        Error::QueueNotEmpty { queue, jobs } => Reason::QueueNotEmpty(limit(queue, *jobs)),
        Error::QueueFull { queue, max } => Reason::QueueFull(limit(queue, *max)),
        Error::Draining { queue } => Reason::Draining(queue.to_string()),
        Error::KeyConflict { key, existing } => Reason::KeyConflict(pb::KeyConflict {
            key: key.clone(),
            existing: existing.map(|id| id.0),
        }),
        Error::StaleLease { lease } => Reason::StaleLease((*lease).into()),
        Error::WrongState { id, state, rule } => Reason::WrongState(pb::WrongState {
            id: id.0,
            state: (*state).into(),
            rule: (*rule).into(),
        }),
        Error::Unsupported { what } => Reason::Unsupported((*what).into()),
        Error::Exhausted { resource, remedy } => Reason::Exhausted(bus::Exhausted {
            resource: (*resource).into(),
            remedy: remedy.clone(),
        }),
        Error::Unavailable { reason } => Reason::Unavailable(reason.clone()),
        Error::InDoubt { reason } => Reason::InDoubt(reason.clone()),
        Error::Bus(error) => Reason::Bus(error.into()),
    }
}

impl TryFrom<pb::Refusal> for Error {
    type Error = NotUnderstood;

    fn try_from(refusal: pb::Refusal) -> Result<Self, NotUnderstood> {
        Ok(match refusal.reason.ok_or(NotUnderstood)? {
            Reason::Name(name) => name_error(name),
            Reason::InvalidOption(option) => {
                let (name, problem) = option_parts(option);
                Self::InvalidOption { name, problem }
            }
            Reason::PayloadTooLarge(large) => Self::PayloadTooLarge {
                given: size(large.given),
                max: size(large.max),
            },
            Reason::BatchTooLarge(batch) => {
                let (given, max, unit) = too_large_parts(&batch);
                Self::BatchTooLarge { given, max, unit }
            }
            Reason::UnknownQueue(name) => Self::UnknownQueue {
                queue: queue(name)?,
            },
            Reason::OwnedQueue(name) => Self::OwnedQueue {
                queue: queue(name)?,
            },
            Reason::UnknownJob(id) => Self::UnknownJob { id: JobId(id) },
            Reason::UnknownName(name) => Self::UnknownName {
                what: words::known(&name.what).unwrap_or("thing called"),
                name: name.text,
            },
            Reason::QueueNotEmpty(limit) => Self::QueueNotEmpty {
                queue: queue(limit.queue)?,
                jobs: limit.jobs,
            },
            Reason::QueueFull(limit) => Self::QueueFull {
                queue: queue(limit.queue)?,
                max: limit.jobs,
            },
            Reason::Draining(name) => Self::Draining {
                queue: queue(name)?,
            },
            Reason::KeyConflict(conflict) => Self::KeyConflict {
                key: conflict.key,
                existing: conflict.existing.map(JobId),
            },
            Reason::StaleLease(lease) => Self::StaleLease {
                lease: lease.into(),
            },
            Reason::WrongState(wrong) => Self::WrongState {
                id: JobId(wrong.id),
                state: words::state(&wrong.state),
                rule: words::known(&wrong.rule).unwrap_or("see its state first"),
            },
            Reason::Unsupported(what) => Self::Unsupported {
                what: words::known(&what).unwrap_or("this"),
            },
            Reason::Exhausted(exhausted) => {
                let (resource, remedy) = exhausted_parts(exhausted);
                Self::Exhausted { resource, remedy }
            }
            Reason::Unavailable(reason) => Self::Unavailable { reason },
            Reason::InDoubt(reason) => Self::InDoubt { reason },
            Reason::Bus(refusal) => Self::Bus(refusal.try_into()?),
        })
    }
}

/// The error for a status that carries no refusal: from what stands before the engine.
pub(super) fn without_refusal(code: Code, message: String) -> Error {
    match code {
        Code::InvalidArgument | Code::OutOfRange | Code::NotFound | Code::FailedPrecondition => {
            Error::InvalidOption {
                name: "request",
                problem: format!("refused: {message}"),
            }
        }
        Code::Unauthenticated | Code::PermissionDenied => Error::InvalidOption {
            name: "authorization",
            problem: format!("refused: {message}"),
        },
        Code::ResourceExhausted => Error::Exhausted {
            resource: "room in the hub",
            remedy: message,
        },
        Code::Unimplemented => Error::Unsupported { what: "this" },
        Code::Unavailable => Error::Unavailable { reason: message },
        _ => Error::InDoubt {
            reason: format!("{code:?}: {message}"),
        },
    }
}

/// A name that breaks its rule: what the rule is, this program knows as well as the hub.
fn name_error(name: pb::InvalidName) -> Error {
    match (words::known(&name.what), words::known(&name.rule)) {
        (Some(what), Some(rule)) => Error::Name {
            what,
            text: name.text,
            rule,
        },
        _ => Error::InvalidOption {
            name: "name",
            problem: format!("{:?}, no {}: {}", name.text, name.what, name.rule),
        },
    }
}

fn invalid_name(what: &str, text: &str, rule: &str) -> pb::InvalidName {
    pb::InvalidName {
        what: what.into(),
        text: text.into(),
        rule: rule.into(),
    }
}

fn limit(queue: &QueueName, jobs: u64) -> pb::QueueLimit {
    pb::QueueLimit {
        queue: queue.to_string(),
        jobs,
    }
}

fn queue(name: String) -> Result<QueueName, NotUnderstood> {
    QueueName::new(name).map_err(|_| NotUnderstood)
}
