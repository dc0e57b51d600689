use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

use super::missions::{Reply, ask};
use super::view::RocketView;
use crate::mission::Request;
use crate::service::Launch;

/// Why.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonRequest {
    /// In a sentence; it stands in the mission log.
    pub reason: String,
}

/// Give the launch order: the count runs.
#[utoipa::path(post, path = "/launch/rockets/{rocket}/count", tag = "launch",
    params(("rocket" = String, Path)), responses((status = OK, body = RocketView)))]
pub(super) async fn start_count(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
) -> Reply<Json<RocketView>> {
    ask(&launch, rocket, Request::StartCount).await
}

/// Stop the clock.
#[utoipa::path(post, path = "/launch/rockets/{rocket}/count/hold", tag = "launch",
    params(("rocket" = String, Path)), request_body = ReasonRequest,
    responses((status = OK, body = RocketView)))]
pub(super) async fn hold(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
    Json(request): Json<ReasonRequest>,
) -> Reply<Json<RocketView>> {
    ask(
        &launch,
        rocket,
        Request::Hold {
            reason: request.reason,
        },
    )
    .await
}

/// Let the clock run on.
#[utoipa::path(post, path = "/launch/rockets/{rocket}/count/resume", tag = "launch",
    params(("rocket" = String, Path)), responses((status = OK, body = RocketView)))]
pub(super) async fn resume(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
) -> Reply<Json<RocketView>> {
    ask(&launch, rocket, Request::Resume).await
}

/// Give up for now.
#[utoipa::path(post, path = "/launch/rockets/{rocket}/count/scrub", tag = "launch",
    params(("rocket" = String, Path)), request_body = ReasonRequest,
    responses((status = OK, body = RocketView)))]
pub(super) async fn scrub(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
    Json(request): Json<ReasonRequest>,
) -> Reply<Json<RocketView>> {
    ask(
        &launch,
        rocket,
        Request::Scrub {
            reason: request.reason,
        },
    )
    .await
}
