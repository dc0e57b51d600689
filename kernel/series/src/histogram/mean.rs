//! The mean of many histograms.

use super::{Histogram, HistogramSum, Merged};

/// Above this a sum may overflow with the next addend.
const NEAR_OVERFLOW: f64 = f64::MAX / 4.0;

/// The arithmetic mean of any number of histograms, bucket by bucket.
///
/// It divides a precise sum as long as that is finite, and goes on with a running mean when it is not.
#[derive(Debug, Clone)]
pub struct HistogramMean {
    /// The sum, or the mean so far when `running`.
    state: HistogramSum,
    histograms: f64,
    running: bool,
    /// The largest the sum can have become.
    largest: f64,
}

impl HistogramMean {
    /// The mean of one histogram.
    pub fn new(first: &Histogram) -> Self {
        Self {
            state: HistogramSum::new(first),
            histograms: 1.0,
            running: false,
            largest: largest(first),
        }
    }

    /// Takes one more histogram into the mean.
    ///
    /// `None`, and nothing changed, when one has custom bounds and the other has not.
    #[must_use = "the two may not go together"]
    pub fn add(&mut self, other: &Histogram) -> Option<Merged> {
        if !self.running {
            self.largest += largest(other);
            if self.largest < NEAR_OVERFLOW {
                let merged = self.state.add(other)?;
                self.histograms += 1.0;
                return Some(merged);
            }
            let mut attempt = self.state.clone();
            let merged = attempt.add(other)?;
            if !attempt.overflows() {
                self.state = attempt;
                self.histograms += 1.0;
                return Some(merged);
            }
            self.running = true;
            self.state.scale(1.0 / self.histograms);
        }
        self.add_running(other)
    }

    /// The mean.
    pub fn into_mean(self) -> Histogram {
        let mut mean = self.state.into_total();
        if !self.running {
            mean.divide(self.histograms);
        }
        mean
    }

    fn add_running(&mut self, other: &Histogram) -> Option<Merged> {
        let histograms = self.histograms + 1.0;
        let mut share = other.clone();
        share.divide(histograms);
        let mut mean = self.state.clone();
        mean.scale(self.histograms / histograms);
        let merged = mean.add(&share)?;
        self.state = mean;
        self.histograms = histograms;
        Some(merged)
    }
}

fn largest(histogram: &Histogram) -> f64 {
    let buckets = histogram
        .positive_buckets
        .iter()
        .chain(&histogram.negative_buckets);
    let whole = [histogram.zero_count, histogram.count, histogram.sum];
    // A NaN sum must not hide large counts: `max` passes over NaN.
    buckets
        .copied()
        .chain(whole)
        .map(f64::abs)
        .fold(0.0, f64::max)
}
