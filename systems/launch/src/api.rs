//! Launch control over HTTP: one router, documented for OpenAPI, mounted by the front door.
//!
//! Failures leave here as a [`Report`] in the response's extensions; the front door renders it, so that
//! every error of the hub looks alike. Who may call what is the front door's business too: everything
//! that is not a `GET` is an order.

mod feed;
mod history;
mod missions;
mod orders;
mod refusal;
mod view;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use missions::{NewRocket, PollRequest, ReasonRequest, VoteRequest, WeatherReport};
pub use orders::OrderRequest;
pub use refusal::Refusal;
pub use view::{CountView, ModuleView, RocketView, StepView, WeatherView};

use crate::service::Launch;

/// The routes of launch control, below `/api/v1`.
pub fn router(launch: Launch) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(missions::list, missions::add))
        .routes(routes!(missions::show))
        .routes(routes!(missions::add_module))
        .routes(routes!(missions::weather, missions::report_weather))
        .routes(routes!(missions::open_poll))
        .routes(routes!(missions::vote))
        .routes(routes!(missions::close_poll))
        .routes(routes!(missions::start_count))
        .routes(routes!(missions::hold))
        .routes(routes!(missions::resume))
        .routes(routes!(missions::scrub))
        .routes(routes!(missions::embargo))
        .routes(routes!(orders::give))
        .routes(routes!(orders::list))
        .routes(routes!(history::log))
        .routes(routes!(history::telemetry))
        .routes(routes!(feed::live))
        .routes(routes!(feed::webcast))
        .routes(routes!(feed::webcast_live))
        .with_state(launch)
}
