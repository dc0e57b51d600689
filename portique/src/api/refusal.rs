use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portique_fault::{Code, Fault, Report, Retry};

/// What a handler of these routes returns.
pub(super) type Reply<T> = Result<T, Refusal>;

/// An error on its way to the front door, which gives it its body.
#[derive(Debug)]
pub(super) struct Refusal {
    report: Report,
    /// Instead of the status that the code stands for.
    status: Option<StatusCode>,
}

impl Refusal {
    pub(super) fn new(code: Code, message: String) -> Self {
        Self {
            report: Report {
                code,
                message,
                retry: Retry::No,
            },
            status: None,
        }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message.into())
    }

    /// A promise of an engine that was not kept.
    pub(super) fn internal(message: &str) -> Self {
        Self::new(Code::Internal, message.into())
    }

    /// Something needed is not there at the moment.
    pub(super) fn unavailable(message: String) -> Self {
        Self::new(Code::Unavailable, message)
    }

    /// What was sent is more than this route takes.
    pub(super) fn too_large(message: String) -> Self {
        Self {
            status: Some(StatusCode::PAYLOAD_TOO_LARGE),
            ..Self::new(Code::ResourceExhausted, message)
        }
    }

    pub(super) fn retry_after(mut self, retry: Retry) -> Self {
        self.report.retry = retry;
        self
    }

    /// Says where in what was sent, such as `line 3`.
    pub(super) fn at(mut self, place: impl std::fmt::Display) -> Self {
        self.report.message = format!("{place}: {}", self.report.message);
        self
    }

    /// Says more.
    pub(super) fn and(mut self, more: &str) -> Self {
        self.report.message.push_str(more);
        self
    }

    pub(super) fn message(&self) -> &str {
        &self.report.message
    }

    fn of(fault: &impl Fault, is_too_large: bool) -> Self {
        Self {
            report: Report::from(fault),
            status: is_too_large.then_some(StatusCode::PAYLOAD_TOO_LARGE),
        }
    }
}

impl From<portique_jobs::Error> for Refusal {
    fn from(error: portique_jobs::Error) -> Self {
        use portique_jobs::Error;
        match error {
            Error::Bus(error) => error.into(),
            error => {
                let is_too_large = matches!(
                    error,
                    Error::PayloadTooLarge { .. } | Error::BatchTooLarge { .. }
                );
                Self::of(&error, is_too_large)
            }
        }
    }
}

impl From<portique_access::Error> for Refusal {
    fn from(error: portique_access::Error) -> Self {
        Self::of(&error, false)
    }
}

impl From<portique_bus::Error> for Refusal {
    fn from(error: portique_bus::Error) -> Self {
        use portique_bus::Error;
        match error {
            Error::Event(error) => error.into(),
            error => Self::of(&error, matches!(error, Error::BatchTooLarge { .. })),
        }
    }
}

impl From<portique_event::Error> for Refusal {
    fn from(error: portique_event::Error) -> Self {
        let is_too_large = matches!(error, portique_event::Error::DataTooLarge { .. });
        Self::of(&error, is_too_large)
    }
}

impl From<Report> for Refusal {
    fn from(report: Report) -> Self {
        Self {
            report,
            status: None,
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
