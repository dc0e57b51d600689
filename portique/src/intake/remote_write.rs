//! Remote write, both versions at one address.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use portique_exposition::{WriteCounts, WriteReader, WriteVersion};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Intake;
use super::body::{Encoding, text, unsupported};
use super::ledger::Way;
use super::take::{Refusal, Taken};

/// What a sender of the second version asks how much was written by.
const WRITTEN: [HeaderName; 3] = [
    HeaderName::from_static("x-prometheus-remote-write-samples-written"),
    HeaderName::from_static("x-prometheus-remote-write-histograms-written"),
    HeaderName::from_static("x-prometheus-remote-write-exemplars-written"),
];

pub(super) fn router() -> OpenApiRouter<Intake> {
    OpenApiRouter::new().routes(routes!(write))
}

/// Send samples as a Prometheus does; the content type says which version of the message it is. Samples that
/// can be taken are, also when others are refused: 400 then says which, and sending them again would not help.
#[utoipa::path(post, path = "/prometheus/api/v1/write", tag = "telemetry",
    request_body(content = Vec<u8>, content_type = "application/x-protobuf"),
    responses((status = NO_CONTENT)))]
pub(crate) async fn write(
    State(intake): State<Intake>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let version = version(&headers)?;
    let held = intake.hold(&headers, body).await?;
    let taken = intake.take(Way::RemoteWrite, move |batch, rejections| {
        WriteReader::new().read(version, &held.bytes, batch, rejections)
    });
    let answered = taken.await;
    let (written, response) = match answered {
        Ok(taken) => {
            let written = written(&taken);
            match taken.refused() {
                0 => (written, StatusCode::NO_CONTENT.into_response()),
                _ => (written, taken.partial().into_response()),
            }
        }
        Err(refusal) => ([0; 3], refusal.into_response()),
    };
    Ok(match version {
        WriteVersion::V1 => response,
        WriteVersion::V2 => with_written(response, written),
    })
}

/// # Errors
/// Unsupported media type, when it is another message or not compressed with snappy.
fn version(headers: &HeaderMap) -> Result<WriteVersion, Refusal> {
    let content_type = text(headers, header::CONTENT_TYPE);
    let version = WriteVersion::of_content_type(content_type).ok_or_else(|| {
        unsupported(format!(
            "content-type {content_type:?} is not remote write: send application/x-protobuf, with \
             proto=io.prometheus.write.v2.Request for the second version"
        ))
    })?;
    // Senders of the first version may leave the header out.
    match Encoding::of(headers)? {
        Encoding::Snappy => Ok(version),
        Encoding::Plain if text(headers, header::CONTENT_ENCODING).is_empty() => Ok(version),
        Encoding::Plain | Encoding::Gzip => Err(unsupported(
            "remote write is compressed with snappy only".to_owned(),
        )),
    }
}

/// Samples, histograms and exemplars that are in the store now.
fn written(taken: &Taken<WriteCounts>) -> [usize; 3] {
    let WriteCounts {
        samples,
        histograms,
        ..
    } = taken.counts;
    let refused = taken.appended.refused_samples();
    let refused_histograms = match samples {
        0 => refused,
        _ => taken.refused_histograms.min(refused),
    };
    [
        samples.saturating_sub(refused - refused_histograms),
        histograms.saturating_sub(refused_histograms),
        taken.appended.exemplars,
    ]
}

fn with_written(mut response: Response, written: [usize; 3]) -> Response {
    for (name, count) in WRITTEN.into_iter().zip(written) {
        response.headers_mut().insert(name, count.into());
    }
    response
}
