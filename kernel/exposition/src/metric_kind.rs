//! Kinds of metrics as numbers and words of the formats.

use portique_series::MetricKind;

/// In the order of both remote write messages, which is that of OpenMetrics.
const OF_WRITE: [MetricKind; 8] = [
    MetricKind::Unknown,
    MetricKind::Counter,
    MetricKind::Gauge,
    MetricKind::Histogram,
    MetricKind::GaugeHistogram,
    MetricKind::Summary,
    MetricKind::Info,
    MetricKind::StateSet,
];

/// The kind behind a number of a remote write message.
pub(crate) fn of_write(number: u64) -> MetricKind {
    let index = usize::try_from(number).unwrap_or(usize::MAX);
    OF_WRITE.get(index).copied().unwrap_or_default()
}

/// The number in a remote write message.
pub(crate) fn to_write(kind: MetricKind) -> u64 {
    let index = OF_WRITE.iter().position(|found| *found == kind);
    index.unwrap_or(0) as u64
}

/// The kind behind a word of a TYPE line; `untyped` is the older word for unknown.
pub(crate) fn of_word(word: &str) -> Option<MetricKind> {
    if word == "untyped" {
        return Some(MetricKind::Unknown);
    }
    OF_WRITE.into_iter().find(|kind| kind.as_str() == word)
}

/// The name of the family that a series belongs to, given what kind it is.
pub(crate) fn family_of(name: &str, kind: MetricKind) -> &str {
    let suffixes: &[&str] = match kind {
        MetricKind::Histogram => &["_bucket", "_count", "_sum"],
        MetricKind::GaugeHistogram => &["_bucket", "_gcount", "_gsum", "_count", "_sum"],
        MetricKind::Summary => &["_count", "_sum"],
        _ => &[],
    };
    let stripped = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix));
    stripped.filter(|family| !family.is_empty()).unwrap_or(name)
}
