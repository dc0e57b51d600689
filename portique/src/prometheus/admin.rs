//! Changes of what is stored: deleting, cleaning, copying.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{Answer, Refusal, RefusalKind};
use super::parameters::Parameters;
use super::{QueryApi, Reply};
use crate::telemetry::{Span, Telemetry};

pub(super) fn router() -> OpenApiRouter<Arc<QueryApi>> {
    OpenApiRouter::new()
        .routes(routes!(delete_series))
        .routes(routes!(clean_tombstones))
        .routes(routes!(snapshot))
}

/// Deletes the samples of a time, of the series that one of the selectors under `match[]` accepts.
#[utoipa::path(method(post, put), path = "/admin/tsdb/delete_series", tag = "prometheus",
    params(
        ("match[]" = String, Query, description = "A selector; at least one"),
        ("start" = Option<String>, Query), ("end" = Option<String>, Query),
    ),
    responses((status = NO_CONTENT)))]
pub(crate) async fn delete_series(
    State(api): State<Arc<QueryApi>>,
    parameters: Parameters,
) -> Result<StatusCode, Refusal> {
    let span = Span {
        any_of: parameters.selectors()?,
        from_ms: parameters.time_ms("start", i64::MIN)?,
        to_ms: parameters.time_ms("end", i64::MAX)?,
    };
    if span.any_of.is_empty() {
        return Err(Refusal::bad_data("no match[] parameter provided"));
    }
    if span.to_ms < span.from_ms {
        let reason = "end timestamp must not be before start time";
        return Err(Refusal::parameter("end", reason));
    }
    change(&api, move |telemetry| telemetry.delete(&span, false)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives the space of deleted samples back.
#[utoipa::path(method(post, put), path = "/admin/tsdb/clean_tombstones", tag = "prometheus",
    responses((status = NO_CONTENT)))]
pub(crate) async fn clean_tombstones(
    State(api): State<Arc<QueryApi>>,
) -> Result<StatusCode, Refusal> {
    change(&api, |telemetry| telemetry.clean()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Copies all that is stored to a folder below `series/snapshots` of the data folder.
#[utoipa::path(method(post, put), path = "/admin/tsdb/snapshot", tag = "prometheus",
    params(("skip_head" = Option<bool>, Query, description = "Only false: the newest samples are always copied")),
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn snapshot(State(api): State<Arc<QueryApi>>, parameters: Parameters) -> Reply {
    match parameters.text("skip_head") {
        None | Some("false" | "0" | "f") => {}
        Some(_) => {
            let reason = "the newest samples are always copied: leave it out";
            return Err(Refusal::parameter("skip_head", reason));
        }
    }
    let name = change(&api, |telemetry| telemetry.snapshot()).await?;
    Ok(Answer::of(&json!({ "name": name })))
}

async fn change<T: Send + 'static>(
    api: &QueryApi,
    work: impl FnOnce(&Telemetry) -> Result<T, portique_series::Error> + Send + 'static,
) -> Result<T, Refusal> {
    let telemetry = api.telemetry.clone();
    let done = tokio::task::spawn_blocking(move || work(&telemetry)).await;
    let done = done.map_err(|error| Refusal::internal(&error))?;
    done.map_err(|error| match portique_fault::Fault::code(&error) {
        portique_fault::Code::Unavailable => {
            Refusal::new(RefusalKind::Unavailable, portique_fault::chain(&error))
        }
        _ => Refusal::internal(&error),
    })
}
