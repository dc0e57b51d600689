//! The hub's figures, as the text that a monitor scrapes.
//!
//! Requests are counted as they are answered; what other parts know is not kept here but asked for at
//! every scrape, plain figures through a [`Source`] and labelled ones through an [`Ask`], which may
//! take its time and is left out when it takes too long. Nothing is stored between scrapes: history
//! is the monitor's.

mod family;
mod plain;

use std::fmt;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use portique_clock::Clock;
use portique_fault::Code;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{Front, problem};
use family::Answers;
pub(crate) use family::{Ask, Histogram as LabelledHistogram, LabelledFigure, Labels, Samples};

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// From a read out of memory to an order that waits for a module.
const DURATION_BUCKETS_S: [f64; 10] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0,
];

/// What is counted of a request; the route is the pattern, so that labels stay few.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RequestLabels {
    pub(super) method: &'static str,
    pub(super) route: String,
    pub(super) status: u16,
}

/// The hub's own metrics, and those that its parts hand over when asked.
pub(crate) struct Metrics {
    registry: Registry,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) requests: Family<RequestLabels, Counter>,
    pub(super) in_flight: Gauge,
    pub(super) duration: Histogram,
    asks: Vec<Ask>,
    answers: Answers,
}

/// A figure that a part knows when it is asked.
pub(crate) struct Figure {
    /// Without `portique_`, and without `_total`.
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) value: Value,
}

/// Whether a figure only grows.
pub(crate) enum Value {
    Counter(u64),
    Gauge(f64),
}

/// Asks a part for its figures, at every scrape.
pub(crate) struct Source(pub(crate) Box<dyn Fn() -> Vec<Figure> + Send + Sync>);

impl Metrics {
    pub(crate) fn new(clock: Arc<dyn Clock>, sources: Vec<Source>, asks: Vec<Ask>) -> Self {
        let mut registry = Registry::with_prefix("portique");
        let requests = Family::default();
        let in_flight = Gauge::default();
        let duration = Histogram::new(DURATION_BUCKETS_S);
        registry.register("http_requests", "HTTP requests answered", requests.clone());
        registry.register(
            "http_requests_in_flight",
            "HTTP requests being answered",
            in_flight.clone(),
        );
        registry.register_with_unit(
            "http_request_duration",
            "Time until the answer begins",
            Unit::Seconds,
            duration.clone(),
        );
        for source in sources {
            registry.register_collector(Box::new(source));
        }
        let answers = Answers::default();
        registry.register_collector(Box::new(answers.clone()));
        Self {
            registry,
            clock,
            requests,
            in_flight,
            duration,
            asks,
            answers,
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source(..)")
    }
}

impl Collector for Source {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for figure in (self.0)() {
            match figure.value {
                Value::Counter(value) => {
                    let metric = ConstCounter::new(value);
                    metric.encode(encoder.encode_descriptor(
                        figure.name,
                        figure.help,
                        None,
                        metric.metric_type(),
                    )?)?;
                }
                Value::Gauge(value) => {
                    let metric = ConstGauge::new(value);
                    metric.encode(encoder.encode_descriptor(
                        figure.name,
                        figure.help,
                        None,
                        metric.metric_type(),
                    )?)?;
                }
            }
        }
        Ok(())
    }
}

/// Every metric of the hub: as OpenMetrics text for who asks for it, as Prometheus' own text for others.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "hub",
    responses((status = 200, description = "OpenMetrics or Prometheus text", body = String))
)]
pub(super) async fn metrics(State(front): State<Arc<Front>>, headers: HeaderMap) -> Response {
    front.metrics.answers.gather(&front.metrics.asks).await;
    let mut page = String::new();
    match text::encode(&mut page, &front.metrics.registry) {
        Ok(()) if plain::asks_for_open(&headers) => {
            ([(header::CONTENT_TYPE, CONTENT_TYPE)], page).into_response()
        }
        Ok(()) => {
            let page = plain::plain(&page);
            ([(header::CONTENT_TYPE, plain::PLAIN)], page).into_response()
        }
        Err(error) => problem::refuse(
            Code::Internal,
            format!("the metrics cannot be written: {error}"),
        ),
    }
}
