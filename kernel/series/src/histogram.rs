//! Native histograms as queries see them.

/// Whether a histogram's counts began anew since the sample before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CounterReset {
    /// Not known: compare with the sample before.
    #[default]
    Unknown,
    /// It began anew.
    Reset,
    /// It went on.
    NotReset,
    /// It is a gauge: there is no such thing.
    Gauge,
}

/// A run of adjacent buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// From the end of the span before (the first: from bucket 0), in buckets; only the first may be negative.
    pub offset: i32,
    /// How many buckets it holds.
    pub length: u32,
}

/// A native histogram with float counts: exponential buckets, or custom ones (schema −53).
///
/// Bucket `i` of schema `s` reaches up to `2^(i * 2^-s)`, inclusive. Counts are absolute, not deltas.
///
/// Source: Prometheus, `model/histogram`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// −4 to 8 for exponential buckets (finer above), −53 for custom bounds.
    pub schema: i32,
    /// Observations whose absolute value is at most this are in the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// All observations; not necessarily the sum of the buckets.
    pub count: f64,
    /// Sum of all observations.
    pub sum: f64,
    /// Where the positive buckets are.
    pub positive_spans: Vec<Span>,
    /// Their counts, one for each bucket of the spans.
    pub positive_buckets: Vec<f64>,
    /// Where the negative buckets are.
    pub negative_spans: Vec<Span>,
    /// Their counts.
    pub negative_buckets: Vec<f64>,
    /// Upper bounds of custom buckets, ascending, without the last (+Inf); empty for exponential schemas.
    pub custom_bounds: Vec<f64>,
    /// Whether counts began anew since the sample before.
    pub counter_reset: CounterReset,
}
