//! Events over HTTP: publish in every CloudEvents mode, read, follow.

mod binary;
mod position;
mod publish;
mod read;
mod stream;
mod view;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) use binary::to_headers;
pub(super) use position::Position;
pub(super) use view::EventView;

use super::Api;

pub(super) fn router() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(publish::publish, read::page))
        .routes(routes!(stream::stream))
}
