use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use portique_monitor::notify::api::{GettableSilence, PostableSilence, SilenceFilter, silences};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{Refusal, Reply};
use super::{borrowed, pairs, read};
use crate::notify::handle::Notifier;

pub(super) fn router() -> OpenApiRouter<Notifier> {
    OpenApiRouter::new()
        .routes(routes!(list, post))
        .routes(routes!(show, expire))
}

/// Silences: active ones, then pending ones, then expired ones.
///
/// With `filter` (matchers, any number of times), `active`, `pending` and `expired` (true or false).
#[utoipa::path(get, path = "/api/v2/silences", tag = "alerts",
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn list(
    State(notifier): State<Notifier>,
    RawQuery(query): RawQuery,
) -> Reply<Json<Vec<GettableSilence>>> {
    let filter = SilenceFilter::from_query(borrowed(&pairs(query.as_deref())));
    let filter = filter.map_err(|error| Refusal::bad(error.to_string()))?;
    read(&notifier, move |state, now| silences(state, &filter, now))
        .await
        .map(Json)
}

/// Make a silence, or change the one with this `id`.
///
/// Beside Alertmanager's fields: `schedule`, a list of time intervals in which it mutes between its start and its
/// end, and `noticeSeconds`, so long before whose end the alert `SilenceEnding` is raised.
#[utoipa::path(post, path = "/api/v2/silences", tag = "alerts", request_body = serde_json::Value,
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn post(State(notifier): State<Notifier>, body: Bytes) -> Reply<Json<Value>> {
    let silence: PostableSilence =
        serde_json::from_slice(&body).map_err(|error| Refusal::bad(error.to_string()))?;
    let request = silence
        .request()
        .map_err(|error| Refusal::bad(error.to_string()))?;
    let id = notifier.set_silence(request).await?;
    Ok(Json(json!({ "silenceID": id })))
}

/// One silence.
#[utoipa::path(get, path = "/api/v2/silence/{id}", tag = "alerts", params(("id" = String, Path)),
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn show(
    State(notifier): State<Notifier>,
    Path(id): Path<String>,
) -> Reply<Json<GettableSilence>> {
    let asked = id.clone();
    let found = read(&notifier, move |state, now| {
        state
            .silence(&asked)
            .map(|silence| GettableSilence::of(silence, now))
    });
    let found = found.await?;
    let found = found.ok_or_else(|| Refusal::not_found(format!("there is no silence {id}")))?;
    Ok(Json(found))
}

/// End a silence now.
#[utoipa::path(delete, path = "/api/v2/silence/{id}", tag = "alerts",
    params(("id" = String, Path)), responses((status = OK)))]
pub(crate) async fn expire(
    State(notifier): State<Notifier>,
    Path(id): Path<String>,
) -> Reply<StatusCode> {
    notifier.expire_silence(id).await?;
    Ok(StatusCode::OK)
}
