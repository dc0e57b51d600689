use axum::Json;
use axum::extract::{Path, Query, State};

use super::refusal::Refusal;
use crate::service::{Launch, LogPage, LogQuery, TelemetryPage, TelemetryQuery};
use crate::{ModuleId, RocketId};

/// The mission log, oldest first.
#[utoipa::path(get, path = "/launch/log", tag = "launch", params(LogQuery),
    responses((status = OK, body = LogPage)))]
pub(super) async fn log(
    State(launch): State<Launch>,
    Query(query): Query<LogQuery>,
) -> Result<Json<LogPage>, Refusal> {
    Ok(Json(launch.log(&query).await?))
}

/// A module's telemetry, in order of T.
#[utoipa::path(get, path = "/launch/rockets/{rocket}/modules/{module}/telemetry", tag = "launch",
    params(("rocket" = String, Path), ("module" = String, Path), TelemetryQuery),
    responses((status = OK, body = TelemetryPage)))]
pub(super) async fn telemetry(
    State(launch): State<Launch>,
    Path((rocket, module)): Path<(String, String)>,
    Query(query): Query<TelemetryQuery>,
) -> Result<Json<TelemetryPage>, Refusal> {
    let (rocket, module) = (RocketId::new(rocket)?, ModuleId::new(module)?);
    Ok(Json(launch.telemetry(&rocket, &module, &query).await?))
}
