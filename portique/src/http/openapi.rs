use std::sync::Arc;

use axum::Extension;
use axum::http::header;
use axum::response::IntoResponse;
use utoipa::OpenApi;

use super::ProblemDetails;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Portique",
        description = "The control room's API. Reads are open to whoever reaches the hub; changes \
                       need the commander token as a bearer token. Every error is an RFC 9457 \
                       problem with a `code` to act on."
    ),
    components(schemas(ProblemDetails)),
    tags((name = "hub", description = "The hub itself: health, metrics, version"))
)]
struct Introduction;

/// The document that routes are added to.
pub(super) fn introduction() -> utoipa::openapi::OpenApi {
    Introduction::openapi()
}

/// The finished document, written once.
#[derive(Clone)]
pub(super) struct Document(Arc<str>);

impl Document {
    pub(super) fn new(document: &utoipa::openapi::OpenApi) -> Self {
        Self(
            document
                .to_json()
                .expect("a document of plain values is JSON")
                .into(),
        )
    }
}

/// This document.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    tag = "hub",
    responses((status = 200, description = "An OpenAPI 3.1 document", body = serde_json::Value))
)]
pub(super) async fn openapi_json(Extension(document): Extension<Document>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "application/json")],
        document.0.to_string(),
    )
}
