use std::sync::Arc;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use portique_monitor::notify::Posted;
use portique_monitor::notify::api::{
    AlertFilter, AlertGroupView, GettableAlert, PostableAlert, alert_groups, alerts,
};
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{Refusal, Reply};
use super::{borrowed, pairs, read};
use crate::notify::handle::Notifier;

/// Largest body: what Prometheus sends at once, 256 alerts, with pages of annotations each.
const BODY_BYTES_MAX: usize = 8 << 20;
/// Bodies in memory at once.
const BODIES_MAX: usize = 8;
/// Alerts that are refused and told at once: enough to see what they have in common.
const PROBLEMS_MAX: usize = 10;

pub(super) fn router() -> OpenApiRouter<Notifier> {
    OpenApiRouter::new()
        .routes(routes!(list, post))
        .routes(routes!(groups))
}

/// Alerts that are not over.
///
/// With `filter` (matchers, any number of times), `receiver` (a regular expression), `active`, `silenced`,
/// `inhibited` and `unprocessed` (true or false).
#[utoipa::path(get, path = "/api/v2/alerts", tag = "alerts",
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn list(
    State(notifier): State<Notifier>,
    RawQuery(query): RawQuery,
) -> Reply<Json<Vec<GettableAlert>>> {
    let filter = alert_filter(query.as_deref())?;
    read(&notifier, move |state, now| alerts(state, &filter, now))
        .await
        .map(Json)
}

/// Groups of alerts that are not over, by receiver.
///
/// Parameters as for alerts, and `muted`.
#[utoipa::path(get, path = "/api/v2/alerts/groups", tag = "alerts",
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn groups(
    State(notifier): State<Notifier>,
    RawQuery(query): RawQuery,
) -> Reply<Json<Vec<AlertGroupView>>> {
    let filter = alert_filter(query.as_deref())?;
    read(&notifier, move |state, now| {
        alert_groups(state, &filter, now)
    })
    .await
    .map(Json)
}

fn alert_filter(query: Option<&str>) -> Reply<AlertFilter> {
    let filter = AlertFilter::from_query(borrowed(&pairs(query)));
    filter.map_err(|error| Refusal::bad(error.to_string()))
}

/// Tell of alerts: those that begin, go on, or ended.
///
/// A list with `labels`, `annotations`, `startsAt`, `endsAt` and `generatorURL`. One without an end counts as over
/// when nobody tells of it again within `resolve_timeout`. Those that are wrong are refused alone.
#[utoipa::path(post, path = "/api/v2/alerts", tag = "alerts", request_body = serde_json::Value,
    responses((status = OK)))]
pub(crate) async fn post(State(notifier): State<Notifier>, body: Body) -> Reply<StatusCode> {
    let room = notifier.shared.bodies.clone().try_acquire_owned();
    let _room = room.map_err(|_| Refusal::busy("others are telling of alerts: come back"))?;
    let bytes = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| {
        Refusal::too_large(format!("the body has more than {BODY_BYTES_MAX} bytes"))
    })?;
    let posted: Vec<PostableAlert> =
        serde_json::from_slice(&bytes).map_err(|error| Refusal::bad(error.to_string()))?;
    let posted: Vec<Posted> = posted.into_iter().map(Posted::from).collect();
    let refused = notifier.post(posted).await?;
    if refused.is_empty() {
        return Ok(StatusCode::OK);
    }
    let shown = refused.iter().take(PROBLEMS_MAX);
    let mut problems: Vec<String> = shown
        .map(|(place, problem)| format!("alert {place}: {problem}"))
        .collect();
    if let Some(more @ 1..) = refused.len().checked_sub(PROBLEMS_MAX) {
        problems.push(format!("and {more} more"));
    }
    Err(Refusal::bad(problems.join("; ")))
}

/// Room for bodies.
pub(in crate::notify) fn bodies() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(BODIES_MAX))
}
