use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::Front;

/// Which hub this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct Version {
    /// Always `portique`.
    name: String,
    /// Its version.
    version: String,
    /// The process on its machine.
    pid: u32,
    /// Where modules attach themselves.
    grpc: String,
}

/// The hub's version and where its modules attach.
#[utoipa::path(get, path = "/api/v1/version", tag = "hub", responses((status = 200, body = Version)))]
pub(super) async fn version(State(front): State<Arc<Front>>) -> Json<Version> {
    Json(Version {
        name: "portique".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        pid: front.addresses.pid,
        grpc: front.addresses.grpc.to_string(),
    })
}
