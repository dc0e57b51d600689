//! Figures with labels, which a part has to be asked for before they can be written.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// A part that does not answer in this time is left out: the other figures must not wait for it.
const ASK_TIMEOUT: Duration = Duration::from_secs(2);

/// What one sample is about, such as `queue` and its name.
pub(crate) type Labels = Vec<(&'static str, String)>;

/// A figure of many things.
#[derive(Debug, Clone)]
pub(crate) struct LabelledFigure {
    /// Without `portique_`, and without `_total`.
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) samples: Samples,
}

/// One value for each thing.
#[derive(Debug, Clone)]
pub(crate) enum Samples {
    /// They only grow.
    Counters(Vec<(Labels, u64)>),
    /// They go both ways.
    Gauges(Vec<(Labels, f64)>),
    /// They are spread over buckets.
    Histograms(Vec<(Labels, Histogram)>),
}

/// Observations by size.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Histogram {
    /// Upper bounds and how many were at most that large but above the bound before; the last bound is
    /// infinite.
    pub(crate) buckets: Vec<(f64, u64)>,
    pub(crate) sum: f64,
}

/// Asks a part for its figures.
pub(crate) type Ask = Box<dyn Fn() -> BoxFuture<'static, Vec<LabelledFigure>> + Send + Sync>;

/// The answers of parts that are asked at every scrape.
#[derive(Clone, Default)]
pub(super) struct Answers(Arc<Mutex<Vec<LabelledFigure>>>);

impl Answers {
    /// Asks all of them at once.
    pub(super) async fn gather(&self, parts: &[Ask]) {
        let answers = parts.iter().map(|ask| async {
            let answer = tokio::time::timeout(ASK_TIMEOUT, ask()).await;
            answer.unwrap_or_default()
        });
        let figures = join_all(answers).await.into_iter().flatten().collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = figures;
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers(..)")
    }
}

impl Collector for Answers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for figure in figures.iter() {
            let kind = figure.samples.kind();
            let described = encoder.encode_descriptor(figure.name, figure.help, None, kind)?;
            figure.samples.encode(described)?;
        }
        Ok(())
    }
}

impl Samples {
    fn kind(&self) -> MetricType {
        match self {
            Self::Counters(_) => MetricType::Counter,
            Self::Gauges(_) => MetricType::Gauge,
            Self::Histograms(_) => MetricType::Histogram,
        }
    }

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        match self {
            Self::Counters(samples) => {
                for (labels, value) in samples {
                    let mut sample = encoder.encode_family(labels)?;
                    sample.encode_counter::<NoLabelSet, _, f64>(value, None)?;
                }
            }
            Self::Gauges(samples) => {
                for (labels, value) in samples {
                    encoder.encode_family(labels)?.encode_gauge(value)?;
                }
            }
            Self::Histograms(samples) => {
                for (labels, value) in samples {
                    let count = value.buckets.iter().map(|(_, count)| count).sum();
                    let mut sample = encoder.encode_family(labels)?;
                    sample.encode_histogram::<NoLabelSet>(
                        value.sum,
                        count,
                        &value.buckets,
                        None,
                    )?;
                }
            }
        }
        Ok(())
    }
}
