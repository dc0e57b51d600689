//! Remote read: samples for another Prometheus, which evaluates its own queries on them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use portique_exposition::{ReadEncoder, ReadQuery, read_request};
use portique_series::{Samples, Selection, Source, Store};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::QueryApi;
use super::answer::{Refusal, RefusalKind};

/// Most samples of one answer: a hundred megabytes of memory.
const SAMPLES_MAX: usize = 5_000_000;

pub(super) fn router() -> OpenApiRouter<Arc<QueryApi>> {
    OpenApiRouter::new().routes(routes!(read))
}

/// The samples that a `prometheus.ReadRequest`, compressed with snappy, asks for.
#[utoipa::path(post, path = "/read", tag = "prometheus",
    request_body(content = Vec<u8>, content_type = "application/x-protobuf"),
    responses((status = OK, body = Vec<u8>, content_type = "application/x-protobuf")))]
pub(crate) async fn read(
    State(api): State<Arc<QueryApi>>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let queries = read_request(&body);
    let queries = queries.map_err(|error| Refusal::bad_data(portique_fault::chain(&error)))?;
    let encoded = api.read(move |store| encode(store, &queries)).await?;
    let encoded = encoded.ok_or_else(|| {
        let message = format!("the answer has more than {SAMPLES_MAX} samples: ask for less");
        Refusal::new(RefusalKind::BadData, message)
    })?;
    let body = encoded.finish();
    let body = body.map_err(|error| Refusal::internal(&error))?;
    let headers = [
        (header::CONTENT_TYPE, "application/x-protobuf"),
        (header::CONTENT_ENCODING, "snappy"),
    ];
    Ok((headers, body).into_response())
}

/// None when there are too many samples.
fn encode(
    store: &Store,
    queries: &[ReadQuery],
) -> Result<Option<ReadEncoder>, portique_series::Error> {
    let (mut encoder, mut samples, mut total) = (ReadEncoder::new(), Samples::default(), 0);
    for query in queries {
        encoder.result();
        let selected = store.select(&Selection {
            matchers: query.matchers.clone(),
            from_ms: query.from_ms,
            to_ms: query.to_ms,
        })?;
        for index in 0..selected.len() {
            selected.read(index, query.from_ms, query.to_ms, &mut samples)?;
            total += samples.len();
            if total > SAMPLES_MAX {
                return Ok(None);
            }
            if !samples.is_empty() {
                encoder.series(selected.labels(index), &samples);
            }
        }
    }
    Ok(Some(encoder))
}
