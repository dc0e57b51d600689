//! What functions and operators say about samples they cannot use as they are, in Prometheus' words.

use crate::numbers;
use crate::syntax::quote;

/// What was being done with histograms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// `+`
    Addition,
    /// `-`
    Subtraction,
    /// `sum`, `avg`, `sum_over_time`, …
    Aggregation,
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Addition => "addition",
            Self::Subtraction => "subtraction",
            Self::Aggregation => "aggregation",
        }
    }
}

/// Warning: a range has floats and histograms, and the function knows no result for both.
pub(crate) fn mixed_samples(metric: &str) -> String {
    let name = quote(metric.as_bytes());
    format!("encountered a mix of histograms and floats for metric name {name}")
}

/// Warning: exponential and custom buckets cannot be combined.
pub(crate) fn mixed_schemas(metric: &str) -> String {
    let name = quote(metric.as_bytes());
    format!(
        "vector contains a mix of histograms with exponential and custom buckets schemas for metric name {name}"
    )
}

/// Warning: `rate` and the like of a gauge.
pub(crate) fn not_a_counter(metric: &str) -> String {
    format!(
        "this native histogram metric is not a counter: {}",
        quote(metric.as_bytes())
    )
}

/// Warning: `delta` and the like of a counter.
pub(crate) fn not_a_gauge(metric: &str) -> String {
    format!(
        "this native histogram metric is not a gauge: {}",
        quote(metric.as_bytes())
    )
}

/// Info: a function of floats met histograms too.
pub(crate) fn ignored_histograms(metric: &str) -> String {
    let name = quote(metric.as_bytes());
    format!(
        "ignored histograms in a range containing both floats and histograms for metric name {name}"
    )
}

/// Info: custom bounds differed.
pub(crate) fn reconciled(operation: Operation) -> String {
    let operation = operation.as_str();
    format!("mismatched custom buckets were reconciled during {operation}")
}

/// Warning: counter-reset hints contradict each other.
pub(crate) fn resets_collide(operation: Operation) -> String {
    let operation = operation.as_str();
    format!("conflicting counter resets during histogram {operation}")
}

/// Warning: a quantile is not between 0 and 1.
pub(crate) fn bad_quantile(quantile: f64) -> String {
    let quantile = numbers::general(quantile);
    format!("quantile value should be between 0 and 1, got {quantile}")
}

/// Warning: a bucket's `le` is not a number.
pub(crate) fn bad_bucket(metric: &str, bound: &str) -> String {
    let text = "bucket label \"le\" is missing or has a malformed value of ";
    named(format!("{text}{}", quote(bound.as_bytes())), metric)
}

/// Warning: a classic and a native histogram have the same labels.
pub(crate) fn mixed_kinds(metric: &str) -> String {
    named(
        "vector contains a mix of classic and native histograms".to_owned(),
        metric,
    )
}

/// Info: NaN was observed, and the quantile is NaN for that.
pub(crate) fn nan_result(metric: &str) -> String {
    let text = "input to histogram_quantile has NaN observations, result is NaN";
    named(text.to_owned(), metric)
}

/// Info: NaN was observed, which counts as higher than all else.
pub(crate) fn nan_skew(metric: &str) -> String {
    let text = "input to histogram_quantile has NaN observations, result is skewed higher";
    named(text.to_owned(), metric)
}

/// Info: NaN was observed, which is in no fraction.
pub(crate) fn nan_excluded(metric: &str) -> String {
    let text =
        "input to histogram_fraction has NaN observations, which are excluded from all fractions";
    named(text.to_owned(), metric)
}

/// Info: counts of a classic histogram fell with the bound.
pub(crate) fn not_monotonic(metric: &str) -> String {
    let text = "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)";
    named(text.to_owned(), metric)
}

fn named(text: String, metric: &str) -> String {
    if metric.is_empty() {
        return text;
    }
    format!("{text} for metric name {}", quote(metric.as_bytes()))
}
