use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, Request, Uri};
use portique_clock::Timestamp;
use portique_event::Event;

use super::definition::ModeName;
use super::signature::Secret;
use crate::api::events::to_headers;

/// Who pushes.
const AGENT: &str = concat!("portique/", env!("CARGO_PKG_VERSION"));
/// The media type of the structured mode.
const STRUCTURED: &str = "application/cloudevents+json";
/// Carries a trace on, when the event has one.
const TRACE: &str = "traceparent";

/// One event on its way to a receiver.
pub(super) struct Push<'a> {
    pub(super) url: &'a Uri,
    pub(super) mode: ModeName,
    pub(super) secret: &'a Secret,
    /// The same for every push of one event to one webhook.
    pub(super) id: String,
    pub(super) event: &'a Event,
    pub(super) now: Timestamp,
}

impl Push<'_> {
    /// The signed request.
    pub(super) fn request(&self) -> Request<Body> {
        let (mut headers, body) = match self.mode {
            ModeName::Binary => to_headers(self.event),
            ModeName::Structured => structured(self.event),
        };
        let seconds = self.now.as_millis() / 1_000;
        let signature = self.secret.sign(&self.id, seconds, &body);
        let mut insert = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        insert("webhook-id", &self.id);
        insert("webhook-timestamp", &seconds.to_string());
        insert("webhook-signature", &signature);
        insert("idempotency-key", &self.id);
        if let Some(trace) = self.event.extension(TRACE) {
            insert(TRACE, trace);
        }
        insert("user-agent", AGENT);
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        *request.headers_mut() = headers;
        request
    }
}

fn structured(event: &Event) -> (HeaderMap, Vec<u8>) {
    let body = serde_json::to_vec(event).expect("an event is written as JSON with text keys");
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(STRUCTURED));
    (headers, body)
}
