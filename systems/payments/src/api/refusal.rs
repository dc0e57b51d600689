use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portique_fault::Report;

use crate::Error;

/// An error on its way to the front door, which gives it its status and body.
#[derive(Debug)]
pub struct Refusal {
    report: Report,
    /// None leaves it to the front door.
    status: Option<StatusCode>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let is_too_large = matches!(error, Error::TooLarge { .. });
        Self {
            report: Report::from(&error),
            status: is_too_large.then_some(StatusCode::PAYLOAD_TOO_LARGE),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(self.report);
        response
    }
}
