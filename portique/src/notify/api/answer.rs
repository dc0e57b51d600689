use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portique_fault::{Code, Report, Retry};

use crate::http::Fixed;

/// Why there is no answer: a text, as Alertmanager says it.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    retry: Retry,
}

pub(super) type Reply<T> = Result<T, Refusal>;

impl Refusal {
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    /// Something is full for now.
    pub(super) fn busy(message: impl Into<String>) -> Self {
        Self {
            retry: Retry::After(std::time::Duration::from_secs(1)),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, message)
        }
    }

    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            retry: Retry::No,
        }
    }
}

impl From<Report> for Refusal {
    fn from(report: Report) -> Self {
        let status = match report.code {
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::InvalidArgument | Code::FailedPrecondition | Code::Conflict => {
                StatusCode::BAD_REQUEST
            }
            Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self {
            status,
            message: report.message,
            retry: report.retry,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.message)).into_response();
        if let Retry::After(wait) = self.retry {
            let seconds = wait.as_secs_f64().ceil() as u64;
            let headers = response.headers_mut();
            headers.insert(axum::http::header::RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(Fixed);
        response
    }
}
