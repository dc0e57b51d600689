use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use crate::mission::{Actor, OrderRecord};
use crate::service::Launch;
use crate::{ModuleId, Order, RocketId};

/// An order to a module.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OrderRequest {
    /// Idempotency key: the same id is executed at most once; one is made when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What to do.
    #[serde(flatten)]
    pub order: Order,
}

/// Order a module; answers with how far the order came.
#[utoipa::path(post, path = "/launch/rockets/{rocket}/modules/{module}/orders", tag = "launch",
    params(("rocket" = String, Path), ("module" = String, Path)), request_body = OrderRequest,
    responses((status = OK, body = OrderRecord)))]
pub(super) async fn give(
    State(launch): State<Launch>,
    Path((rocket, module)): Path<(String, String)>,
    Json(request): Json<OrderRequest>,
) -> Result<Json<OrderRecord>, Refusal> {
    let (rocket, module) = (RocketId::new(rocket)?, ModuleId::new(module)?);
    let given = launch.mission(&rocket, |mission| mission.orders().len())?;
    // Two orders without an id at the same moment would share one, and the second be refused as a
    // conflict: nothing is done twice.
    let id = request.id.unwrap_or_else(|| format!("order-{}", given + 1));
    let record = launch
        .order(&rocket, Actor::commander(), id, module, request.order)
        .await?;
    Ok(Json(record))
}

/// All orders of a mission, oldest first.
#[utoipa::path(get, path = "/launch/rockets/{rocket}/orders", tag = "launch",
    params(("rocket" = String, Path)), responses((status = OK, body = Vec<OrderRecord>)))]
pub(super) async fn list(
    State(launch): State<Launch>,
    Path(rocket): Path<String>,
) -> Result<Json<Vec<OrderRecord>>, Refusal> {
    let rocket = RocketId::new(rocket)?;
    Ok(Json(
        launch.mission(&rocket, |mission| mission.orders().to_vec())?,
    ))
}
