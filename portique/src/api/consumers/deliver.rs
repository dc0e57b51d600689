use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use portique_bus::{ConsumerName, Delivery, DeliveryToken};
use serde::{Deserialize, Serialize};

use crate::api::events::{EventView, Position};
use crate::api::number::{Token, duration};
use crate::api::refusal::Reply;
use crate::api::{Api, WAIT_MAX, page_limit};

/// What a reader asks for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FetchQuery {
    /// Most deliveries: 1 to 1,000; 1 when absent.
    limit: Option<usize>,
    /// How long to wait for the first, in seconds, up to 60; 0 when absent.
    #[serde(default, alias = "wait")]
    #[param(value_type = Option<f64>)]
    wait_s: f64,
}

/// An event in a reader's hands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct DeliveryView {
    /// What acknowledges it.
    token: Token,
    /// 1 for the first delivery.
    attempt: u32,
    /// The event and its place.
    #[serde(flatten)]
    delivered: EventView,
}

/// Deliveries to settle.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokensRequest {
    /// Their tokens, all of this consumer; at most 4,096.
    tokens: Vec<Token>,
}

/// A delivery to give back.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NakRequest {
    /// Its token.
    token: Token,
    /// Delivered again after this many seconds; at once when absent.
    #[serde(default)]
    delay_s: f64,
}

/// Where to go on.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeekRequest {
    /// `first`, `new`, a sequence, or a time in RFC 3339.
    #[schema(value_type = String)]
    to: Position,
}

/// Take events to work on; an empty list when there is none in time.
#[utoipa::path(post, path = "/api/v1/consumers/{name}/fetch", tag = "events",
    params(("name" = String, Path), FetchQuery),
    responses((status = OK, body = Vec<DeliveryView>)))]
pub(crate) async fn fetch(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
    Query(query): Query<FetchQuery>,
) -> Reply<Json<Vec<DeliveryView>>> {
    let name = writable(&api, name)?;
    let limit = page_limit(query.limit.unwrap_or(1))?;
    let wait = duration("wait_s", query.wait_s)?.min(WAIT_MAX);
    let _place = if wait.is_zero() {
        None
    } else {
        Some(api.gate.wait()?)
    };
    let deliveries = api.bus.fetch(&name, limit, wait).await?;
    Ok(Json(
        deliveries.into_iter().map(DeliveryView::from).collect(),
    ))
}

/// Acknowledge deliveries, all or none.
#[utoipa::path(post, path = "/api/v1/consumers/{name}/ack", tag = "events",
    params(("name" = String, Path)), request_body = TokensRequest,
    responses((status = NO_CONTENT)))]
pub(crate) async fn ack(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
    Json(request): Json<TokensRequest>,
) -> Reply<StatusCode> {
    let name = writable(&api, name)?;
    api.bus.ack(&name, &request.tokens()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a delivery back, to be delivered again.
#[utoipa::path(post, path = "/api/v1/consumers/{name}/nak", tag = "events",
    params(("name" = String, Path)), request_body = NakRequest,
    responses((status = NO_CONTENT)))]
pub(crate) async fn nak(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
    Json(request): Json<NakRequest>,
) -> Reply<StatusCode> {
    let name = writable(&api, name)?;
    let delay = duration("delay_s", request.delay_s)?;
    let token = DeliveryToken(request.token.0);
    api.bus.nak(&name, token, delay).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give deliveries their full time again, all or none.
#[utoipa::path(post, path = "/api/v1/consumers/{name}/extend", tag = "events",
    params(("name" = String, Path)), request_body = TokensRequest,
    responses((status = NO_CONTENT)))]
pub(crate) async fn extend(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
    Json(request): Json<TokensRequest>,
) -> Reply<StatusCode> {
    let name = writable(&api, name)?;
    api.bus.extend(&name, &request.tokens()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Move a consumer: it goes on from there, and what it holds is forgotten with its tokens.
#[utoipa::path(post, path = "/api/v1/consumers/{name}/seek", tag = "events",
    params(("name" = String, Path)), request_body = SeekRequest,
    responses((status = NO_CONTENT)))]
pub(crate) async fn seek(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
    Json(request): Json<SeekRequest>,
) -> Reply<StatusCode> {
    let name = writable(&api, name)?;
    api.bus.seek(&name, request.to.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A consumer that is not somebody's in the hub.
fn writable(api: &Api, name: String) -> Reply<ConsumerName> {
    let name = ConsumerName::new(name)?;
    api.owned.check_consumer(&name)?;
    Ok(name)
}

impl TokensRequest {
    fn tokens(&self) -> Vec<DeliveryToken> {
        self.tokens
            .iter()
            .map(|token| DeliveryToken(token.0))
            .collect()
    }
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            token: Token(delivery.token.0),
            attempt: delivery.attempt,
            delivered: delivery.delivered.into(),
        }
    }
}
