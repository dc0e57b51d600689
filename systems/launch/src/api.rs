//! Launch control over HTTP: one router, documented for OpenAPI, mounted by the front door.
//!
//! Failures leave here as a [`Report`](portique_fault::Report) in the response's extensions; the front door renders it, so that
//! every error of the hub looks alike. Who may call what is the front door's business too: everything
//! that is not a `GET` is an order.

mod count;
mod definition;
mod feed;
mod history;
mod missions;
mod orders;
mod poll;
mod refusal;
mod view;
mod weather;

use portique_access::approval::Desk;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use count::ReasonRequest;
pub use definition::NewRocket;
use orders::Orders;
pub use orders::{AwaitingApproval, OrderRequest};
pub use poll::{PollRequest, VoteRequest};
pub use refusal::Refusal;
pub use view::{CountView, ModuleView, RocketView, StepView, WeatherView};
pub use weather::WeatherReport;

use crate::service::Launch;

/// The routes of launch control, below `/api/v1`; what takes two people is asked for at the desk.
pub fn router(launch: Launch, desk: Desk) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(missions::list, missions::add))
        .routes(routes!(missions::show))
        .routes(routes!(missions::add_module))
        .routes(routes!(weather::weather, weather::report_weather))
        .routes(routes!(poll::open_poll))
        .routes(routes!(poll::vote))
        .routes(routes!(poll::close_poll))
        .routes(routes!(count::start_count))
        .routes(routes!(count::hold))
        .routes(routes!(count::resume))
        .routes(routes!(count::scrub))
        .routes(routes!(missions::embargo))
        .routes(routes!(orders::list))
        .routes(routes!(history::log))
        .routes(routes!(history::telemetry))
        .routes(routes!(feed::live))
        .routes(routes!(feed::webcast))
        .routes(routes!(feed::webcast_live))
        .with_state(launch.clone())
        .merge(orders::router(Orders { launch, desk }))
}
