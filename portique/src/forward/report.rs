//! How receivers are, for whoever asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Forwarding;
use super::outlet::Outlet;
use crate::http::{Figure, Value};

/// The route, with its whole path.
pub(crate) fn router(forwarding: Forwarding) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(remote_write))
        .with_state(forwarding)
}

/// A receiver of remote write, since it is sent to.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ReceiverView {
    /// What the file calls it.
    name: String,
    /// Where it is.
    url: String,
    /// From when on it has to be sent what the store has, Unix milliseconds; null while it is sent samples as they
    /// arrive.
    behind_since_ms: Option<i64>,
    /// Samples that wait in memory.
    pending: usize,
    /// Samples that it acknowledged.
    samples: u64,
    /// Requests that it acknowledged, and bytes of them.
    requests: u64,
    bytes: u64,
    /// Requests that it is asked to take again.
    retries: u64,
    /// Samples that it was not sent, by reason.
    left_out: BTreeMap<&'static str, u64>,
    /// When it acknowledged something last, Unix milliseconds.
    last_sent_ms: Option<i64>,
    /// What it said last that was no yes; empty when there was nothing.
    last_error: String,
}

/// Receivers of remote write: how far each is, what it was not sent, and why.
#[utoipa::path(get, path = "/api/v1/telemetry/remote-write", tag = "telemetry",
    responses((status = OK, body = Vec<ReceiverView>)))]
pub(crate) async fn remote_write(State(forwarding): State<Forwarding>) -> Json<Vec<ReceiverView>> {
    let outlets = forwarding.outlets();
    Json(outlets.iter().map(|outlet| view(outlet)).collect())
}

fn view(outlet: &Outlet) -> ReceiverView {
    let view = outlet.view();
    let counts = view.counts;
    let left_out = counts.left_out.into_iter();
    ReceiverView {
        name: outlet.config.name.clone(),
        url: outlet.config.url.clone(),
        behind_since_ms: view.behind_ms,
        pending: view.pending,
        samples: counts.samples,
        requests: counts.requests,
        bytes: counts.bytes,
        retries: counts.retries,
        left_out: left_out.map(|(why, count)| (why.as_str(), count)).collect(),
        last_sent_ms: counts.last_sent_ms,
        last_error: counts.last_error,
    }
}

/// What is counted of all receivers together.
pub(super) fn figures(outlets: &[Arc<Outlet>]) -> Vec<Figure> {
    let views: Vec<_> = outlets.iter().map(|outlet| outlet.view()).collect();
    let total = |of: fn(&super::outlet::Counts) -> u64| {
        let totals = views.iter().map(|view| of(&view.counts));
        Value::Counter(totals.sum())
    };
    let figure = |name, help, value| Figure { name, help, value };
    let behind = views.iter().filter(|view| view.behind_ms.is_some()).count();
    let pending: usize = views.iter().map(|view| view.pending).sum();
    vec![
        figure(
            "remote_write_receivers_behind",
            "Receivers that are sent what the store has, as they could not follow",
            Value::Gauge(behind as f64),
        ),
        figure(
            "remote_write_pending_samples",
            "Samples that wait in memory for receivers",
            Value::Gauge(pending as f64),
        ),
        figure(
            "remote_write_samples",
            "Samples that receivers acknowledged",
            total(|counts| counts.samples),
        ),
        figure(
            "remote_write_retries",
            "Requests that receivers are asked to take again",
            total(|counts| counts.retries),
        ),
        figure(
            "remote_write_left_out",
            "Samples that receivers were not sent; /api/v1/telemetry/remote-write says why",
            total(|counts| counts.left_out.values().sum()),
        ),
    ]
}
