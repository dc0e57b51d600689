//! OpenTelemetry's metrics over HTTP.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use portique_exposition::{OtlpCounts, OtlpFormat, otlp_response, read_otlp};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Intake;
use super::body::{Encoding, text, unsupported};
use super::ledger::Way;
use super::take::{Refusal, Taken};

pub(super) fn router() -> OpenApiRouter<Intake> {
    OpenApiRouter::new()
        .routes(routes!(metrics))
        .routes(routes!(metrics_below_prometheus))
}

/// Send metrics as an OpenTelemetry exporter does, as protobuf or JSON, with gzip or without. What was rejected of
/// it is in the answer's partial success.
#[utoipa::path(post, path = "/otlp/v1/metrics", tag = "telemetry",
    request_body(content = Vec<u8>, content_type = "application/x-protobuf"),
    responses((status = OK, body = Vec<u8>, content_type = "application/x-protobuf")))]
pub(crate) async fn metrics(
    State(intake): State<Intake>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let content_type = text(&headers, header::CONTENT_TYPE);
    let format = OtlpFormat::of_content_type(content_type).ok_or_else(|| {
        unsupported(format!(
            "content-type {content_type:?} is not OTLP: send application/x-protobuf or application/json"
        ))
    })?;
    let encoding = Encoding::of(&headers)?;
    let held = intake.hold(&headers, body).await?;
    let taken = intake.take(Way::Otlp, move |batch, rejections| {
        let mut room = Vec::new();
        let body = encoding.decode(&held.bytes, &mut room)?;
        read_otlp(body, format, batch, rejections)
    });
    Ok(answer(&taken.await?, format))
}

/// The same where a Prometheus has it.
#[utoipa::path(post, path = "/prometheus/api/v1/otlp/v1/metrics", tag = "telemetry",
    request_body(content = Vec<u8>, content_type = "application/x-protobuf"),
    responses((status = OK, body = Vec<u8>, content_type = "application/x-protobuf")))]
pub(crate) async fn metrics_below_prometheus(
    state: State<Intake>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    metrics(state, headers, body).await
}

fn answer(taken: &Taken<OtlpCounts>, format: OtlpFormat) -> Response {
    let refused_samples = taken.appended.refused_samples() as u64;
    let rejected = taken.counts.rejected_points + refused_samples;
    match format {
        OtlpFormat::Protobuf => {
            let headers = [(header::CONTENT_TYPE, "application/x-protobuf")];
            (headers, otlp_response(rejected, &taken.complaint)).into_response()
        }
        OtlpFormat::Json if rejected == 0 => axum::Json(json!({})).into_response(),
        OtlpFormat::Json => {
            let partial = json!({
                "rejectedDataPoints": rejected.to_string(),
                "errorMessage": taken.complaint,
            });
            axum::Json(json!({ "partialSuccess": partial })).into_response()
        }
    }
}
