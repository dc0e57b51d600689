use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::response::Response;
use tracing::Instrument;

use super::Metrics;
use super::metrics::RequestLabels;

/// Counts and times every request, and gives it a span.
pub(super) async fn measure<F: Future<Output = Response>>(
    metrics: &Metrics,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let method = method_label(request.method());
    // A path that leads nowhere is one label, or visitors could grow the metrics without end.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str);
    let route = route.to_owned();
    let span = tracing::debug_span!("request", method, path = request.uri().path());
    let in_flight = InFlight::new(metrics);
    let start = metrics.clock.monotonic();
    let response = next(request).instrument(span.clone()).await;
    drop(in_flight);
    let duration = metrics.clock.monotonic().saturating_sub(start);
    let status = response.status().as_u16();
    let labels = RequestLabels {
        method,
        route,
        status,
    };
    metrics.requests.answered(labels, duration);
    span.in_scope(|| tracing::debug!(status, ?duration, "answered"));
    response
}

/// The method when it is one of the standard's (RFC 9110, section 9.3, and PATCH of RFC 5789).
///
/// Visitors may make up others, and each would grow the metrics.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::CONNECT => "CONNECT",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        _ => "other",
    }
}

/// Takes itself off the gauge, also when the visitor hangs up.
struct InFlight<'a>(&'a Metrics);

impl<'a> InFlight<'a> {
    fn new(metrics: &'a Metrics) -> Self {
        metrics.requests.begun();
        Self(metrics)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.requests.ended();
    }
}
