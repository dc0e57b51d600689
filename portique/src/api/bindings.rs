//! Bindings over HTTP: events that become jobs.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use portique_event::Filter;
use portique_jobs::{Binding, Error, JobKind, JobOptions, Label, QueueName, ScheduleName};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::jobs::RetrySettings;
use super::refusal::Reply;

pub(super) fn router() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, define, remove))
}

/// Which events become which jobs. The payload is the event in CloudEvents' structured JSON; its
/// `partitionkey` becomes the job's key, its `traceparent` a header.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BindingRequest {
    /// Events on these subjects, such as `plant.*.pump.>`.
    #[schema(value_type = String)]
    filter: Filter,
    /// Where to.
    queue: String,
    /// What kind of work.
    kind: String,
    /// Higher first; 0 when absent.
    #[serde(default)]
    priority: i16,
    /// Whose fair share they are taken from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// When they are tried again, instead of the queue's policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry: Option<RetrySettings>,
}

/// A binding.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct BindingView {
    /// Its name.
    name: String,
    /// Which events become which jobs.
    #[serde(flatten)]
    binding: BindingRequest,
}

impl From<Binding> for BindingView {
    fn from(binding: Binding) -> Self {
        let options = &binding.options;
        Self {
            name: binding.name.to_string(),
            binding: BindingRequest {
                queue: binding.queue.to_string(),
                kind: binding.kind.to_string(),
                priority: options.priority,
                group: options.group.as_ref().map(Label::to_string),
                retry: options.retry.as_ref().map(RetrySettings::of),
                filter: binding.filter,
            },
        }
    }
}

impl BindingRequest {
    fn into_binding(self, name: ScheduleName) -> Reply<Binding> {
        Ok(Binding {
            name,
            filter: self.filter,
            queue: QueueName::new(self.queue)?,
            kind: JobKind::new(self.kind)?,
            options: JobOptions {
                priority: self.priority,
                group: self.group.map(Label::new).transpose()?,
                retry: self.retry.map(RetrySettings::into_policy).transpose()?,
                ..JobOptions::default()
            },
        })
    }
}

/// Every binding, by name.
#[utoipa::path(get, path = "/api/v1/bindings", tag = "jobs",
    responses((status = OK, body = Vec<BindingView>)))]
pub(crate) async fn list(State(api): State<Arc<Api>>) -> Reply<Json<Vec<BindingView>>> {
    let bindings = api.jobs.bindings().await?;
    Ok(Json(bindings.into_iter().map(BindingView::from).collect()))
}

/// One binding.
#[utoipa::path(get, path = "/api/v1/bindings/{name}", tag = "jobs",
    params(("name" = String, Path)), responses((status = OK, body = BindingView)))]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
) -> Reply<Json<BindingView>> {
    let name = ScheduleName::new(name)?;
    let bindings = api.jobs.bindings().await?;
    let found = bindings.into_iter().find(|binding| binding.name == name);
    let found = found.ok_or_else(|| Error::UnknownName {
        what: "binding",
        name: name.to_string(),
    })?;
    Ok(Json(found.into()))
}

/// Turn every event that passes a filter into a job, from now on.
#[utoipa::path(put, path = "/api/v1/bindings/{name}", tag = "jobs",
    params(("name" = String, Path)), request_body = BindingRequest,
    responses((status = OK, body = BindingView)))]
pub(crate) async fn define(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
    Json(request): Json<BindingRequest>,
) -> Reply<Json<BindingView>> {
    let binding = request.into_binding(ScheduleName::new(name)?)?;
    api.owned.check_binding(&binding.filter)?;
    api.jobs.bind(binding.clone()).await?;
    Ok(Json(binding.into()))
}

/// Forget a binding; the jobs it made stay.
#[utoipa::path(delete, path = "/api/v1/bindings/{name}", tag = "jobs",
    params(("name" = String, Path)), responses((status = NO_CONTENT)))]
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
) -> Reply<StatusCode> {
    api.jobs.unbind(&ScheduleName::new(name)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
