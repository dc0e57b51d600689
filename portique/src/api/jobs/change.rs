use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use portique_jobs::{Error, JobId, Settled};

use super::settle::wrong_state;
use super::view::SettledView;
use crate::api::Api;
use crate::api::refusal::{Refusal, Reply};

/// Cancel a job that is not finished; its worker hears of it when it extends its lease.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/cancel", tag = "jobs",
    params(("id" = u64, Path)), responses((status = OK, body = SettledView)))]
pub(crate) async fn cancel(
    State(api): State<Arc<Api>>,
    Path(id): Path<u64>,
) -> Reply<Json<SettledView>> {
    let settled = api.jobs.cancel(&[JobId(id)]).await?;
    one(JobId(id), &settled)
}

/// Make a delayed or failed job due now, or a dead one waiting again with fresh counts.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/retry", tag = "jobs",
    params(("id" = u64, Path)), responses((status = OK, body = SettledView)))]
pub(crate) async fn retry(
    State(api): State<Arc<Api>>,
    Path(id): Path<u64>,
) -> Reply<Json<SettledView>> {
    let settled = api.jobs.retry(&[JobId(id)]).await?;
    one(JobId(id), &settled)
}

/// The outcome for one job, which is a refusal when nothing came of what was asked.
pub(in crate::api) fn one(id: JobId, settled: &[Settled]) -> Reply<Json<SettledView>> {
    let settled = settled
        .first()
        .ok_or_else(|| Refusal::internal("the engine was asked about a job and did not answer"))?;
    match settled {
        Settled::Unknown => Err(Error::UnknownJob { id }.into()),
        Settled::Refused(state) => Err(wrong_state(id, state)),
        settled => Ok(Json(SettledView::of(id.0, settled))),
    }
}
