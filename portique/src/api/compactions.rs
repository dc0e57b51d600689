//! Compactions over HTTP: subjects of which the newest event of each key is kept.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use portique_bus::{CompactionName, CompactionState, Error};
use portique_event::Filter;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::refusal::Reply;

pub(super) fn router() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, create, remove))
}

/// What a compaction holds.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompactionRequest {
    /// The newest event of each key (the extension `partitionkey`) on these subjects.
    #[schema(value_type = String)]
    filter: Filter,
}

/// A compaction.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct CompactionView {
    /// Its name.
    name: String,
    /// Which subjects it holds.
    #[schema(value_type = String)]
    filter: Filter,
    /// Keys it holds the newest event of.
    keys: u64,
    /// Keys it could not take on because its limit is reached; their events go with retention.
    refused: u64,
}

impl From<CompactionState> for CompactionView {
    fn from(state: CompactionState) -> Self {
        Self {
            name: state.name.to_string(),
            filter: state.filter,
            keys: state.keys,
            refused: state.refused,
        }
    }
}

/// Every compaction, by name.
#[utoipa::path(get, path = "/api/v1/compactions", tag = "events",
    responses((status = OK, body = Vec<CompactionView>)))]
pub(crate) async fn list(State(api): State<Arc<Api>>) -> Reply<Json<Vec<CompactionView>>> {
    let compactions = api.bus.compactions().await?;
    Ok(Json(
        compactions.into_iter().map(CompactionView::from).collect(),
    ))
}

/// One compaction.
#[utoipa::path(get, path = "/api/v1/compactions/{name}", tag = "events",
    params(("name" = String, Path)), responses((status = OK, body = CompactionView)))]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
) -> Reply<Json<CompactionView>> {
    view(&api, CompactionName::new(name)?).await
}

/// Keep the newest event of each key past retention, from now on and of what is kept now.
#[utoipa::path(put, path = "/api/v1/compactions/{name}", tag = "events",
    params(("name" = String, Path)), request_body = CompactionRequest,
    responses((status = OK, body = CompactionView)))]
pub(crate) async fn create(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
    Json(request): Json<CompactionRequest>,
) -> Reply<Json<CompactionView>> {
    let name = CompactionName::new(name)?;
    api.bus.compaction(&name, request.filter).await?;
    view(&api, name).await
}

/// End a compaction; what it held goes with retention.
#[utoipa::path(delete, path = "/api/v1/compactions/{name}", tag = "events",
    params(("name" = String, Path)), responses((status = NO_CONTENT)))]
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
) -> Reply<StatusCode> {
    let name = CompactionName::new(name)?;
    api.bus.remove_compaction(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn view(api: &Api, name: CompactionName) -> Reply<Json<CompactionView>> {
    let compactions = api.bus.compactions().await?;
    let found = compactions.into_iter().find(|state| state.name == name);
    let found = found.ok_or(Error::UnknownCompaction { name })?;
    Ok(Json(found.into()))
}
