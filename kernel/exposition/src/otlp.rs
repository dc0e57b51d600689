//! OpenTelemetry's metrics over HTTP, as a Prometheus takes them in.
//!
//! Names get the characters and suffixes of Prometheus (`http.server.duration` in `s` becomes
//! `http_server_duration_seconds`); a resource becomes the labels `job` and `instance`, and the rest of it the
//! metric `target_info`. Exponential histograms become native ones. Deltas are rejected: what they add to is with
//! the sender, which can be told to send totals.
//!
//! Sources: OpenTelemetry protocol 1.x, `metrics.proto`; OpenTelemetry specification, compatibility with Prometheus.

mod attributes;
mod exponential;
mod json;
mod metric;
mod names;
mod point;
mod resource;

use portique_series::Batch;

use crate::budget::Budget;
use crate::rejection::Bad;
use crate::wire::{Message, Writer};
use crate::{Error, Place, Rejections};
use attributes::Attributes;
use resource::Resource;

const MESSAGE: &str = "ExportMetricsServiceRequest";

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OtlpFormat {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

impl OtlpFormat {
    /// What a content type says; `None` when it is another one.
    pub fn of_content_type(content_type: &str) -> Option<Self> {
        let kind = content_type.split(';').next().unwrap_or("").trim();
        if kind.eq_ignore_ascii_case("application/x-protobuf") {
            return Some(Self::Protobuf);
        }
        kind.eq_ignore_ascii_case("application/json")
            .then_some(Self::Json)
    }
}

/// What became of a body's data points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OtlpCounts {
    /// Data points that went into the batch.
    pub points: u64,
    /// Data points that were rejected: what a partial success reports.
    pub rejected_points: u64,
    /// Samples that the points became, `target_info` among them.
    pub samples: usize,
}

/// Adds what a request holds to the batch.
///
/// # Errors
/// When the body is not the message, or unfolds to too much: the batch is cleared then.
pub fn read_otlp(
    body: &[u8],
    format: OtlpFormat,
    batch: &mut Batch,
    rejections: &mut Rejections,
) -> Result<OtlpCounts, Error> {
    let transcoded;
    let body = match format {
        OtlpFormat::Protobuf => body,
        OtlpFormat::Json => {
            transcoded = json::to_protobuf(body)?;
            &transcoded
        }
    };
    let mut sink = Sink {
        batch,
        rejections,
        budget: Budget::default(),
        counts: OtlpCounts::default(),
        metric: 0,
    };
    let read = read_request(Message::new(body, MESSAGE), &mut sink);
    let counts = sink.counts;
    match read {
        Ok(()) => Ok(counts),
        Err(error) => {
            batch.clear();
            Err(error)
        }
    }
}

/// The answer to a request, as protobuf: what was rejected of it, if anything was.
pub fn otlp_response(rejected_points: u64, message: &str) -> Vec<u8> {
    let mut response = Writer::default();
    if rejected_points > 0 {
        response.message(1, |partial| {
            partial.uint(1, rejected_points);
            partial.text(2, message);
        });
    }
    response.into_bytes()
}

fn read_request(mut request: Message<'_>, sink: &mut Sink<'_>) -> Result<(), Error> {
    while let Some((number, field)) = request.next()? {
        if number == 1 {
            read_resource(request.inner(field.bytes()), sink)?;
        }
    }
    Ok(())
}

fn read_resource(message: Message<'_>, sink: &mut Sink<'_>) -> Result<(), Error> {
    let mut attributes = Attributes::default();
    let mut all = message.clone();
    while let Some((number, field)) = all.next()? {
        if number == 1 {
            attributes = attributes::of_resource(all.inner(field.bytes()))?;
        }
    }
    let mut resource = Resource::new(&attributes);
    let mut all = message;
    while let Some((number, field)) = all.next()? {
        if number != 2 {
            continue;
        }
        let mut scope = all.inner(field.bytes());
        while let Some((number, field)) = scope.next()? {
            if number == 2 {
                sink.metric += 1;
                metric::read(scope.inner(field.bytes()), &mut resource, sink)?;
            }
        }
    }
    resource.describe(sink)
}

/// Where series go, and what has been of them so far.
struct Sink<'b> {
    batch: &'b mut Batch,
    rejections: &'b mut Rejections,
    budget: Budget,
    counts: OtlpCounts,
    /// The metric at hand, counted from 1.
    metric: u64,
}

impl Sink<'_> {
    fn reject(&mut self, bad: Bad, name: &str, points: u64) {
        self.counts.rejected_points += points;
        let place = Place::Metric(self.metric);
        self.rejections.add(place, bad, name.as_bytes());
    }

    /// Begins a series with these labels; `Ok(Err)` when no series can have them.
    fn begin<'a>(
        &mut self,
        labels: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Result<(), Bad>, Error> {
        self.budget.sample()?;
        self.batch.begin();
        for (name, value) in labels {
            self.budget.label(name.len() + value.len())?;
            self.batch.label(name, value);
        }
        Ok(self.batch.end_labels().map_err(Bad::from))
    }
}

#[cfg(test)]
mod tests;
