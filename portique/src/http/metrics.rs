//! The hub's figures: the text that a monitor scrapes, and what the hub keeps of itself.
//!
//! Requests are counted as they are answered; what other parts know is not kept here but asked for at
//! every look, plain figures through a [`Source`] and labelled ones through an [`Ask`], which may
//! take its time and is left out when it takes too long. Nothing is stored between looks: history
//! is the monitor's.

mod family;
mod figure;
mod requests;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use portique_clock::Clock;
use portique_exposition::{NameEscaping, TextFormat, TextWriter};
use portique_series::METRIC_NAME;

use super::Front;
pub(crate) use family::Family;
pub(crate) use figure::{
    Ask, Figure, Histogram as LabelledHistogram, LabelledFigure, Labels, Samples, Source, Value,
};
pub(crate) use requests::Durations;
pub(super) use requests::{RequestLabels, Requests};

const OPEN_METRICS: &str = "application/openmetrics-text";
const OPEN_METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROMETHEUS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// A part that does not answer in this time is left out: the other figures must not wait for it.
const ASK_TIMEOUT: Duration = Duration::from_secs(2);

/// The hub's own metrics, and those that its parts hand over when asked.
pub(crate) struct Metrics {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) requests: Requests,
    sources: Vec<Source>,
    asks: Vec<Ask>,
}

impl Metrics {
    pub(crate) fn new(clock: Arc<dyn Clock>, sources: Vec<Source>, asks: Vec<Ask>) -> Self {
        Self {
            clock,
            requests: Requests::default(),
            sources,
            asks,
        }
    }

    /// Asks all parts at once; takes two seconds at most.
    pub(crate) async fn gather(&self) -> Vec<Family> {
        let answers = self.asks.iter().map(|ask| async {
            let answer = tokio::time::timeout(ASK_TIMEOUT, ask()).await;
            answer.unwrap_or_default()
        });
        let answers = join_all(answers).await;
        let own = self.requests.figures().into_iter().map(Family::from);
        let plain = self.sources.iter().flat_map(|source| (source.0)());
        let labelled = answers.into_iter().flatten().map(Family::from);
        own.chain(plain.map(Family::from)).chain(labelled).collect()
    }
}

/// Every metric of the hub, as OpenMetrics text for who accepts that, as Prometheus' own text for others.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "hub",
    responses((status = 200, description = "Prometheus' text, or OpenMetrics", body = String))
)]
pub(super) async fn metrics(State(front): State<Arc<Front>>, headers: HeaderMap) -> Response {
    let accepts = headers.get_all(header::ACCEPT).iter();
    let mut accepts = accepts.filter_map(|value| value.to_str().ok());
    let (format, kind) = match accepts.any(|accept| accept.contains(OPEN_METRICS)) {
        true => (TextFormat::OpenMetrics, OPEN_METRICS_TYPE),
        false => (TextFormat::Prometheus, PROMETHEUS_TYPE),
    };
    let page = page(&front.metrics.gather().await, format);
    ([(header::CONTENT_TYPE, kind)], page).into_response()
}

fn page(families: &[Family], format: TextFormat) -> String {
    let mut writer = TextWriter::new(format, NameEscaping::Underscores);
    for family in families {
        writer.family(&family.name, &family.metadata);
        family.each(|name, labels, value| {
            let labels = labels.iter().copied().chain([(METRIC_NAME, name)]);
            let labels = portique_series::Labels::from_pairs(labels);
            writer.float(&labels, value, None);
        });
    }
    writer.finish()
}
