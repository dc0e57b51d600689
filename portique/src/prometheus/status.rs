//! What clients ask to learn whom they talk to.

use std::sync::Arc;

use axum::extract::State;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::QueryApi;
use super::answer::Answer;

/// The version whose language and interface these are: clients choose by it what they ask for.
const SPOKEN_VERSION: &str = "3.14.0";

pub(super) fn router() -> OpenApiRouter<Arc<QueryApi>> {
    OpenApiRouter::new()
        .routes(routes!(buildinfo))
        .routes(routes!(flags))
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
        "web.enable-admin-api": "false",
        "web.enable-remote-write-receiver": "true",
    }))
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
