//! Histograms and exemplars, from the contract's messages to the store's.

use portique_client::proto::telemetry::v1 as pb;
use portique_exposition::Reason;
use portique_series::{CounterReset, Histogram, Labels, Span};

/// Most characters of an exemplar's label names and values together.
///
/// Source: OpenMetrics 1.0, exemplars.
const EXEMPLAR_CHARS_MAX: usize = 128;

/// A histogram as it was sent; the store checks that it holds together.
///
/// # Errors
/// Which word the contract does not have.
pub(super) fn histogram(sent: &pb::Histogram) -> Result<Histogram, String> {
    let reset = pb::CounterReset::try_from(sent.counter_reset);
    let reset = reset.map_err(|_| format!("{} is no counter_reset", sent.counter_reset))?;
    Ok(Histogram {
        schema: sent.schema,
        zero_threshold: sent.zero_threshold,
        zero_count: sent.zero_count,
        count: sent.count,
        sum: sent.sum,
        positive_spans: spans(&sent.positive_spans),
        positive_buckets: sent.positive_counts.clone(),
        negative_spans: spans(&sent.negative_spans),
        negative_buckets: sent.negative_counts.clone(),
        custom_bounds: sent.custom_bounds.clone(),
        counter_reset: match reset {
            pb::CounterReset::Unknown => CounterReset::Unknown,
            pb::CounterReset::Yes => CounterReset::Reset,
            pb::CounterReset::No => CounterReset::NotReset,
            pb::CounterReset::Gauge => CounterReset::Gauge,
        },
    })
}

fn spans(sent: &[pb::BucketSpan]) -> Vec<Span> {
    let spans = sent.iter().map(|span| Span {
        offset: span.offset,
        length: span.length,
    });
    spans.collect()
}

/// The labels of an exemplar, or why it can have none like these.
pub(super) fn exemplar_labels(pairs: &[(&str, &str)]) -> Result<Labels, (Reason, String)> {
    let chars = pairs.iter().flat_map(|(name, value)| [name, value]);
    let chars: usize = chars.map(|text| text.chars().count()).sum();
    if chars > EXEMPLAR_CHARS_MAX {
        let why = format!("its labels take {chars} characters, at most {EXEMPLAR_CHARS_MAX}");
        return Err((Reason::BadExemplar, why));
    }
    if pairs.iter().any(|(name, _)| name.is_empty()) {
        return Err((Reason::BadExemplar, "a label of it has no name".into()));
    }
    Ok(Labels::from_pairs(pairs.iter().copied()))
}
