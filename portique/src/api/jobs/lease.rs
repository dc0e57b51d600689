use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use portique_fault::Code;
use portique_jobs::{Extension, JobId, Lease, Progress};
use serde::{Deserialize, Serialize};

use super::settle::{self, TokenQuery};
use super::view::SettledView;
use crate::api::Api;
use crate::api::batch;
use crate::api::number::{Token, duration};
use crate::api::refusal::{Refusal, Reply};

/// A job in a worker's hands.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeaseRequest {
    /// Which.
    id: u64,
    /// The claim's token.
    token: Token,
}

/// After how long it may be claimed again.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DelayQuery {
    /// After this many seconds; at once when absent.
    #[serde(default)]
    #[param(value_type = Option<f64>)]
    delay_s: f64,
}

/// Under which claim, and after how long it may be claimed again.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReleaseQuery {
    /// The claim's token.
    #[param(value_type = String)]
    token: Token,
    /// After this many seconds; at once when absent.
    #[serde(default)]
    #[param(value_type = Option<f64>)]
    delay_s: f64,
}

/// What became of an extension.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub(crate) struct ExtensionView {
    /// Which.
    id: u64,
    /// `held`, `cancelled` (stop working on it) or `lost` (whatever is still done will not count).
    outcome: &'static str,
}

/// How far a job is.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProgressRequest {
    /// 0 to 1.
    share: f64,
    /// For people; at most 1 KiB.
    #[serde(default)]
    note: String,
}

/// Give a job back without costing an attempt.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/release", tag = "jobs",
    params(("id" = u64, Path), ReleaseQuery), responses((status = OK, body = SettledView)))]
pub(crate) async fn release(
    State(api): State<Arc<Api>>,
    Path(id): Path<u64>,
    Query(query): Query<ReleaseQuery>,
) -> Reply<Json<SettledView>> {
    let lease = settle::lease(id, query.token);
    let delay = duration("delay_s", query.delay_s)?;
    let settled = api.jobs.release(&[lease], delay).await?;
    settle::one(lease, &settled)
}

/// Give jobs back without costing an attempt: a JSON array, or one a line.
#[utoipa::path(post, path = "/api/v1/jobs/release", tag = "jobs", params(DelayQuery),
    request_body(content((Vec<LeaseRequest> = "application/json"), (LeaseRequest = "application/x-ndjson"))),
    responses((status = OK, body = Vec<SettledView>)))]
pub(crate) async fn release_batch(
    State(api): State<Arc<Api>>,
    Query(query): Query<DelayQuery>,
    headers: HeaderMap,
    body: Body,
) -> Reply<Json<Vec<SettledView>>> {
    let delay = duration("delay_s", query.delay_s)?;
    let leases = leases(&api, &headers, body).await?;
    let settled = api.jobs.release(&leases, delay).await?;
    let ids: Vec<JobId> = leases.iter().map(|lease| lease.id).collect();
    Ok(settle::each(&ids, &settled))
}

/// Give a lease its full time again; refused when the job was cancelled or the lease is lost.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/extend", tag = "jobs",
    params(("id" = u64, Path), TokenQuery), responses((status = OK, body = ExtensionView)))]
pub(crate) async fn extend(
    State(api): State<Arc<Api>>,
    Path(id): Path<u64>,
    Query(query): Query<TokenQuery>,
) -> Reply<Json<ExtensionView>> {
    let lease = settle::lease(id, query.token);
    let extensions = api.jobs.extend(&[lease]).await?;
    match extensions.first() {
        Some(Extension::Held) => Ok(Json(ExtensionView::of(lease, Extension::Held))),
        Some(Extension::Cancelled) => Err(Refusal::new(
            Code::FailedPrecondition,
            format!("job {id} was cancelled: stop working on it"),
        )),
        Some(Extension::Lost) | None => Err(portique_jobs::Error::StaleLease { lease }.into()),
    }
}

/// Give leases their full time again: a JSON array, or one a line. Each has an outcome of its own.
#[utoipa::path(post, path = "/api/v1/jobs/extend", tag = "jobs",
    request_body(content((Vec<LeaseRequest> = "application/json"), (LeaseRequest = "application/x-ndjson"))),
    responses((status = OK, body = Vec<ExtensionView>)))]
pub(crate) async fn extend_batch(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    body: Body,
) -> Reply<Json<Vec<ExtensionView>>> {
    let leases = leases(&api, &headers, body).await?;
    let extensions = api.jobs.extend(&leases).await?;
    let views = leases.into_iter().zip(extensions);
    Ok(Json(
        views
            .map(|(lease, extension)| ExtensionView::of(lease, extension))
            .collect(),
    ))
}

/// Say how far a job is.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/progress", tag = "jobs",
    params(("id" = u64, Path), TokenQuery), request_body = ProgressRequest,
    responses((status = NO_CONTENT)))]
pub(crate) async fn progress(
    State(api): State<Arc<Api>>,
    Path(id): Path<u64>,
    Query(query): Query<TokenQuery>,
    Json(request): Json<ProgressRequest>,
) -> Reply<StatusCode> {
    let progress = Progress {
        share: request.share,
        note: request.note,
    };
    let lease = settle::lease(id, query.token);
    api.jobs.progress(lease, progress).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl ExtensionView {
    fn of(lease: Lease, extension: Extension) -> Self {
        Self {
            id: lease.id.0,
            outcome: match extension {
                Extension::Held => "held",
                Extension::Cancelled => "cancelled",
                Extension::Lost => "lost",
            },
        }
    }
}

async fn leases(api: &Api, headers: &HeaderMap, body: Body) -> Reply<Vec<Lease>> {
    let received = batch::receive(&api.gate, headers, body).await?;
    let requests = batch::entries::<LeaseRequest>(batch::content_type(headers), &received.bytes)?;
    let leases = requests.into_iter();
    Ok(leases
        .map(|(_, request)| settle::lease(request.id, request.token))
        .collect())
}
