use axum::Json;
use axum::extract::State;
use portique_monitor::notify::api::{ReceiverView, StatusView, VersionView, receivers, status};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::Reply;
use crate::notify::handle::Notifier;

pub(super) fn router() -> OpenApiRouter<Notifier> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(list_receivers))
}

/// How the notifier is, with its configuration, secrets blotted out.
#[utoipa::path(get, path = "/api/v2/status", tag = "alerts",
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn show(State(notifier): State<Notifier>) -> Reply<Json<StatusView>> {
    let version = VersionView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        branch: "portique".to_owned(),
        ..VersionView::default()
    };
    let setup = notifier.shared.setup();
    Ok(Json(status(&setup.config, notifier.shared.since, version)))
}

/// Who can be told.
#[utoipa::path(get, path = "/api/v2/receivers", tag = "alerts",
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn list_receivers(
    State(notifier): State<Notifier>,
) -> Reply<Json<Vec<ReceiverView>>> {
    Ok(Json(receivers(&notifier.shared.setup().config)))
}
