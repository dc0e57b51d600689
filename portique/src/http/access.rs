use axum::extract::{MatchedPath, Request};
use axum::response::Response;

use super::{Front, problem};
use crate::access::{Asked, Needs, Peer};

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
    let asked = Asked {
        needs: Needs::of(request.method(), route.as_str()),
        method: request.method().as_str(),
        route: route.as_str(),
        headers: request.headers(),
        is_change: !request.method().is_safe(),
        peer: peer.map(|peer| peer.0),
    };
    match front.gate.pass(&asked) {
        Ok(visit) => {
            request.extensions_mut().insert(visit);
            next(request).await
        }
        Err(report) => problem::refuse(report.code, report.message),
    }
}
