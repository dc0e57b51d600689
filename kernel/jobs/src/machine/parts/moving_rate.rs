//! How many per second, lately.

use std::time::Duration;

/// How far back a rate looks: what happened this long ago counts 1/e.
const WINDOW: Duration = Duration::from_secs(30);
/// A rate younger than this is told as if it were this old: one event is not a thousand a second because
/// it came in the first millisecond.
const AGE_MIN: Duration = Duration::from_secs(1);

/// An exponentially weighted rate of events, on monotonic time. Young rates are corrected for what they
/// have not seen yet, so that a steady flow is told right from its first seconds on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MovingRate {
    start: Duration,
    last: Duration,
    per_second: f64,
}

impl MovingRate {
    /// Nothing seen, beginning now.
    pub(crate) fn new(now: Duration) -> Self {
        Self {
            start: now,
            last: now,
            per_second: 0.0,
        }
    }

    /// This many happened now.
    pub(crate) fn record(&mut self, count: u64, now: Duration) {
        self.per_second = self.decayed(now) + count as f64 / WINDOW.as_secs_f64();
        self.last = self.last.max(now);
    }

    /// Events per second, over about the last half minute.
    pub(crate) fn per_second(&self, now: Duration) -> f64 {
        let age = now.saturating_sub(self.start).max(AGE_MIN);
        self.decayed(now) / (1.0 - decay(age))
    }

    fn decayed(&self, now: Duration) -> f64 {
        self.per_second * decay(now.saturating_sub(self.last))
    }
}

fn decay(elapsed: Duration) -> f64 {
    (-elapsed.as_secs_f64() / WINDOW.as_secs_f64()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(rate: &mut MovingRate, from_s: u64, to_s: u64, per_second: u64) {
        for tenth in from_s * 10..to_s * 10 {
            rate.record(per_second / 10, Duration::from_millis(tenth * 100));
        }
    }

    #[test]
    fn a_steady_flow_is_told_right_early_and_late() {
        let mut rate = MovingRate::new(Duration::ZERO);
        flow(&mut rate, 0, 5, 200);
        let early = rate.per_second(Duration::from_secs(5));
        assert!((195.0..205.0).contains(&early), "{early}");
        flow(&mut rate, 5, 300, 200);
        let late = rate.per_second(Duration::from_secs(300));
        assert!((195.0..205.0).contains(&late), "{late}");
    }

    #[test]
    fn a_flow_that_stopped_fades_and_a_new_one_shows() {
        let mut rate = MovingRate::new(Duration::ZERO);
        flow(&mut rate, 0, 120, 1_000);
        let faded = rate.per_second(Duration::from_secs(240));
        assert!(faded < 25.0, "{faded}");
        flow(&mut rate, 240, 300, 500);
        let shown = rate.per_second(Duration::from_secs(300));
        assert!((420.0..505.0).contains(&shown), "{shown}");
    }

    #[test]
    fn one_event_at_the_start_is_not_a_flood() {
        let mut rate = MovingRate::new(Duration::from_secs(7));
        rate.record(1, Duration::from_secs(7));
        assert!(rate.per_second(Duration::from_secs(7)) < 1.1);
    }
}
