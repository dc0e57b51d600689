//! Starts per time, evenly spread with a burst: the generic cell rate algorithm (ITU-T I.371), whose
//! whole state is one time.

use std::time::Duration;

use portique_clock::Timestamp;

use crate::Rate;

/// How far a rate is used up: the theoretical arrival time of the next start, if starts came evenly.
///
/// The rate is given with each call, so that a changed one counts at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RateLimit {
    theoretical: Timestamp,
}

impl RateLimit {
    /// Nothing used.
    pub(crate) fn new() -> Self {
        Self {
            theoretical: Timestamp::from_nanos(i64::MIN),
        }
    }

    /// When the next start is allowed: `now` when it is already.
    pub(crate) fn ready_at(&self, rate: Rate, now: Timestamp) -> Timestamp {
        let burst = interval(rate) * (rate.count - 1);
        self.theoretical(rate, now).minus(burst).max(now)
    }

    /// A start is allowed.
    pub(crate) fn is_ready(&self, rate: Rate, now: Timestamp) -> bool {
        self.ready_at(rate, now) <= now
    }

    /// Counts one start, allowed or not.
    pub(crate) fn take(&mut self, rate: Rate, now: Timestamp) {
        self.theoretical = self.theoretical(rate, now).plus(interval(rate));
    }

    /// Takes one counted start back.
    pub(crate) fn give_back(&mut self, rate: Rate) {
        self.theoretical = self.theoretical.minus(interval(rate));
    }

    /// Nothing is used any more, so that it may be forgotten.
    pub(crate) fn is_idle(&self, now: Timestamp) -> bool {
        self.theoretical <= now
    }

    /// At least now; at most a whole burst ahead, so that a clock that was set back does not stop a queue
    /// for as long as it was set back.
    fn theoretical(&self, rate: Rate, now: Timestamp) -> Timestamp {
        let full = now.plus(interval(rate) * rate.count);
        self.theoretical.clamp(now, full)
    }
}

/// Time between two starts, rounded up: the limit is never exceeded, and missed by under a nanosecond
/// a start.
fn interval(rate: Rate) -> Duration {
    let nanos = rate.per.as_nanos().div_ceil(u128::from(rate.count.max(1)));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(count: u32, per: Duration) -> Rate {
        Rate { count, per }
    }

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    #[test]
    fn a_burst_is_allowed_and_then_an_even_flow() {
        let ten_a_second = rate(10, Duration::from_secs(1));
        let mut limit = RateLimit::new();
        let now = at(5_000_000_000);
        for _ in 0..10 {
            assert!(limit.is_ready(ten_a_second, now));
            limit.take(ten_a_second, now);
        }
        assert_eq!(limit.ready_at(ten_a_second, now), at(5_100_000_000));
        limit.take(ten_a_second, at(5_100_000_000));
        assert_eq!(
            limit.ready_at(ten_a_second, at(5_100_000_001)),
            at(5_200_000_000)
        );
        assert!(!limit.is_idle(now));
        assert!(limit.is_idle(at(7_000_000_000)));
    }

    #[test]
    fn what_was_given_back_is_allowed_again() {
        let one_a_minute = rate(1, Duration::from_secs(60));
        let mut limit = RateLimit::new();
        limit.take(one_a_minute, at(0));
        assert!(!limit.is_ready(one_a_minute, at(1)));
        limit.give_back(one_a_minute);
        assert!(limit.is_ready(one_a_minute, at(1)));
    }

    #[test]
    fn a_clock_set_back_costs_at_most_one_period() {
        let one_a_second = rate(1, Duration::from_secs(1));
        let mut limit = RateLimit::new();
        limit.take(one_a_second, at(3_600_000_000_000));
        assert_eq!(limit.ready_at(one_a_second, at(0)), at(1_000_000_000));
    }

    proptest! {
        /// In every window of one period there are at most twice the count (one burst, and one flow).
        #[test]
        fn no_window_sees_more_than_burst_and_flow(
            count in 1_u32..20,
            per_ms in 1_u64..1_000,
            steps in prop::collection::vec(0_u64..200, 1..300),
        ) {
            let rate = rate(count, Duration::from_millis(per_ms));
            let mut limit = RateLimit::new();
            let mut now = at(0);
            let mut starts = Vec::new();
            for step in steps {
                now = now.plus(Duration::from_millis(step));
                while limit.is_ready(rate, now) {
                    limit.take(rate, now);
                    starts.push(now);
                }
                let window = starts.iter().filter(|start| now.since(**start) < rate.per).count();
                prop_assert!(window <= 2 * count as usize);
                let elapsed = now.since(at(0)).as_secs_f64() / rate.per.as_secs_f64();
                prop_assert!(starts.len() as f64 <= f64::from(count) * (1.0 + elapsed) + 1e-6);
            }
        }
    }
}
