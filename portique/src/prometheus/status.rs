//! What clients ask to learn whom they talk to.

use std::sync::Arc;

use axum::extract::State;
use portique_series::Store;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{Answer, Refusal};
use super::parameters::Parameters;
use super::{QueryApi, Reply};

/// The version whose language and interface these are: clients choose by it what they ask for.
const SPOKEN_VERSION: &str = "3.14.0";

/// As in Prometheus.
const LARGEST_DEFAULT: usize = 10;
const LARGEST_MAX: usize = 10_000;

pub(super) fn router() -> OpenApiRouter<Arc<QueryApi>> {
    OpenApiRouter::new()
        .routes(routes!(buildinfo))
        .routes(routes!(flags))
        .routes(routes!(runtimeinfo))
        .routes(routes!(tsdb))
}

/// Routes beside the interface itself.
pub(super) fn health() -> OpenApiRouter<Arc<QueryApi>> {
    OpenApiRouter::new()
        .routes(routes!(healthy))
        .routes(routes!(ready))
}

/// Which version of Prometheus this speaks like; `revision` is the hub's own version.
#[utoipa::path(get, path = "/status/buildinfo", tag = "prometheus",
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn buildinfo() -> Answer {
    Answer::of(&json!({
        "version": SPOKEN_VERSION,
        "revision": env!("CARGO_PKG_VERSION"),
        "branch": "portique",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
    }))
}

/// What Prometheus' flags would be for the hub to do as it does.
#[utoipa::path(get, path = "/status/flags", tag = "prometheus",
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn flags(State(api): State<Arc<QueryApi>>) -> Answer {
    let telemetry = &api.telemetry;
    let engine = telemetry.engine.config();
    let features = match engine.syntax.experimental_functions {
        true => {
            "promql-experimental-functions,promql-extended-range-selectors,promql-binop-fill-modifiers"
        }
        false => "",
    };
    let seconds = |ms: i64| format!("{}s", ms / 1000);
    Answer::of(&json!({
        "enable-feature": features,
        "query.lookback-delta": seconds(engine.lookback_ms),
        "query.max-samples": engine.samples_max.to_string(),
        "query.timeout": format!("{}s", telemetry.query_timeout.as_secs_f64()),
        "web.enable-admin-api": "true",
        "web.enable-remote-write-receiver": "true",
    }))
}

/// Since when the hub is there, and what time it is for it. What only a program in Go has is left out.
#[utoipa::path(get, path = "/status/runtimeinfo", tag = "prometheus",
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn runtimeinfo(State(api): State<Arc<QueryApi>>) -> Answer {
    Answer::of(&json!({
        "startTime": api.began.to_string(),
        "serverTime": api.telemetry.clock.now().to_string(),
        "corruptionCount": api.telemetry.store.figures().damaged_blocks,
    }))
}

/// What takes the most room among the newest samples.
#[utoipa::path(get, path = "/status/tsdb", tag = "prometheus",
    params(("limit" = Option<u64>, Query, description = "So many of each list; 10 when absent")),
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn tsdb(State(api): State<Arc<QueryApi>>, parameters: Parameters) -> Reply {
    let limit = match parameters.text("limit") {
        None => LARGEST_DEFAULT,
        Some(_) => parameters.limit()?,
    };
    if limit > LARGEST_MAX {
        let reason = format!("limit must not exceed {LARGEST_MAX}");
        return Err(Refusal::parameter("limit", reason));
    }
    let read = move |store: &Store| Ok((store.figures(), store.largest(limit)));
    let (figures, largest) = api.read(read).await?;
    let list = |sizes: Vec<(String, usize)>| -> Vec<_> {
        let sizes = sizes.into_iter();
        sizes
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect()
    };
    let (first_ms, last_ms) = figures.range_ms.unwrap_or((0, 0));
    Ok(Answer::of(&json!({
        "headStats": {
            "numSeries": figures.series,
            "numLabelPairs": figures.label_pairs,
            "minTime": first_ms,
            "maxTime": last_ms,
        },
        "seriesCountByMetricName": list(largest.series_by_metric),
        "labelValueCountByLabelName": list(largest.values_by_label),
        "seriesCountByLabelValuePair": list(largest.series_by_pair),
    })))
}

/// Whether the process lives.
#[utoipa::path(get, path = "/-/healthy", tag = "prometheus",
    responses((status = OK, body = String)))]
pub(crate) async fn healthy() -> &'static str {
    "Prometheus Server is Healthy.\n"
}

/// Whether queries are answered, which they are as soon as somebody hears this.
#[utoipa::path(get, path = "/-/ready", tag = "prometheus",
    responses((status = OK, body = String)))]
pub(crate) async fn ready() -> &'static str {
    "Prometheus Server is Ready.\n"
}
