use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use portique_jobs::{JobFilter, JobId, QueueName};
use serde::{Deserialize, Serialize};

use super::view::JobShown;
use crate::api::number::duration;
use crate::api::refusal::Reply;
use crate::api::{Api, LIMIT_DEFAULT, WAIT_MAX, page_limit};

/// How long to wait for a job's end.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WaitQuery {
    /// Answer when the job is finished or dead, or after this many seconds, up to 60; at once when
    /// absent.
    #[serde(default, alias = "wait")]
    #[param(value_type = Option<f64>)]
    wait_s: f64,
}

/// Which jobs to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// In this state: `waiting`, `prioritized`, `delayed`, `failed`, `blocked`, `active`,
    /// `completed`, `dead` or `cancelled`; in any when absent.
    state: Option<String>,
    /// Only with a higher id than this: `next` of the page before.
    after: Option<u64>,
    /// Most of them: 1 to 1,000; 100 when absent.
    limit: Option<usize>,
}

/// Some jobs, oldest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct JobsPage {
    /// Without payloads.
    jobs: Vec<JobShown>,
    /// `after` of the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// One job, also a finished one for as long as it is remembered.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", tag = "jobs",
    params(("id" = u64, Path), WaitQuery), responses((status = OK, body = JobShown)))]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Path(id): Path<u64>,
    Query(query): Query<WaitQuery>,
) -> Reply<Json<JobShown>> {
    let wait = duration("wait_s", query.wait_s)?.min(WAIT_MAX);
    let job = if wait.is_zero() {
        api.jobs.job(JobId(id)).await?
    } else {
        let _place = api.gate.wait()?;
        api.jobs.wait_job(JobId(id), wait).await?
    };
    Ok(Json(job.into()))
}

/// Jobs of a queue.
#[utoipa::path(get, path = "/api/v1/queues/{queue}/jobs", tag = "jobs",
    params(("queue" = String, Path), ListQuery), responses((status = OK, body = JobsPage)))]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Path(queue): Path<String>,
    Query(query): Query<ListQuery>,
) -> Reply<Json<JobsPage>> {
    let filter = JobFilter {
        queue: QueueName::new(queue)?,
        state: query.state,
        after: query.after.map(JobId),
        limit: page_limit(query.limit.unwrap_or(LIMIT_DEFAULT))?,
    };
    let page = api.jobs.list(filter).await?;
    Ok(Json(JobsPage {
        jobs: page.jobs.into_iter().map(JobShown::from).collect(),
        next: page.next.map(|id| id.0),
    }))
}
