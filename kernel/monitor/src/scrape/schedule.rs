//! When a target is asked.

use std::time::Duration;

/// So far beside its time a scrape may begin and still be written down at it: timestamps in even steps take less
/// room. As in Prometheus.
const TOLERANCE_MS: i64 = 2;

/// The times of a target: every interval, at an offset of its own, so that targets are not asked all at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    interval_ms: i64,
    offset_ms: i64,
}

impl Schedule {
    /// The times of what has this hash; the interval is a millisecond at least.
    pub fn new(interval: Duration, hash: u64) -> Self {
        let interval_ms = i64::try_from(interval.as_millis())
            .unwrap_or(i64::MAX)
            .max(1);
        let offset = hash % interval_ms.unsigned_abs();
        Self {
            interval_ms,
            offset_ms: i64::try_from(offset).expect("it is below an interval"),
        }
    }

    /// The first time after `now_ms` (Unix milliseconds), at most an interval away however clocks jump.
    pub fn next(&self, now_ms: i64) -> i64 {
        let since = now_ms
            .saturating_sub(self.offset_ms)
            .rem_euclid(self.interval_ms);
        now_ms.saturating_add(self.interval_ms - since)
    }

    /// The timestamp of a scrape that was due at one time and began at another.
    pub fn stamp(&self, due_ms: i64, began_ms: i64) -> i64 {
        match due_ms.abs_diff(began_ms) <= TOLERANCE_MS.unsigned_abs() {
            true => due_ms,
            false => began_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_an_interval_apart_whatever_the_clock_does() {
        let schedule = Schedule::new(Duration::from_secs(10), 123_456_789);
        let first = schedule.next(1_767_225_600_123);
        assert!((1_767_225_600_124..=1_767_225_610_123).contains(&first));
        assert_eq!(schedule.next(first), first + 10_000);
        assert_eq!(schedule.next(first - 1), first);
        let earlier = first - 3_600_000;
        assert_eq!(schedule.next(earlier), earlier + 10_000);
        assert!(schedule.next(-5) > -5);
    }

    #[test]
    fn offsets_differ_with_the_hash() {
        let offset = |hash| Schedule::new(Duration::from_secs(60), hash).next(0);
        let all: std::collections::HashSet<i64> = (0..100).map(|i| offset(i * 7_919)).collect();
        assert!(all.len() > 90, "{}", all.len());
    }

    #[test]
    fn stamps_are_even_when_the_start_is() {
        let schedule = Schedule::new(Duration::from_secs(1), 0);
        assert_eq!(schedule.stamp(1000, 1002), 1000);
        assert_eq!(schedule.stamp(1000, 1003), 1003);
    }
}
