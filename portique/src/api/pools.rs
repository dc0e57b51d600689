//! Pools of workers over HTTP: how they are, why, and who decides. What they run is in the hub's configuration only.

use axum::Json;
use axum::extract::{Path, Query, State};
use portique_clock::Timestamp;
use portique_fault::Report;
use portique_fleet::Mode;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::page_limit;
use super::refusal::{Refusal, Reply};
use crate::fleet::{self, DecisionView, Fleet, PoolView};

/// The routes, with their whole paths.
pub(crate) fn router(fleet: Fleet) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(decisions))
        .routes(routes!(set, unset))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(dry_run))
        .with_state(fleet)
}

/// Every pool, by name.
#[utoipa::path(get, path = "/api/v1/pools", tag = "fleet",
    responses((status = OK, body = Vec<PoolView>)))]
pub(crate) async fn list(State(fleet): State<Fleet>) -> Json<Vec<PoolView>> {
    Json(fleet.pools())
}

/// One pool: its workers, and why there are so many.
#[utoipa::path(get, path = "/api/v1/pools/{name}", tag = "fleet",
    params(("name" = String, Path)), responses((status = OK, body = PoolView)))]
pub(crate) async fn show(
    State(fleet): State<Fleet>,
    Path(name): Path<String>,
) -> Reply<Json<PoolView>> {
    Ok(Json(fleet.pool(&name)?))
}

/// Which decisions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DecisionsQuery {
    /// None after this time (RFC 3339): the first one is the decision that counted then.
    at: Option<String>,
    /// Most of them, 1 to 1,000; 100 by default.
    limit: Option<usize>,
}

/// Decisions that changed a pool's number of workers, newest first, with what they were made of.
#[utoipa::path(get, path = "/api/v1/pools/{name}/decisions", tag = "fleet",
    params(("name" = String, Path), DecisionsQuery),
    responses((status = OK, body = Vec<DecisionView>)))]
pub(crate) async fn decisions(
    State(fleet): State<Fleet>,
    Path(name): Path<String>,
    Query(query): Query<DecisionsQuery>,
) -> Reply<Json<Vec<DecisionView>>> {
    let limit = page_limit(query.limit.unwrap_or(super::LIMIT_DEFAULT))?;
    let until = match query.at {
        None => None,
        Some(at) => Some(at.parse::<Timestamp>().map_err(|_| {
            Refusal::invalid(format!(
                "at is {at:?}: write a time such as 2026-11-21T03:12:00Z"
            ))
        })?),
    };
    Ok(Json(fleet.decisions(&name, until, limit).await?))
}

/// How many workers a person wants.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Override {
    /// So many, at most the pool's `max`.
    workers: u32,
}

/// Have so many workers, whatever the backlog is, until the pool is given back to it; outlives a restart.
#[utoipa::path(put, path = "/api/v1/pools/{name}/override", tag = "fleet",
    params(("name" = String, Path)), request_body = Override,
    responses((status = OK, body = PoolView)))]
pub(crate) async fn set(
    State(fleet): State<Fleet>,
    Path(name): Path<String>,
    Json(wanted): Json<Override>,
) -> Reply<Json<PoolView>> {
    let mode = Mode::Manual(wanted.workers);
    Ok(Json(fleet.decide_by(&name, mode).await?))
}

/// Let the backlog decide again.
#[utoipa::path(delete, path = "/api/v1/pools/{name}/override", tag = "fleet",
    params(("name" = String, Path)), responses((status = OK, body = PoolView)))]
pub(crate) async fn unset(
    State(fleet): State<Fleet>,
    Path(name): Path<String>,
) -> Reply<Json<PoolView>> {
    Ok(Json(fleet.decide_by(&name, Mode::Automatic).await?))
}

/// Keep as many workers as there are, until the pool is resumed; outlives a restart.
#[utoipa::path(put, path = "/api/v1/pools/{name}/pause", tag = "fleet",
    params(("name" = String, Path)), responses((status = OK, body = PoolView)))]
pub(crate) async fn pause(
    State(fleet): State<Fleet>,
    Path(name): Path<String>,
) -> Reply<Json<PoolView>> {
    Ok(Json(fleet.decide_by(&name, Mode::Paused).await?))
}

/// Let the backlog decide again.
#[utoipa::path(put, path = "/api/v1/pools/{name}/resume", tag = "fleet",
    params(("name" = String, Path)), responses((status = OK, body = PoolView)))]
pub(crate) async fn resume(
    State(fleet): State<Fleet>,
    Path(name): Path<String>,
) -> Reply<Json<PoolView>> {
    Ok(Json(fleet.decide_by(&name, Mode::Automatic).await?))
}

/// Keep as many workers as there are, and say what the backlog would do; outlives a restart.
#[utoipa::path(put, path = "/api/v1/pools/{name}/dry-run", tag = "fleet",
    params(("name" = String, Path)), responses((status = OK, body = PoolView)))]
pub(crate) async fn dry_run(
    State(fleet): State<Fleet>,
    Path(name): Path<String>,
) -> Reply<Json<PoolView>> {
    Ok(Json(fleet.decide_by(&name, Mode::DryRun).await?))
}

impl From<fleet::Error> for Refusal {
    fn from(error: fleet::Error) -> Self {
        Report::from(&error).into()
    }
}
