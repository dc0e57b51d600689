//! Jobs over HTTP: adding, claiming, settling, looking.

mod add;
mod change;
mod claim;
mod lease;
mod request;
mod settle;
mod show;
mod template;
mod view;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) use change::one as one_of_job;
pub(super) use request::{JobRequest, RetrySettings};
pub(super) use settle::CompletionRequest;
pub(super) use template::JobTemplate;
pub(super) use view::{EnqueuedView, SettledView};

use super::Api;

pub(super) fn router() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(add::add, show::list))
        .routes(routes!(add::add_batch))
        .routes(routes!(claim::claim))
        .routes(routes!(settle::complete_batch))
        .routes(routes!(settle::fail_batch))
        .routes(routes!(lease::release_batch))
        .routes(routes!(lease::extend_batch))
        .routes(routes!(settle::complete))
        .routes(routes!(settle::fail))
        .routes(routes!(lease::release))
        .routes(routes!(lease::extend))
        .routes(routes!(lease::progress))
        .routes(routes!(show::show))
        .routes(routes!(change::cancel))
        .routes(routes!(change::retry))
}
