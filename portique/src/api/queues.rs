//! Queues over HTTP: how they behave, how they are, and their switches.

mod settings;
mod view;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use portique_jobs::{Label, QueueName};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use settings::QueueSettings;
use view::QueueView;

use super::Api;
use super::refusal::Reply;

pub(super) fn router() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, define, remove))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(drain))
}

/// The whole queue, or one of its groups.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct GroupQuery {
    /// Of this group only.
    group: Option<String>,
}

/// Every queue, by name.
#[utoipa::path(get, path = "/api/v1/queues", tag = "jobs",
    responses((status = OK, body = Vec<QueueView>)))]
pub(crate) async fn list(State(api): State<Arc<Api>>) -> Reply<Json<Vec<QueueView>>> {
    let queues = api.jobs.queues().await?;
    Ok(Json(queues.into_iter().map(QueueView::from).collect()))
}

/// One queue: what is in it, how fast it moves, and what keeps its jobs waiting.
#[utoipa::path(get, path = "/api/v1/queues/{queue}", tag = "jobs",
    params(("queue" = String, Path)), responses((status = OK, body = QueueView)))]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Path(queue): Path<String>,
) -> Reply<Json<QueueView>> {
    view(&api, &QueueName::new(queue)?).await
}

/// Make a queue, or give it other options; what is left out has its default.
#[utoipa::path(put, path = "/api/v1/queues/{queue}", tag = "jobs",
    params(("queue" = String, Path)), request_body = QueueSettings,
    responses((status = OK, body = QueueView)))]
pub(crate) async fn define(
    State(api): State<Arc<Api>>,
    Path(queue): Path<String>,
    Json(settings): Json<QueueSettings>,
) -> Reply<Json<QueueView>> {
    let queue = QueueName::new(queue)?;
    let options = settings.into_options()?;
    options.check()?;
    api.jobs.define_queue(&queue, options).await?;
    view(&api, &queue).await
}

/// Forget an empty queue.
#[utoipa::path(delete, path = "/api/v1/queues/{queue}", tag = "jobs",
    params(("queue" = String, Path)), responses((status = NO_CONTENT)))]
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    Path(queue): Path<String>,
) -> Reply<StatusCode> {
    api.jobs.remove_queue(&QueueName::new(queue)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stop claims until the queue is resumed; jobs are still taken in.
#[utoipa::path(post, path = "/api/v1/queues/{queue}/pause", tag = "jobs",
    params(("queue" = String, Path), GroupQuery), responses((status = OK, body = QueueView)))]
pub(crate) async fn pause(
    State(api): State<Arc<Api>>,
    Path(queue): Path<String>,
    Query(query): Query<GroupQuery>,
) -> Reply<Json<QueueView>> {
    let (queue, group) = (QueueName::new(queue)?, query.group()?);
    api.jobs.pause(&queue, group.as_ref()).await?;
    view(&api, &queue).await
}

/// Let claims go on; also ends a drain.
#[utoipa::path(post, path = "/api/v1/queues/{queue}/resume", tag = "jobs",
    params(("queue" = String, Path), GroupQuery), responses((status = OK, body = QueueView)))]
pub(crate) async fn resume(
    State(api): State<Arc<Api>>,
    Path(queue): Path<String>,
    Query(query): Query<GroupQuery>,
) -> Reply<Json<QueueView>> {
    let (queue, group) = (QueueName::new(queue)?, query.group()?);
    api.jobs.resume(&queue, group.as_ref()).await?;
    view(&api, &queue).await
}

/// Refuse new jobs until the queue is resumed, while those in it are worked off.
#[utoipa::path(post, path = "/api/v1/queues/{queue}/drain", tag = "jobs",
    params(("queue" = String, Path)), responses((status = OK, body = QueueView)))]
pub(crate) async fn drain(
    State(api): State<Arc<Api>>,
    Path(queue): Path<String>,
) -> Reply<Json<QueueView>> {
    let queue = QueueName::new(queue)?;
    api.jobs.drain(&queue).await?;
    view(&api, &queue).await
}

impl GroupQuery {
    fn group(self) -> Reply<Option<Label>> {
        Ok(self.group.map(Label::new).transpose()?)
    }
}

async fn view(api: &Api, queue: &QueueName) -> Reply<Json<QueueView>> {
    Ok(Json(api.jobs.queue(queue).await?.into()))
}
