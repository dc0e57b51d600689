//! The HTTP edge: every route, and what every request passes through.
//!
//! From the outside in: count and trace, turn every error into problem details, limit the time,
//! ask the gate whether whoever asks may, limit the body. All of that is one
//! layer ([`pass`]): each layer of its own would box the request's way once more, which small
//! requests feel.

mod access;
mod connections;
mod conversation;
mod deadline;
mod health;
mod holding;
mod measure;
mod metrics;
mod openapi;
mod problem;
mod public;
mod streams;
mod under_way;
mod version;

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::Response;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use connections::{HEADER_READ_TIMEOUT, Patience, serve};
pub(crate) use health::{Part, PartState, Readiness};
pub(crate) use metrics::{
    Ask, Durations, Family, Figure, LabelledFigure, LabelledHistogram, Labels, Metrics, Samples,
    Source, Value,
};
pub use problem::ProblemDetails;
pub(crate) use problem::{Fixed, status};
pub(crate) use public::Public;

use crate::access::Gate;
use crate::data_folder::Addresses;

/// Largest request body: what it asks for is kept as one event, which holds 896 KiB; a recorded
/// flight of ten minutes at 30 Hz has less than that. Anything larger could only fail later.
const BODY_BYTES_MAX: usize = 1 << 20;
/// An answer is what its content type says and nothing else.
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Data runs nothing, loads nothing and is held by no frame.
const NO_PAGE: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// Browsers that came over TLS come over nothing else for a year (RFC 6797).
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What the front door's own handlers and layers need.
pub(crate) struct Front {
    /// Who may do what.
    pub(crate) gate: Gate,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) addresses: Addresses,
    /// Places for those who follow without a sign-in.
    pub(crate) public: Public,
    /// Ends the streams that would otherwise never end.
    pub(crate) stop: CancellationToken,
    /// Known once all routes are.
    pub(crate) document: OnceLock<openapi::Document>,
}

/// Everything the hub serves: the front door's own routes, and those of its systems.
pub(crate) fn router(front: Front, systems: OpenApiRouter) -> Router {
    let front = Arc::new(front);
    let own = OpenApiRouter::with_openapi(openapi::introduction())
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::metrics))
        .routes(routes!(version::version))
        .routes(routes!(openapi::openapi_json))
        .with_state(front.clone());
    let (router, document) = own.merge(systems).split_for_parts();
    let document = openapi::complete(document);
    let document = openapi::Document::new(&document);
    front
        .document
        .set(document)
        .expect("routes are put together once");
    router
        .fallback(problem::no_such_route)
        .layer(middleware::from_fn_with_state(front, pass))
}

/// What every request passes through.
async fn pass(State(front): State<Arc<Front>>, mut request: Request, next: Next) -> Response {
    DefaultBodyLimit::max(BODY_BYTES_MAX).apply(&mut request);
    let admitted = |request| access::require(&front, request, |request| next.run(request));
    let limit = deadline::ANSWER_TIMEOUT;
    let in_time = |request| deadline::limit_time(limit, request, admitted);
    let rendered = |request| problem::render(request, in_time);
    let ending = |request| streams::end_with_the_hub(&front.stop, request, rendered);
    let mut response = measure::measure(&front.metrics, request, ending).await;
    harden(response.headers_mut(), front.gate.is_over_tls());
    response
}

/// What a browser must not make of an answer: no page of data, whatever somebody wrote into it.
fn harden(headers: &mut HeaderMap, is_over_tls: bool) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
    // Pages have a policy of their own.
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(NO_PAGE);
    // What is answered is of the moment, and some of it is a secret; files of the console say how long they are good.
    headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
    if is_over_tls {
        headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
    }
}
