//! Prometheus' query interface, word for word, so that its clients work on the hub's telemetry.
//!
//! Answers and refusals have Prometheus' envelope instead of the hub's own; unknown parameters are
//! ignored, as there. Reads need no token, as the hub's other reads. Queries run on threads that may
//! block, a limited number at once, each with a deadline, and end when their visitor is gone.
//!
//! Source: Prometheus 3.14, `web/api/v1`.

mod admin;
mod answer;
mod at_root;
mod counts;
mod exemplars;
mod federate;
mod listing;
mod number;
mod parameters;
mod query;
mod remote_read;
mod result;
mod rules;
mod status;
mod syntax;
mod targets;
#[cfg(test)]
mod tests;
mod tree;
mod work;

use std::sync::Arc;

use portique_clock::Timestamp;
use portique_series::Store;
use utoipa_axum::router::OpenApiRouter;

use crate::scrape::Scraping;
use crate::telemetry::Telemetry;
use answer::{Answer, Refusal};
pub(crate) use at_root::at_root;
pub(crate) use counts::QueryCounts;
pub(crate) use rules::router as rules_router;
use work::Work;

/// What a path begins with that Prometheus' own begins without.
pub(crate) const PREFIX: &str = "/prometheus";
/// Routes with a deadline of their own, `query.timeout_s`, which is told in Prometheus' words;
/// those that change what is stored take as long as the store does.
pub(crate) const OWN_DEADLINES: [&str; 13] = [
    "/prometheus/api/v1/query",
    "/prometheus/api/v1/query_range",
    "/prometheus/api/v1/query_exemplars",
    "/prometheus/api/v1/labels",
    "/prometheus/api/v1/label/{name}/values",
    "/prometheus/api/v1/series",
    "/prometheus/api/v1/metadata",
    "/prometheus/api/v1/read",
    "/prometheus/api/v1/status/tsdb",
    "/prometheus/federate",
    "/prometheus/api/v1/admin/tsdb/delete_series",
    "/prometheus/api/v1/admin/tsdb/clean_tombstones",
    "/prometheus/api/v1/admin/tsdb/snapshot",
];

type Reply = Result<Answer, Refusal>;

/// What the routes stand on.
struct QueryApi {
    telemetry: Telemetry,
    scraping: Scraping,
    work: Work,
    counts: QueryCounts,
    began: Timestamp,
}

/// The routes below `/prometheus`.
pub(crate) fn router(
    telemetry: Telemetry,
    scraping: Scraping,
    counts: QueryCounts,
) -> OpenApiRouter {
    let api = Arc::new(QueryApi {
        work: Work::new(telemetry.clock.clone()),
        began: telemetry.clock.now(),
        telemetry,
        scraping,
        counts,
    });
    let v1 = OpenApiRouter::new()
        .merge(admin::router())
        .merge(query::router())
        .merge(listing::router())
        .merge(exemplars::router())
        .merge(remote_read::router())
        .merge(syntax::router())
        .merge(targets::router())
        .merge(status::router());
    let routes = OpenApiRouter::new()
        .nest("/api/v1", v1)
        .merge(federate::router())
        .merge(status::health())
        .with_state(api);
    OpenApiRouter::new().nest(PREFIX, routes)
}

impl QueryApi {
    /// Reads from the store on a thread that may block, within the time of a query.
    ///
    /// # Errors
    /// What the read says, or that it took too long.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, portique_series::Error> + Send + 'static,
    ) -> Result<T, Refusal> {
        let store = self.telemetry.store.clone();
        let timeout = self.telemetry.query_timeout;
        let done = self.work.run(timeout, move |_| read(&store)).await?;
        done.map_err(|error| Refusal::internal(&error))
    }
}
