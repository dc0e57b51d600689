//! Federation: the newest samples of chosen series, for another Prometheus to scrape.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use portique_exposition::{NameEscaping, TextFormat, TextWriter};
use portique_series::{Labels, Matcher, Metadata, Samples, Selection, Source, Store, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::QueryApi;
use super::answer::{Refusal, RefusalKind};
use super::parameters::Parameters;
use crate::http::Fixed;

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Largest answer: what a scraper with default settings would not take any more.
const ANSWER_BYTES_MAX: usize = 64 << 20;

pub(super) fn router() -> OpenApiRouter<Arc<QueryApi>> {
    OpenApiRouter::new().routes(routes!(federate))
}

/// The newest sample of each series that one of the selectors under `match[]` selects, as text.
#[utoipa::path(get, path = "/federate", tag = "prometheus", responses((status = OK, body = String)))]
pub(crate) async fn federate(
    State(api): State<Arc<QueryApi>>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, Refusal> {
    let selectors = parameters.selectors()?;
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    let escaping = NameEscaping::of_accept(accept.unwrap_or_default());
    let now_ms = api.telemetry.clock.now().as_millis();
    let since_ms = now_ms.saturating_sub(api.telemetry.engine.config().lookback_ms) + 1;
    let text = api.read(move |store| {
        let newest = newest(store, selectors, since_ms, now_ms)?;
        Ok(write(&newest, escaping))
    });
    let text = text.await?.ok_or_else(|| {
        let message = format!("the answer takes more than {ANSWER_BYTES_MAX} bytes: select less");
        Refusal::new(RefusalKind::Execution, message)
    })?;
    let mut response = ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response();
    response.extensions_mut().insert(Fixed);
    Ok(response)
}

/// By metric, then by all labels.
type Newest = BTreeMap<(String, Labels), (i64, Value)>;

fn newest(
    store: &Store,
    selectors: Vec<Vec<Matcher>>,
    from_ms: i64,
    to_ms: i64,
) -> Result<Newest, portique_series::Error> {
    let (mut newest, mut samples) = (Newest::new(), Samples::default());
    for matchers in selectors {
        let selected = store.select(&Selection {
            matchers,
            from_ms,
            to_ms,
        })?;
        for index in 0..selected.len() {
            selected.read_last(index, from_ms, to_ms, &mut samples)?;
            let Some(&at_ms) = samples.timestamps.last() else {
                continue;
            };
            let value = samples.value(samples.len() - 1);
            if !value.is_stale() {
                let labels = selected.labels(index);
                let key = (labels.metric().to_owned(), labels.clone());
                newest.insert(key, (at_ms, value));
            }
        }
    }
    Ok(newest)
}

/// None when it takes too much.
fn write(newest: &Newest, escaping: NameEscaping) -> Option<String> {
    let mut writer = TextWriter::new(TextFormat::Prometheus, escaping);
    let mut last = None;
    for ((metric, labels), (at_ms, value)) in newest {
        if last.replace(metric) != Some(metric) {
            writer.family(metric, &Metadata::default());
        }
        match value {
            Value::Float(value) => writer.float(labels, *value, Some(*at_ms)),
            Value::Histogram(histogram) => writer.histogram(labels, histogram, Some(*at_ms)),
        }
        if writer.len() > ANSWER_BYTES_MAX {
            return None;
        }
    }
    Some(writer.finish())
}
