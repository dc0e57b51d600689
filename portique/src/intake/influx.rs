//! Influx' line protocol, where both versions of its server take it.

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use portique_exposition::{InfluxOptions, InfluxPrecision, read_influx};
use portique_fault::Code;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Intake;
use super::body::Encoding;
use super::ledger::Way;
use super::take::Refusal;

pub(super) fn router() -> OpenApiRouter<Intake> {
    OpenApiRouter::new()
        .routes(routes!(write))
        .routes(routes!(write_v2))
}

/// Where the lines go, and what their timestamps count; other parameters are ignored, as users and retention
/// policies mean nothing here.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WriteQuery {
    /// The database, which becomes the label `db`.
    #[serde(default)]
    db: String,
    /// The bucket, as newer clients call it.
    #[serde(default)]
    bucket: String,
    /// `ns` (the default), `us`, `ms`, `s`, `m` or `h`.
    #[serde(default)]
    precision: String,
}

/// Send lines such as `cpu,host=a idle=97.5 1700000000000000000`, with gzip or without. Good lines are taken, also
/// when others are refused: 400 then says which.
#[utoipa::path(post, path = "/write", tag = "telemetry", params(WriteQuery),
    request_body(content = String, content_type = "text/plain"),
    responses((status = NO_CONTENT)))]
pub(crate) async fn write(
    State(intake): State<Intake>,
    Query(query): Query<WriteQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Refusal> {
    let precision = InfluxPrecision::of_parameter(&query.precision).ok_or_else(|| {
        let given = &query.precision;
        let message = format!("precision is {given:?}: write ns, us, ms, s, m or h");
        Refusal::new(Code::InvalidArgument, message)
    })?;
    let encoding = Encoding::of(&headers)?;
    let held = intake.hold(&headers, body).await?;
    let now_ms = intake.now_ms();
    let taken = intake.take(Way::Influx, move |batch, rejections| {
        let mut room = Vec::new();
        let body = encoding.decode(&held.bytes, &mut room)?;
        let options = InfluxOptions {
            precision,
            now_ms,
            database: if query.db.is_empty() {
                &query.bucket
            } else {
                &query.db
            },
        };
        Ok(read_influx(body, &options, batch, rejections))
    });
    let taken = taken.await?;
    match taken.refused() {
        0 => Ok(StatusCode::NO_CONTENT),
        _ => Err(taken.partial()),
    }
}

/// The same where the second version has it.
#[utoipa::path(post, path = "/api/v2/write", tag = "telemetry", params(WriteQuery),
    request_body(content = String, content_type = "text/plain"),
    responses((status = NO_CONTENT)))]
pub(crate) async fn write_v2(
    state: State<Intake>,
    query: Query<WriteQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Refusal> {
    write(state, query, headers, body).await
}
