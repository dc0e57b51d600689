use axum::extract::{MatchedPath, Request};
use axum::response::Response;

use super::{Front, problem};
use crate::access::{self, Asked, Peer};

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
            request.extensions_mut().insert(visit);
            let response = next(request).await;
            if let Some(deed) = deed {
                deed.answered(&response);
            }
            response
        }
        Err(report) => problem::refuse(report.code, report.message),
    }
}
