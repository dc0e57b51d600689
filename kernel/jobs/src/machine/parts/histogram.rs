//! How long things took, counted in fixed steps.

use std::time::Duration;

use super::codec::{Malformed, Parts, take};

/// Upper bounds in seconds, about three a decade: from what a local worker needs to what a lease may last.
const BOUNDS_S: [f64; 20] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    120.0, 300.0, 600.0, 1_800.0, 3_600.0,
];
const WHAT: &str = "histograms";

/// Counts of durations up to each bound, and their sum.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DurationHistogram {
    /// One per bound, and one for what is longer.
    counts: [u64; BOUNDS_S.len() + 1],
    sum: Duration,
}

impl DurationHistogram {
    /// Counts one.
    pub(crate) fn observe(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let step = BOUNDS_S.partition_point(|bound| *bound < seconds);
        self.counts[step] += 1;
        self.sum = self.sum.saturating_add(duration);
    }

    /// Pairs of an upper bound in seconds and how many were at most that long; the last bound is infinite.
    pub(crate) fn cumulative(&self) -> Vec<(f64, u64)> {
        let bounds = BOUNDS_S.into_iter().chain([f64::INFINITY]);
        let mut total = 0;
        bounds
            .zip(self.counts)
            .map(|(bound, count)| {
                total += count;
                (bound, total)
            })
            .collect()
    }

    /// Sum of all durations, in seconds.
    pub(crate) fn sum_s(&self) -> f64 {
        self.sum.as_secs_f64()
    }

    /// All of it in one piece of at most 250 bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut parts = Parts::new(usize::MAX);
        parts.entry(&[self.sum.as_secs(), u64::from(self.sum.subsec_nanos())]);
        for count in self.counts {
            parts.entry(&[count]);
        }
        parts.finish().concat()
    }

    /// What [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`Malformed`] when it did not write this.
    pub(crate) fn decode(mut piece: &[u8]) -> Result<Self, Malformed> {
        let seconds = take(&mut piece, WHAT)?;
        let nanos = u32::try_from(take(&mut piece, WHAT)?).ok();
        let nanos = nanos.filter(|nanos| *nanos < 1_000_000_000);
        let mut histogram = Self {
            sum: Duration::new(seconds, nanos.ok_or(Malformed { what: WHAT })?),
            ..Self::default()
        };
        for count in &mut histogram.counts {
            *count = take(&mut piece, WHAT)?;
        }
        if piece.is_empty() {
            return Ok(histogram);
        }
        Err(Malformed { what: WHAT })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_up_to_their_bounds() {
        let mut histogram = DurationHistogram::default();
        for millis in [1, 2, 700, 700, 4_000_000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let cumulative = histogram.cumulative();
        let at_most = |bound: f64| cumulative.iter().find(|(b, _)| *b == bound).unwrap().1;
        assert_eq!(at_most(0.001), 1);
        assert_eq!(at_most(0.0025), 2);
        assert_eq!(at_most(0.5), 2);
        assert_eq!(at_most(1.0), 4);
        assert_eq!(at_most(3_600.0), 4);
        assert_eq!(at_most(f64::INFINITY), 5);
        assert!((histogram.sum_s() - 4_001.403).abs() < 1e-9);
    }

    #[test]
    fn it_survives_a_checkpoint_and_damage_is_told() {
        let mut histogram = DurationHistogram::default();
        histogram.observe(Duration::from_micros(1_500));
        histogram.observe(Duration::from_secs(86_400));
        let piece = histogram.encode();
        assert_eq!(DurationHistogram::decode(&piece), Ok(histogram));
        assert!(DurationHistogram::decode(&piece[..piece.len() - 1]).is_err());
        assert!(DurationHistogram::decode(&[piece.as_slice(), &[0]].concat()).is_err());
    }
}
