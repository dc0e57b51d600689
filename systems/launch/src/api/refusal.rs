use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portique_fault::Report;

use crate::Error;

/// An error on its way to the front door, which gives it its status and body.
#[derive(Debug)]
pub struct Refusal(Report);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(Report::from(&error))
    }
}

impl From<Report> for Refusal {
    fn from(report: Report) -> Self {
        Self(report)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self.0);
        response
    }
}
