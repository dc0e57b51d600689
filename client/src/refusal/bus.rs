use std::path::PathBuf;

use portique_bus::{CompactionName, ConsumerName, DeliveryToken, Error};
use portique_event::Filter;
use prost::Name;
use tonic::Code;

use crate::proto::bus::v1 as pb;
use crate::proto::bus::v1::refusal::Reason;
use crate::words;

impl Name for pb::Refusal {
    const NAME: &'static str = "Refusal";
    const PACKAGE: &'static str = "portique.bus.v1";
}

impl From<&Error> for pb::Refusal {
    fn from(error: &Error) -> Self {
        let reason = match error {
            Error::ConsumerName { text } => Reason::ConsumerName(text.clone()),
            Error::CompactionName { text } => Reason::CompactionName(text.clone()),
            Error::UnknownConsumer { name } => Reason::UnknownConsumer(name.to_string()),
            Error::UnknownCompaction { name } => Reason::UnknownCompaction(name.to_string()),
            Error::CompactionDiffers {
                name,
                existing,
                requested,
            } => Reason::CompactionDiffers(pb::CompactionDiffers {
                name: name.to_string(),
                existing: existing.as_str().into(),
                requested: requested.as_str().into(),
            }),
            Error::Unsupported { what } => Reason::Unsupported((*what).into()),
            Error::ConsumerDiffers {
                name,
                option,
                existing,
                requested,
            } => Reason::ConsumerDiffers(pb::ConsumerDiffers {
                name: name.to_string(),
                option: (*option).into(),
                existing: existing.clone(),
                requested: requested.clone(),
            }),
            Error::StaleDelivery { consumer, token } => Reason::StaleDelivery(pb::StaleDelivery {
                consumer: consumer.to_string(),
                token: token.0,
            }),
            Error::InvalidOption { name, problem } => {
                Reason::InvalidOption(invalid_option(name, problem))
            }
            Error::BatchTooLarge { given, max, unit } => {
                Reason::BatchTooLarge(too_large(*given, *max, unit))
            }
            Error::Exhausted { resource, remedy } => Reason::Exhausted(pb::Exhausted {
                resource: (*resource).into(),
                remedy: remedy.clone(),
            }),
            Error::Unavailable { reason } => Reason::Unavailable(reason.clone()),
            Error::InDoubt { reason } => Reason::InDoubt(reason.clone()),
            Error::Damaged {
                path,
                offset,
                problem,
            } => Reason::Damaged(pb::Damaged {
                path: path.display().to_string(),
                offset: *offset,
                problem: problem.clone(),
            }),
            Error::Event(error) => Reason::Event(invalid_event(error)),
        };
        Self {
            reason: Some(reason),
        }
    }
}

/// A refusal that says nothing this program understands.
#[derive(Debug, thiserror::Error)]
#[error("the hub refuses with a reason that this program does not know")]
pub struct NotUnderstood;

impl TryFrom<pb::Refusal> for Error {
    type Error = NotUnderstood;

    fn try_from(refusal: pb::Refusal) -> Result<Self, NotUnderstood> {
        Ok(match refusal.reason.ok_or(NotUnderstood)? {
            Reason::ConsumerName(text) => Self::ConsumerName { text },
            Reason::CompactionName(text) => Self::CompactionName { text },
            Reason::UnknownConsumer(name) => Self::UnknownConsumer {
                name: consumer(name)?,
            },
            Reason::UnknownCompaction(name) => Self::UnknownCompaction {
                name: compaction(name)?,
            },
            Reason::CompactionDiffers(differs) => Self::CompactionDiffers {
                name: compaction(differs.name)?,
                existing: filter(differs.existing)?,
                requested: filter(differs.requested)?,
            },
            Reason::Unsupported(what) => Self::Unsupported {
                what: words::known(&what).unwrap_or("this"),
            },
            Reason::ConsumerDiffers(differs) => Self::ConsumerDiffers {
                name: consumer(differs.name)?,
                option: words::known(&differs.option).unwrap_or("option"),
                existing: differs.existing,
                requested: differs.requested,
            },
            Reason::StaleDelivery(stale) => Self::StaleDelivery {
                consumer: consumer(stale.consumer)?,
                token: DeliveryToken(stale.token),
            },
            Reason::InvalidOption(option) => {
                let (name, problem) = option_parts(option);
                Self::InvalidOption { name, problem }
            }
            Reason::BatchTooLarge(batch) => {
                let (given, max, unit) = too_large_parts(&batch);
                Self::BatchTooLarge { given, max, unit }
            }
            Reason::Exhausted(exhausted) => {
                let (resource, remedy) = exhausted_parts(exhausted);
                Self::Exhausted { resource, remedy }
            }
            Reason::Unavailable(reason) => Self::Unavailable { reason },
            Reason::InDoubt(reason) => Self::InDoubt { reason },
            Reason::Damaged(damaged) => Self::Damaged {
                path: PathBuf::from(damaged.path),
                offset: damaged.offset,
                problem: damaged.problem,
            },
            Reason::Event(event) => Self::Event(event_error(event)?),
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

fn consumer(name: String) -> Result<ConsumerName, NotUnderstood> {
    ConsumerName::new(name).map_err(|_| NotUnderstood)
}

fn compaction(name: String) -> Result<CompactionName, NotUnderstood> {
    CompactionName::new(name).map_err(|_| NotUnderstood)
}

fn filter(text: String) -> Result<Filter, NotUnderstood> {
    Filter::new(text).map_err(|_| NotUnderstood)
}

pub(super) fn invalid_option(name: &str, problem: &str) -> pb::InvalidOption {
    pb::InvalidOption {
        name: name.into(),
        problem: problem.into(),
    }
}

pub(super) fn option_parts(option: pb::InvalidOption) -> (&'static str, String) {
    match words::known(&option.name) {
        Some(name) => (name, option.problem),
        None => (
            "the request",
            format!("refused: {} is {}", option.name, option.problem),
        ),
    }
}

pub(super) fn too_large(given: usize, max: usize, unit: &str) -> pb::BatchTooLarge {
    pb::BatchTooLarge {
        given: given as u64,
        max: max as u64,
        unit: unit.into(),
    }
}

pub(super) fn too_large_parts(batch: &pb::BatchTooLarge) -> (usize, usize, &'static str) {
    (
        size(batch.given),
        size(batch.max),
        words::known(&batch.unit).unwrap_or("entries"),
    )
}

pub(super) fn exhausted_parts(exhausted: pb::Exhausted) -> (&'static str, String) {
    match words::known(&exhausted.resource) {
        Some(resource) => (resource, exhausted.remedy),
        None => (
            "a resource",
            format!("{}: {}", exhausted.resource, exhausted.remedy),
        ),
    }
}

pub(super) fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn invalid_event(error: &portique_event::Error) -> pb::InvalidEvent {
    use pb::invalid_event::Reason;
    let reason = match error {
        portique_event::Error::Subject { text } => Reason::Subject(text.clone()),
        portique_event::Error::Attribute { name, problem } => {
            Reason::Attribute(invalid_option(name, problem))
        }
        portique_event::Error::TooManyExtensions { count, max } => {
            Reason::TooManyExtensions(too_large(*count, *max, "extensions"))
        }
        portique_event::Error::DataTooLarge { bytes, max } => {
            Reason::DataTooLarge(too_large(*bytes, *max, "bytes"))
        }
    };
    pb::InvalidEvent {
        reason: Some(reason),
    }
}

fn event_error(event: pb::InvalidEvent) -> Result<portique_event::Error, NotUnderstood> {
    use pb::invalid_event::Reason;
    Ok(match event.reason.ok_or(NotUnderstood)? {
        Reason::Subject(text) => portique_event::Error::Subject { text },
        Reason::Attribute(option) => portique_event::Error::Attribute {
            name: option.name,
            problem: option.problem,
        },
        Reason::TooManyExtensions(many) => portique_event::Error::TooManyExtensions {
            count: size(many.given),
            max: size(many.max),
        },
        Reason::DataTooLarge(large) => portique_event::Error::DataTooLarge {
            bytes: size(large.given),
            max: size(large.max),
        },
    })
}
