use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use portique_fault::Code;

use super::{Front, problem};

/// Lets reads pass, and changes with the commander's token.
pub(super) async fn require_token(
    State(front): State<Front>,
    request: Request,
    next: Next,
) -> Response {
    let changes = !request.method().is_safe() && request.uri().path().starts_with("/api/");
    if !changes {
        return next.run(request).await;
    }
    match bearer(request.headers()) {
        Some(shown) if front.token.is(shown) => next.run(request).await,
        Some(_) => problem::refuse(
            Code::Unauthenticated,
            "this token is not the hub's: the commander token is in the file commander.token of \
             its data folder"
                .into(),
        ),
        None => problem::refuse(
            Code::Unauthenticated,
            "changes need the commander token: send the header `Authorization: Bearer TOKEN`, with \
             the content of commander.token in the hub's data folder"
                .into(),
        ),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
