use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use portique_jobs::{CLAIM_MAX, Claim, QueueName, WorkerName};
use serde::Deserialize;

use super::view::ClaimedView;
use crate::api::number::{duration, duration_or_none};
use crate::api::refusal::{Refusal, Reply};
use crate::api::{Api, WAIT_MAX};

/// Who claims without a name.
const WORKER_DEFAULT: &str = "http";

/// What a worker asks for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ClaimQuery {
    /// Most jobs: 1 to 1,000; 1 when absent.
    limit: Option<usize>,
    /// How long to wait for the first, in seconds, up to 60; 0 when absent.
    #[serde(alias = "wait")]
    wait_s: Option<f64>,
    /// How long each lease holds without being extended, instead of the queue's time, in seconds.
    #[serde(alias = "lease")]
    lease_s: Option<f64>,
    /// The worker process's name, the same for all its claims; `http` when absent.
    worker: Option<String>,
}

/// Take jobs to work on; an empty list when there is none in time.
///
/// Each job comes with a token that extends and ends it.
#[utoipa::path(post, path = "/api/v1/queues/{queue}/claim", tag = "jobs",
    params(("queue" = String, Path), ClaimQuery),
    responses((status = OK, body = Vec<ClaimedView>)))]
pub(crate) async fn claim(
    State(api): State<Arc<Api>>,
    Path(queue): Path<String>,
    Query(query): Query<ClaimQuery>,
) -> Reply<Json<Vec<ClaimedView>>> {
    let limit = query.limit.unwrap_or(1);
    if !(1..=CLAIM_MAX).contains(&limit) {
        let problem = format!("limit is {limit}: write 1 to {CLAIM_MAX}");
        return Err(Refusal::invalid(problem));
    }
    let wait = duration("wait_s", query.wait_s.unwrap_or_default())?.min(WAIT_MAX);
    let claim = Claim {
        queue: QueueName::new(queue)?,
        worker: WorkerName::new(query.worker.as_deref().unwrap_or(WORKER_DEFAULT))?,
        limit,
        wait,
        lease: duration_or_none("lease_s", query.lease_s)?,
    };
    let _place = if wait.is_zero() {
        None
    } else {
        Some(api.gate.wait()?)
    };
    let jobs = api.jobs.claim(claim).await?;
    Ok(Json(jobs.into_iter().map(ClaimedView::from).collect()))
}
