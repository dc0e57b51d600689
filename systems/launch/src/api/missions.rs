use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::definition::{NewRocket, define};
use super::refusal::Refusal;
use super::view::RocketView;
use crate::mission::{Actor, Request};
use crate::service::Launch;
use crate::{Error, ModuleId, RocketId};

pub(super) type Reply<T> = Result<T, Refusal>;

/// A module to name.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModuleRequest {
    /// Its name.
    module: ModuleId,
}

/// Whether the public feed is shut.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmbargoRequest {
    /// Shut.
    on: bool,
}

/// All missions.
#[utoipa::path(get, path = "/launch/rockets", tag = "launch",
    responses((status = OK, body = Vec<RocketView>)))]
pub(super) async fn list(State(launch): State<Launch>) -> Json<Vec<RocketView>> {
    let rockets = launch.shared().rockets();
    let views = rockets
        .iter()
        .filter_map(|rocket| view(&launch, rocket).ok());
    Json(views.collect())
}

/// Add a rocket while everything runs.
#[utoipa::path(post, path = "/launch/rockets", tag = "launch", request_body = NewRocket,
    responses((status = CREATED, body = RocketView)))]
pub(super) async fn add(
    State(launch): State<Launch>,
    Json(new): Json<NewRocket>,
) -> Reply<(StatusCode, Json<RocketView>)> {
    let rocket = new.rocket.clone();
    launch.add(define(new)?, Actor::commander()).await?;
    Ok((StatusCode::CREATED, Json(view(&launch, &rocket)?)))
}

/// One mission.
#[utoipa::path(get, path = "/launch/rockets/{rocket}", tag = "launch",
    params(("rocket" = String, Path)), responses((status = OK, body = RocketView)))]
pub(super) async fn show(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
) -> Reply<Json<RocketView>> {
    Ok(Json(view(&launch, &RocketId::new(rocket)?)?))
}

/// Name a module that will attach.
#[utoipa::path(post, path = "/launch/rockets/{rocket}/modules", tag = "launch",
    params(("rocket" = String, Path)), request_body = ModuleRequest,
    responses((status = OK, body = RocketView)))]
pub(super) async fn add_module(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
    Json(request): Json<ModuleRequest>,
) -> Reply<Json<RocketView>> {
    ask(
        &launch,
        rocket,
        Request::AddModule {
            module: request.module,
        },
    )
    .await
}

/// Shut or open the public feed of one mission.
#[utoipa::path(post, path = "/launch/rockets/{rocket}/embargo", tag = "launch",
    params(("rocket" = String, Path)), request_body = EmbargoRequest,
    responses((status = OK, body = RocketView)))]
pub(super) async fn embargo(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
    Json(request): Json<EmbargoRequest>,
) -> Reply<Json<RocketView>> {
    ask(&launch, rocket, Request::SetEmbargo { on: request.on }).await
}

pub(super) async fn ask(
    launch: &Launch,
    rocket: String,
    request: Request,
) -> Reply<Json<RocketView>> {
    let rocket = RocketId::new(rocket)?;
    launch.request(&rocket, Actor::commander(), request).await?;
    Ok(Json(view(launch, &rocket)?))
}

fn view(launch: &Launch, rocket: &RocketId) -> Result<RocketView, Error> {
    launch.mission(rocket, |mission| RocketView::of(mission, launch.shared()))
}
