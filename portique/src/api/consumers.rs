//! Durable consumers over HTTP: groups of readers whose deliveries are acknowledged one by one.

mod deliver;
mod settings;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use portique_bus::{ConsumerName, Error};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) use settings::ConsumerKindName;
use settings::{ConsumerSettings, ConsumerView};

use super::Api;
use super::refusal::Reply;

pub(super) fn router() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, create, remove))
        .routes(routes!(deliver::fetch))
        .routes(routes!(deliver::ack))
        .routes(routes!(deliver::nak))
        .routes(routes!(deliver::extend))
        .routes(routes!(deliver::seek))
}

/// Every consumer, by name.
#[utoipa::path(get, path = "/api/v1/consumers", tag = "events",
    responses((status = OK, body = Vec<ConsumerView>)))]
pub(crate) async fn list(State(api): State<Arc<Api>>) -> Reply<Json<Vec<ConsumerView>>> {
    let consumers = api.bus.consumers().await?;
    Ok(Json(
        consumers.into_iter().map(ConsumerView::from).collect(),
    ))
}

/// One consumer: where it is, and what it has in hand.
#[utoipa::path(get, path = "/api/v1/consumers/{name}", tag = "events",
    params(("name" = String, Path)), responses((status = OK, body = ConsumerView)))]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
) -> Reply<Json<ConsumerView>> {
    view(&api, ConsumerName::new(name)?).await
}

/// Create a consumer, or find it as it is when the options agree.
#[utoipa::path(put, path = "/api/v1/consumers/{name}", tag = "events",
    params(("name" = String, Path)), request_body = ConsumerSettings,
    responses((status = OK, body = ConsumerView)))]
pub(crate) async fn create(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
    Json(settings): Json<ConsumerSettings>,
) -> Reply<Json<ConsumerView>> {
    let name = ConsumerName::new(name)?;
    api.owned.check_consumer(&name)?;
    let options = settings.into_options()?;
    options.check()?;
    api.bus.consumer(&name, options).await?;
    view(&api, name).await
}

/// Forget a consumer and its position.
#[utoipa::path(delete, path = "/api/v1/consumers/{name}", tag = "events",
    params(("name" = String, Path)), responses((status = NO_CONTENT)))]
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
) -> Reply<StatusCode> {
    let name = ConsumerName::new(name)?;
    api.owned.check_consumer(&name)?;
    api.bus.remove_consumer(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn view(api: &Api, name: ConsumerName) -> Reply<Json<ConsumerView>> {
    let consumers = api.bus.consumers().await?;
    let found = consumers.into_iter().find(|state| state.name == name);
    let found = found.ok_or(Error::UnknownConsumer { name })?;
    Ok(Json(found.into()))
}
