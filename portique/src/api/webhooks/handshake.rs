//! Asking a receiver whether it wants events, so that nobody is flooded by a wrong address.
//!
//! Source: HTTP 1.1 Web Hooks for Event Delivery 1.0.1, section 4. The answer is awaited; a callback
//! later is not taken.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use portique_fault::Code;

use super::receiver::Receivers;
use crate::api::refusal::{Refusal, Reply};

/// Who asks; a hub has no name of its own that a receiver would know.
const ORIGIN: &str = "portique";
/// A receiver that is asked answers while somebody waits.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// # Errors
/// Failed precondition when the receiver does not allow events from here.
pub(super) async fn validate(receivers: &Receivers, url: &Uri) -> Reply<()> {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::OPTIONS;
    *request.uri_mut() = url.clone();
    request
        .headers_mut()
        .insert("webhook-request-origin", HeaderValue::from_static(ORIGIN));
    let answered = receivers.send(request, ANSWER_TIMEOUT).await;
    let allowed = answered.and_then(|(status, headers)| judge(status, &headers));
    allowed.map_err(|problem| {
        Refusal::new(
            Code::FailedPrecondition,
            format!("the receiver does not allow events: {problem}"),
        )
    })
}

fn judge(status: StatusCode, headers: &HeaderMap) -> Result<(), String> {
    if !status.is_success() {
        return Err(format!("it answered {status} to OPTIONS"));
    }
    match headers.get("webhook-allowed-origin") {
        Some(value) if value == "*" || value == ORIGIN => Ok(()),
        Some(value) => Err(format!(
            "its header webhook-allowed-origin is {value:?}, neither * nor {ORIGIN}"
        )),
        None => Err("its answer has no header webhook-allowed-origin".into()),
    }
}
