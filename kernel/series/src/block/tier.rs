//! Downsampled tiers: what the samples of an interval come to.

use crate::{Samples, is_stale};

pub(super) const AGGREGATES: usize = 6;

/// What a tier keeps of the samples of an interval. Only floats are kept: of an interval with histograms alone
/// there is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Aggregate {
    /// How many samples, stale markers aside.
    Count,
    /// Their sum.
    Sum,
    /// The smallest; NaN when there is no number.
    Min,
    /// The largest; NaN when there is no number.
    Max,
    /// The newest, which may be a stale marker.
    Last,
    /// By how much a counter grew from the sample before the interval to its last one; a fall counts as a
    /// beginning at 0.
    Increase,
}

impl Aggregate {
    pub(super) fn column(self) -> usize {
        match self {
            Self::Count => 0,
            Self::Sum => 1,
            Self::Min => 2,
            Self::Max => 3,
            Self::Last => 4,
            Self::Increase => 5,
        }
    }
}

/// The end of the interval that a time belongs to; `None` beyond the end of time.
pub(super) fn interval_end(timestamp_ms: i64, resolution_ms: i64) -> Option<i64> {
    let past = timestamp_ms.rem_euclid(resolution_ms);
    match past {
        0 => Some(timestamp_ms),
        _ => timestamp_ms.checked_add(resolution_ms - past),
    }
}

/// Columns of aggregates while they are gathered, made to be filled again and again.
#[derive(Debug, Default)]
pub(super) struct Aggregates {
    pub(super) timestamps: Vec<i64>,
    pub(super) columns: [Vec<f64>; AGGREGATES],
}

impl Aggregates {
    /// Takes the samples after one time and up to another; those before are there for what counters grew from.
    pub(super) fn gather(
        &mut self,
        samples: &Samples,
        resolution_ms: i64,
        after_ms: i64,
        to_ms: i64,
    ) {
        self.timestamps.clear();
        self.columns.iter_mut().for_each(Vec::clear);
        let mut before = None;
        for (index, timestamp_ms) in samples.timestamps.iter().enumerate() {
            if matches!(samples.histograms.get(index), Some(Some(_))) {
                continue;
            }
            let float = samples.floats[index];
            let end = interval_end(*timestamp_ms, resolution_ms);
            if let Some(end) = end.filter(|end| *end > after_ms && *end <= to_ms) {
                self.take(end, float, before);
            }
            if !is_stale(float) {
                before = Some(float);
            }
        }
    }

    fn take(&mut self, end: i64, float: f64, before: Option<f64>) {
        if self.timestamps.last() != Some(&end) {
            self.timestamps.push(end);
            let empty = [0.0, 0.0, f64::NAN, f64::NAN, float, 0.0];
            self.columns
                .iter_mut()
                .zip(empty)
                .for_each(|(column, empty)| column.push(empty));
        }
        let [count, sum, min, max, last, increase] = self
            .columns
            .each_mut()
            .map(|column| column.last_mut().expect("one was pushed"));
        *last = float;
        if is_stale(float) {
            return;
        }
        *count += 1.0;
        *sum += float;
        *min = min.min(float);
        *max = max.max(float);
        *increase += match before {
            None => 0.0,
            Some(before) if float < before => float,
            Some(before) => float - before,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::STALE;

    #[test]
    fn an_interval_has_its_end_and_not_its_beginning() {
        let mut samples = Samples::default();
        for (time, float) in [
            (90, 5.0),
            (100, 7.0),
            (101, 9.0),
            (150, 2.0),
            (200, 6.0),
            (201, STALE),
        ] {
            samples.push_float(time, float);
        }
        let mut aggregates = Aggregates::default();
        aggregates.gather(&samples, 100, 100, 300);
        assert_eq!(aggregates.timestamps, [200, 300]);
        let [count, sum, min, max, last, increase] = &aggregates.columns;
        assert_eq!(
            (count[0], sum[0], min[0], max[0], last[0]),
            (3.0, 17.0, 2.0, 9.0, 6.0)
        );
        // From 7 to 9, then anew to 2, then to 6.
        assert_eq!(increase[0], 8.0);
        assert!(count[1] == 0.0 && min[1].is_nan() && max[1].is_nan() && is_stale(last[1]));
    }

    #[test]
    fn intervals_at_the_ends_of_time_have_an_end_or_none() {
        assert_eq!(interval_end(-1, 100), Some(0));
        assert_eq!(interval_end(-100, 100), Some(-100));
        assert_eq!(interval_end(i64::MAX, 100), None);
        assert!(interval_end(i64::MIN, 100).is_some());
    }
}
