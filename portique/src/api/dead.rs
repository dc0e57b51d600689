//! Dead letters of queues over HTTP: read, edited, retried, dropped.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use portique_clock::Timestamp;
use portique_jobs::{DeadFilter, DeadLetter, JobId, QueueName, Settled};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::content::{self, Content};
use super::jobs::{SettledView, one_of_job};
use super::refusal::{Refusal, Reply};
use super::{Api, LIMIT_DEFAULT, batch, page_limit};

pub(super) fn router() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(edit, drop_one))
        .routes(routes!(retry))
}

/// Which dead jobs to read.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeadQuery {
    /// Of this queue; of all when absent.
    queue: Option<String>,
    /// Only with a higher id than this: the last one of the page before.
    after: Option<u64>,
    /// Most of them: 1 to 1,000; 100 when absent.
    limit: Option<usize>,
}

/// Which dead jobs to try again: named by id, or the oldest of a queue.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryRequest {
    /// These; at most 1,000.
    ids: Option<Vec<u64>>,
    /// Those of this queue, oldest first; instead of `ids`.
    queue: Option<String>,
    /// With `queue`: only with a higher id than this.
    after: Option<u64>,
    /// With `queue`: most of them, 1 to 1,000; 100 when absent.
    limit: Option<usize>,
}

/// Some dead jobs, oldest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct DeadPage {
    /// With their payloads, and why they are dead.
    jobs: Vec<DeadView>,
    /// `after` of the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// What became of dead jobs that were tried again.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct RetriedView {
    /// How many wait again.
    retried: usize,
    /// One per job.
    outcomes: Vec<SettledView>,
    /// With `queue`: `after` of the next request; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// A job given up on.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct DeadView {
    /// Which.
    id: u64,
    /// Its queue.
    queue: String,
    /// What kind of work; absent when the record is damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// What it is about, as last edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Content>,
    /// When it was given up on.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Why.
    reason: String,
    /// Attempts that failed.
    failures: u32,
    /// Leases that were lost.
    losses: u32,
    /// Times it was retried after having been dead.
    redrives: u32,
}

impl From<DeadLetter> for DeadView {
    fn from(letter: DeadLetter) -> Self {
        Self {
            id: letter.id.0,
            queue: letter.queue.to_string(),
            kind: letter.kind.map(|kind| kind.to_string()),
            payload: letter.payload.as_ref().map(Content::of),
            at: letter.at,
            reason: letter.reason,
            failures: letter.failures,
            losses: letter.losses,
            redrives: letter.redrives,
        }
    }
}

/// Dead jobs, oldest first, with their payloads and why they are dead.
#[utoipa::path(get, path = "/api/v1/dead", tag = "jobs", params(DeadQuery),
    responses((status = OK, body = DeadPage)))]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Query(query): Query<DeadQuery>,
) -> Reply<Json<DeadPage>> {
    let limit = page_limit(query.limit.unwrap_or(LIMIT_DEFAULT))?;
    let filter = DeadFilter {
        queue: query.queue.map(QueueName::new).transpose()?,
        after: query.after.map(JobId),
        limit,
    };
    let letters = api.jobs.dead(filter).await?;
    let ids: Vec<JobId> = letters.iter().map(|letter| letter.id).collect();
    Ok(Json(DeadPage {
        next: following(&ids, limit),
        jobs: letters.into_iter().map(DeadView::from).collect(),
    }))
}

/// Give a dead job another payload, which is the body; its id and history stay.
#[utoipa::path(put, path = "/api/v1/dead/{id}", tag = "jobs", params(("id" = u64, Path)),
    request_body(content = serde_json::Value, content_type = "application/json",
        description = "The payload: JSON, or anything else under its own media type"),
    responses((status = NO_CONTENT)))]
pub(crate) async fn edit(
    State(api): State<Arc<Api>>,
    Path(id): Path<u64>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply<StatusCode> {
    let payload = content::from_body(batch::content_type(&headers), body)?;
    payload.check()?;
    api.jobs.edit_dead(JobId(id), payload).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forget a dead job for good.
#[utoipa::path(delete, path = "/api/v1/dead/{id}", tag = "jobs", params(("id" = u64, Path)),
    responses((status = OK, body = SettledView)))]
pub(crate) async fn drop_one(
    State(api): State<Arc<Api>>,
    Path(id): Path<u64>,
) -> Reply<Json<SettledView>> {
    let settled = api.jobs.drop_dead(&[JobId(id)]).await?;
    one_of_job(JobId(id), &settled)
}

/// Try dead jobs again, with fresh counts. Each has an outcome of its own.
#[utoipa::path(post, path = "/api/v1/dead/retry", tag = "jobs", request_body = RetryRequest,
    responses((status = OK, body = RetriedView)))]
pub(crate) async fn retry(
    State(api): State<Arc<Api>>,
    Json(request): Json<RetryRequest>,
) -> Reply<Json<RetriedView>> {
    let (ids, next) = request.ids(&api).await?;
    let settled = api.jobs.retry(&ids).await?;
    let views = ids.iter().zip(&settled);
    Ok(Json(RetriedView {
        retried: settled.iter().filter(|s| **s == Settled::Done).count(),
        outcomes: views
            .map(|(id, settled)| SettledView::of(id.0, settled))
            .collect(),
        next,
    }))
}

impl RetryRequest {
    /// Which jobs, and where to go on.
    async fn ids(self, api: &Api) -> Reply<(Vec<JobId>, Option<u64>)> {
        match (self.ids, self.queue) {
            (Some(ids), None) => {
                page_limit(ids.len().max(1)).map_err(|refusal| refusal.at("ids"))?;
                Ok((ids.into_iter().map(JobId).collect(), None))
            }
            (None, Some(queue)) => {
                let limit = page_limit(self.limit.unwrap_or(LIMIT_DEFAULT))?;
                let filter = DeadFilter {
                    queue: Some(QueueName::new(queue)?),
                    after: self.after.map(JobId),
                    limit,
                };
                let letters = api.jobs.dead(filter).await?;
                let ids: Vec<JobId> = letters.into_iter().map(|letter| letter.id).collect();
                let next = following(&ids, limit);
                Ok((ids, next))
            }
            (Some(_), Some(_)) => Err(Refusal::invalid("ids and queue are both given; give one")),
            (None, None) => Err(Refusal::invalid("ids is missing: give it, or queue")),
        }
    }
}

/// Where the next page begins, when this one is full.
fn following(ids: &[JobId], limit: usize) -> Option<u64> {
    let is_full = ids.len() == limit;
    ids.last().filter(|_| is_full).map(|id| id.0)
}
