//! What a target answers when it is scraped: which format it is in, and the delimited protobuf one.

mod protobuf;

pub use protobuf::read_protobuf;

use portique_series::Batch;

use crate::{Error, Rejections, TextFormat, read_text};

/// What to ask a target for, best first: only protobuf carries native histograms.
pub const SCRAPE_ACCEPT: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,\
     application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
     text/plain;version=0.0.4;q=0.3,*/*;q=0.1";

/// The format of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScrapeFormat {
    /// One of the text formats.
    Text(TextFormat),
    /// `io.prometheus.client.MetricFamily`, each after its length.
    Protobuf,
}

impl ScrapeFormat {
    /// What a content type says; `None` when it says nothing of a format for metrics.
    pub fn of_content_type(content_type: &str) -> Option<Self> {
        let content_type = content_type.to_ascii_lowercase();
        let mut parts = content_type.split(';').map(str::trim);
        match parts.next()? {
            "text/plain" => Some(Self::Text(TextFormat::Prometheus)),
            "application/openmetrics-text" => Some(Self::Text(TextFormat::OpenMetrics)),
            "application/vnd.google.protobuf" => {
                let encoding = parts.find_map(|part| part.strip_prefix("encoding="));
                (encoding == Some("delimited")).then_some(Self::Protobuf)
            }
            _ => None,
        }
    }
}

/// How a body is read.
#[derive(Debug, Clone, Copy)]
pub struct ScrapeOptions {
    /// The timestamp of samples that name none, Unix milliseconds.
    pub default_timestamp_ms: i64,
    /// Whether timestamps in the body count; otherwise all samples get the default.
    pub honors_timestamps: bool,
}

impl ScrapeOptions {
    /// The timestamp of a sample that names this one, or none.
    pub(crate) fn timestamp_ms(&self, given_ms: Option<i64>) -> i64 {
        let given_ms = given_ms.filter(|_| self.honors_timestamps);
        given_ms.unwrap_or(self.default_timestamp_ms)
    }
}

/// What a body held that went into the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScrapeCounts {
    /// Samples, native histograms among them.
    pub samples: usize,
    /// Exemplars.
    pub exemplars: usize,
    /// Whether the body said that it is whole, or its format has no way to.
    pub is_complete: bool,
}

/// Adds what a body holds to the batch, in its order.
///
/// # Errors
/// When a protobuf body is damaged: what came before the damage is in the batch. Text has no such end: bad lines
/// are rejected one by one.
pub fn read_scrape(
    body: &[u8],
    format: ScrapeFormat,
    options: &ScrapeOptions,
    batch: &mut Batch,
    rejections: &mut Rejections,
) -> Result<ScrapeCounts, Error> {
    match format {
        ScrapeFormat::Text(format) => Ok(read_text(body, format, options, batch, rejections)),
        ScrapeFormat::Protobuf => read_protobuf(body, options, batch, rejections),
    }
}

#[cfg(test)]
mod tests;
