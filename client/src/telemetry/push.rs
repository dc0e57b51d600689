//! What one push brings.

use super::{Sample, Series};
use crate::Error;
use crate::proto::telemetry::v1 as pb;

/// Samples of one push: what a hub takes as a message, with series that are new among them.
const SAMPLES_MAX: usize = 20_000;
/// Bytes of an exemplar's labels that take as much room as a sample.
const EXEMPLAR_BYTES: usize = 64;

/// Samples of any kind that are taken together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Push {
    /// Numbers.
    pub samples: Vec<Sample>,
    /// Native histograms.
    pub histograms: Vec<HistogramSample>,
    /// Single observations behind either.
    pub exemplars: Vec<Exemplar>,
}

/// A native histogram of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramSample {
    /// Whose.
    pub series: Series,
    /// When, Unix milliseconds.
    pub timestamp_ms: i64,
    /// What. One that does not hold together, such as with spans for other than its counts, is refused.
    pub histogram: pb::Histogram,
}

/// A single observation, such as one with the id of its trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// The series that it stands behind.
    pub series: Series,
    /// When, Unix milliseconds; not newer than the newest sample of the series.
    pub timestamp_ms: i64,
    /// What was observed.
    pub value: f64,
    /// What leads to it, by name; a hub takes 128 characters together.
    pub labels: Vec<(String, String)>,
}

impl Push {
    /// Whether it fits in a message.
    pub(super) fn check(&self) -> Result<(), Error> {
        let histograms = self.histograms.iter().map(HistogramSample::weight);
        let exemplars = self.exemplars.iter().map(Exemplar::weight);
        let given = self.samples.len() + histograms.chain(exemplars).sum::<usize>();
        match given > SAMPLES_MAX {
            true => Err(Error::TooMuch {
                what: "samples",
                given,
                max: SAMPLES_MAX,
            }),
            false => Ok(()),
        }
    }
}

impl HistogramSample {
    /// How many samples it counts for: whatever in it takes room, whether it belongs together or not.
    fn weight(&self) -> usize {
        let histogram = &self.histogram;
        let spans = histogram.positive_spans.len() + histogram.negative_spans.len();
        let counts = histogram.positive_counts.len() + histogram.negative_counts.len();
        1 + spans + counts + histogram.custom_bounds.len()
    }
}

impl Exemplar {
    /// How many samples it counts for.
    fn weight(&self) -> usize {
        let labels = self.labels.iter();
        let bytes: usize = labels.map(|(name, value)| name.len() + value.len()).sum();
        1 + bytes / EXEMPLAR_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_in_a_message_is_not_sent() {
        let series = Series(0);
        let histogram = |counts: usize| HistogramSample {
            series,
            timestamp_ms: 0,
            histogram: pb::Histogram {
                positive_counts: vec![1.0; counts],
                ..pb::Histogram::default()
            },
        };
        let exemplar = |bytes: usize| Exemplar {
            series,
            timestamp_ms: 0,
            value: 1.0,
            labels: vec![("t".into(), "x".repeat(bytes - 1))],
        };
        let of_histogram = |counts| Push {
            histograms: vec![histogram(counts)],
            ..Push::default()
        };
        let of_exemplars = |count| Push {
            exemplars: vec![exemplar(3 * EXEMPLAR_BYTES); count],
            ..Push::default()
        };
        of_histogram(SAMPLES_MAX - 1).check().unwrap();
        of_exemplars(SAMPLES_MAX / 4).check().unwrap();
        for too_much in [of_histogram(SAMPLES_MAX), of_exemplars(SAMPLES_MAX / 4 + 1)] {
            let refused = too_much.check().unwrap_err();
            assert!(matches!(refused, Error::TooMuch { .. }), "{refused}");
        }
    }
}
