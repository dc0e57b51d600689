//! The ports' errors as messages, so that a caller over the wire can act on them as one in the
//! hub's process.
//!
//! A word that the ports keep as static text and this crate does not know is told in the text beside
//! it: the code of the error stays the same.

mod bus;
mod jobs;

#[cfg(test)]
mod tests;

pub use bus::NotUnderstood;

use portique_fault::{Code, Fault, Report};
use tonic::{Code as GrpcCode, Status};

use crate::proto::{bus::v1 as bus_pb, jobs::v1 as jobs_pb};
use crate::status;

/// A bus' error as the status of a call.
pub fn bus_status(error: &portique_bus::Error) -> Status {
    status::status_with(&Report::from(error), &bus_pb::Refusal::from(error))
}

/// The queues' error as the status of a call.
pub fn jobs_status(error: &portique_jobs::Error) -> Status {
    status::status_with(&Report::from(error), &jobs_pb::Refusal::from(error))
}

impl From<&portique_bus::Error> for bus_pb::Failure {
    fn from(error: &portique_bus::Error) -> Self {
        Self {
            code: number(error.code()),
            message: portique_fault::chain(error),
            retry_after_ms: status::retry_after_ms(error.retry()),
            refusal: Some(error.into()),
        }
    }
}

impl From<&portique_jobs::Error> for jobs_pb::Failure {
    fn from(error: &portique_jobs::Error) -> Self {
        Self {
            code: number(error.code()),
            message: portique_fault::chain(error),
            retry_after_ms: status::retry_after_ms(error.retry()),
            refusal: Some(error.into()),
        }
    }
}

impl From<&Report> for bus_pb::Failure {
    fn from(report: &Report) -> Self {
        Self {
            code: number(report.code),
            message: report.message.clone(),
            retry_after_ms: status::retry_after_ms(report.retry),
            refusal: None,
        }
    }
}

impl From<&Report> for jobs_pb::Failure {
    fn from(report: &Report) -> Self {
        Self {
            code: number(report.code),
            message: report.message.clone(),
            retry_after_ms: status::retry_after_ms(report.retry),
            refusal: None,
        }
    }
}

impl From<bus_pb::Failure> for portique_bus::Error {
    fn from(failure: bus_pb::Failure) -> Self {
        let known = failure.refusal.and_then(|refusal| refusal.try_into().ok());
        known.unwrap_or_else(|| {
            let code = GrpcCode::from_i32(failure.code.cast_signed());
            bus::without_refusal(code, failure.message)
        })
    }
}

impl From<jobs_pb::Failure> for portique_jobs::Error {
    fn from(failure: jobs_pb::Failure) -> Self {
        let known = failure.refusal.and_then(|refusal| refusal.try_into().ok());
        known.unwrap_or_else(|| {
            let code = GrpcCode::from_i32(failure.code.cast_signed());
            jobs::without_refusal(code, failure.message)
        })
    }
}

/// The bus' error in a status that the hub answered with.
pub(crate) fn bus_error(status: &Status) -> portique_bus::Error {
    let refusal = status::refusal_of::<bus_pb::Refusal>(status);
    let known = refusal.and_then(|refusal| refusal.try_into().ok());
    known.unwrap_or_else(|| bus::without_refusal(status.code(), status.message().into()))
}

/// The queues' error in a status that the hub answered with.
pub(crate) fn jobs_error(status: &Status) -> portique_jobs::Error {
    let refusal = status::refusal_of::<jobs_pb::Refusal>(status);
    let known = refusal.and_then(|refusal| refusal.try_into().ok());
    known.unwrap_or_else(|| jobs::without_refusal(status.code(), status.message().into()))
}

fn number(code: Code) -> u32 {
    i32::from(status::grpc_code(code)).unsigned_abs()
}
