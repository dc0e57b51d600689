//! Mean and spread of the observations.

use super::{Bucket, Compensated, Histogram};

impl Histogram {
    /// The arithmetic mean: exact, from sum and count; NaN without observations.
    pub fn mean(&self) -> f64 {
        self.sum / self.count
    }

    /// The variance, with all observations of a bucket taken to be in its middle: the geometric one of exponential
    /// buckets, the arithmetic one of custom buckets, 0 in the zero bucket.
    pub fn variance(&self) -> f64 {
        let mean = self.mean();
        let mut squares = Compensated::default();
        for bucket in self.buckets() {
            if bucket.count != 0.0 {
                let deviation = self.middle(bucket) - mean;
                squares.add(bucket.count * deviation * deviation);
            }
        }
        (squares.value + squares.lost) / self.count
    }

    fn middle(&self, bucket: Bucket) -> f64 {
        if self.uses_custom_bounds() {
            return (bucket.upper + bucket.lower) / 2.0;
        }
        if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
            return 0.0;
        }
        (bucket.upper * bucket.lower).sqrt().copysign(bucket.upper)
    }
}
