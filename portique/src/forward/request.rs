//! One request to a receiver, and what its answer means.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use portique_exposition::{WriteEncoder, WriteSeries, WriteVersion};
use portique_monitor::scrape::RemoteWriteConfig;
use portique_series::{Exemplar, Metadata, Samples, Value};

use super::outlet::{Item, Sent};
use crate::outbound::{Ask, Endpoint, read_body};

/// Says which version of the protocol is spoken.
const VERSION: HeaderName = HeaderName::from_static("x-prometheus-remote-write-version");
/// So much of a refusal is read.
const SAID_BYTES_MAX: usize = 4096;
/// So much of it is shown.
const SAID_CHARS_MAX: usize = 300;
/// Nobody is waited for longer than this because it says so.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(5);

/// What a receiver answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Taken,
    /// Not now; after this long, if it says how long.
    Later(String, Option<Duration>),
    /// Never.
    Refused(String),
}

/// One series of a request.
struct Column<'i> {
    sent: &'i Sent,
    samples: Samples,
    exemplars: Vec<Exemplar>,
}

/// A request's body; the samples of a series stand together, in their order.
///
/// # Errors
/// When it takes 4 GiB or more.
pub(super) fn body(
    version: WriteVersion,
    items: &[Item],
    metadata: &HashMap<String, Metadata>,
) -> Result<Vec<u8>, portique_exposition::Error> {
    let mut columns: Vec<Column<'_>> = Vec::new();
    let mut places: HashMap<*const Sent, usize> = HashMap::new();
    for item in items {
        let place = *places.entry(Arc::as_ptr(&item.series)).or_insert_with(|| {
            columns.push(Column {
                sent: &item.series,
                samples: Samples::default(),
                exemplars: Vec::new(),
            });
            columns.len() - 1
        });
        let column = &mut columns[place];
        match &item.value {
            Value::Float(value) => column.samples.push_float(item.at_ms, *value),
            Value::Histogram(value) => column.samples.push_histogram(item.at_ms, value.clone()),
        }
        column.samples.set_last_start(item.start_ms);
        column.exemplars.extend_from_slice(&item.exemplars);
    }
    let mut encoder = WriteEncoder::new(version);
    for column in &columns {
        encoder.series(&WriteSeries {
            labels: &column.sent.labels,
            samples: &column.samples,
            exemplars: &column.exemplars,
            metadata: metadata.get(column.sent.labels.metric()),
        });
    }
    encoder.finish()
}

/// Sends a body, and says what the answer means.
pub(super) async fn post(endpoint: &Endpoint, config: &RemoteWriteConfig, body: Bytes) -> Verdict {
    let ask = Ask {
        method: Method::POST,
        url: config.url.clone(),
        headers: headers(config.version),
        body,
    };
    match tokio::time::timeout(config.timeout, exchange(endpoint, config, ask)).await {
        Ok(verdict) => verdict,
        Err(_) => {
            let said = format!("no answer within {} s", config.timeout.as_secs_f64());
            Verdict::Later(said, None)
        }
    }
}

async fn exchange(endpoint: &Endpoint, config: &RemoteWriteConfig, ask: Ask) -> Verdict {
    let answer = match endpoint.send(ask).await {
        Ok(answer) => answer,
        Err(fault) => return Verdict::Later(fault.to_string(), None),
    };
    let status = answer.status();
    if status.is_success() {
        return Verdict::Taken;
    }
    let after = retry_after(answer.headers());
    // A refusal that is too long to be read is a refusal all the same.
    let said = read_body(answer.into_body(), SAID_BYTES_MAX, |_| true).await;
    let said = said.unwrap_or_default();
    let said: String = String::from_utf8_lossy(&said)
        .trim()
        .chars()
        .take(SAID_CHARS_MAX)
        .collect();
    let said = format!("server returned HTTP status {status}: {said}");
    let is_busy = status.as_u16() == 429 && config.queue.retries_on_429;
    match status.is_server_error() || is_busy {
        true => Verdict::Later(said, after),
        false => Verdict::Refused(said),
    }
}

fn headers(version: WriteVersion) -> HeaderMap {
    let (content_type, number) = match version {
        WriteVersion::V1 => ("application/x-protobuf", "0.1.0"),
        WriteVersion::V2 => (
            "application/x-protobuf;proto=io.prometheus.write.v2.Request",
            "2.0.0",
        ),
    };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("snappy"));
    headers.insert(VERSION, HeaderValue::from_static(number));
    headers
}

/// Seconds; dates are not waited for, the ordinary time is.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}
