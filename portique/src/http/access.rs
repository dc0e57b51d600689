use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use portique_access::Who;
use portique_fault::{Code, Report};

use super::streams::is_stream;
use super::{Front, problem};
use crate::access::{self, Admitted, Asked, Needs, Peer};

/// Lets pass whom the gate lets pass, and says to handlers who it is.
pub(super) async fn require<F: Future<Output = Response>>(
    front: &Front,
    mut request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let Some(route) = request.extensions().get::<MatchedPath>().cloned() else {
        // There is nothing, which whoever asks is told.
        return next(request).await;
    };
    let peer = request.extensions().get::<Peer>();
    let (needs, does) = access::route(request.method(), route.as_str());
    let asked = Asked {
        needs,
        does,
        path: request.uri().path(),
        method: request.method().as_str(),
        route: route.as_str(),
        headers: request.headers(),
        is_change: !request.method().is_safe(),
        peer: peer.map(|peer| peer.0),
    };
    match front.gate.pass(&asked) {
        Ok(visit) => {
            let deed = front.gate.deed(&asked, &visit);
            let headers = request.headers();
            // Whatever is a stream is asked for by GET.
            let follows = request.method() == Method::GET && visit.caller.who != Who::Nobody;
            let shown = follows.then(|| front.gate.credentials(headers));
            let (needs, method) = (asked.needs, request.method().clone());
            request.extensions_mut().insert(visit.clone());
            let answer = next(request).await;
            if let Some(deed) = deed {
                deed.answered(&answer);
            }
            if let Some(reason) = denied(&answer) {
                let action = format!("{method} {}", route.as_str());
                front.gate.refused_within(does, &visit, &action, reason);
            }
            match (shown, needs) {
                (Some(shown), Needs::Permission(needed)) if is_stream(&answer) => {
                    let gate = front.gate.clone();
                    let is_still = move || gate.still_admits(needed, &shown);
                    answer.map(|body| Body::new(Admitted::new(body, is_still)))
                }
                _ => answer,
            }
        }
        Err(report) => problem::refuse(report.code, report.message),
    }
}

/// Why the part that was asked does not let whoever asks do this, if that is its answer.
fn denied(answer: &Response) -> Option<&str> {
    match answer.extensions().get::<Report>() {
        Some(report) if report.code == Code::PermissionDenied => Some(&report.message),
        Some(_) => None,
        None if answer.status() == StatusCode::FORBIDDEN => Some("answered 403"),
        None => None,
    }
}
