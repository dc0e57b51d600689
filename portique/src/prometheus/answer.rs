//! Prometheus' envelope around answers and refusals.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use portique_promql::{Annotations, Level};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::http::Fixed;

/// Annotations of each level that an answer lists; the others are counted.
const NOTES_MAX: usize = 10;
/// What the language says, as Prometheus does, of how to switch on what is experimental; and what
/// does so here.
const FLAG: &str = "--enable-feature=promql-experimental-functions";
const KEY: &str = "query.experimental = true in the hub's configuration";
/// Says that a limit which was asked for has cut something off.
pub(super) const TRUNCATED: &str = "results truncated due to limit";

/// What is answered: JSON, and what was noticed on the way.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) data: String,
    pub(super) warnings: Vec<String>,
    pub(super) infos: Vec<String>,
}

impl Answer {
    /// JSON that is written already.
    pub(super) fn written(data: String) -> Self {
        Self {
            data,
            warnings: Vec::new(),
            infos: Vec::new(),
        }
    }

    /// A value as JSON.
    pub(super) fn of(data: &impl Serialize) -> Self {
        let data = serde_json::to_string(data).expect("plain values are JSON");
        Self::written(data)
    }

    /// Adds the annotations of a query.
    pub(super) fn with_notes(mut self, notes: &Annotations, query: &str) -> Self {
        self.warnings.extend(listed(notes, Level::Warning, query));
        self.infos.extend(listed(notes, Level::Info, query));
        self
    }

    /// Adds that a limit has cut something off, if it has.
    pub(super) fn truncated(mut self, is_truncated: bool) -> Self {
        if is_truncated {
            self.warnings.push(TRUNCATED.to_owned());
        }
        self
    }
}

fn listed(notes: &Annotations, level: Level, query: &str) -> Vec<String> {
    let mut texts = notes.texts(level, query);
    if let Some(omitted @ 1..) = texts.len().checked_sub(NOTES_MAX) {
        let name = match level {
            Level::Warning => "warning",
            Level::Info => "info",
        };
        texts.truncate(NOTES_MAX);
        texts.push(format!("{omitted} more {name} annotations omitted"));
    }
    texts
}

/// The envelope; fields that are absent are left out.
#[derive(Serialize)]
struct Envelope<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(rename = "errorType", skip_serializing_if = "Option::is_none")]
    error_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    infos: &'a [String],
}

fn respond(status: StatusCode, envelope: &Envelope<'_>) -> Response {
    let body = serde_json::to_string(envelope).expect("plain values are JSON");
    let headers = [(header::CONTENT_TYPE, "application/json")];
    let mut response = (status, headers, body).into_response();
    response.extensions_mut().insert(Fixed);
    response
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let data = RawValue::from_string(self.data).expect("answers are written as JSON");
        let envelope = Envelope {
            status: "success",
            data: Some(&data),
            error_type: None,
            error: None,
            warnings: &self.warnings,
            infos: &self.infos,
        };
        respond(StatusCode::OK, &envelope)
    }
}

/// What kind of refusal it is, with the status that Prometheus gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefusalKind {
    BadData,
    Execution,
    Timeout,
    Canceled,
    Internal,
    Unavailable,
}

impl RefusalKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::BadData => "bad_data",
            Self::Execution => "execution",
            Self::Timeout => "timeout",
            Self::Canceled => "canceled",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::BadData => StatusCode::BAD_REQUEST,
            Self::Execution => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Timeout | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            // The visitor is gone; Prometheus' word for it is the web server nginx's.
            Self::Canceled => StatusCode::from_u16(499).expect("499 is a status"),
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) kind: RefusalKind,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    pub(super) fn bad_data(message: impl Into<String>) -> Self {
        Self::new(RefusalKind::BadData, message)
    }

    /// A parameter that makes no sense.
    pub(super) fn parameter(name: &str, reason: impl std::fmt::Display) -> Self {
        Self::bad_data(format!("invalid parameter {name:?}: {reason}"))
    }

    pub(super) fn internal(error: &dyn std::error::Error) -> Self {
        Self::new(RefusalKind::Internal, portique_fault::chain(error))
    }

    /// Of a query, whose own mistakes are those of its parameter.
    pub(super) fn of_query(error: &portique_promql::Error) -> Self {
        use portique_promql::Error;
        let message = portique_fault::chain(error).replace(FLAG, KEY);
        let kind = match error {
            Error::Parse(_) => return Self::parameter("query", message),
            Error::BadParameter { .. } => RefusalKind::BadData,
            Error::Execution { .. } | Error::TooManySamples { .. } => RefusalKind::Execution,
            Error::TimedOut => RefusalKind::Timeout,
            Error::Canceled => RefusalKind::Canceled,
            Error::Source(_) => RefusalKind::Internal,
        };
        Self::new(kind, message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let envelope = Envelope {
            status: "error",
            data: None,
            error_type: Some(self.kind.as_str()),
            error: Some(&self.message),
            warnings: &[],
            infos: &[],
        };
        respond(self.kind.status(), &envelope)
    }
}
