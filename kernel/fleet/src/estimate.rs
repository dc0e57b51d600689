//! What is learnt of a queue from its counters.

use std::time::Duration;

use portique_clock::Timestamp;

use crate::{Backlog, Policy};

/// A rate of jobs is an average over about this time.
const RATE_OVER: Duration = Duration::from_secs(30);
/// The first seconds of a load weigh as they come: an average would need half a minute to believe them.
const RATE_OVER_FIRST: Duration = Duration::from_secs(5);
/// What a job takes is an average over about so many of them.
const SERVICE_OVER_JOBS: f64 = 20.0;
/// Looks that are closer together say nothing of a rate.
const LOOK_MIN: Duration = Duration::from_millis(50);

/// Arrivals and service, learnt from one look to the next.
#[derive(Debug, Clone)]
pub(crate) struct Estimate {
    last: Option<(Timestamp, Backlog)>,
    fast: f64,
    slow: f64,
    service_s: f64,
    /// Since when jobs are in work and none was ended.
    silent_since: Option<Timestamp>,
}

impl Estimate {
    pub(crate) fn new(policy: &Policy) -> Self {
        Self {
            last: None,
            fast: 0.0,
            slow: 0.0,
            service_s: policy.service_prior.as_secs_f64(),
            silent_since: None,
        }
    }

    /// Takes in a look; the first one only says where counting begins.
    pub(crate) fn observe(&mut self, at: Timestamp, backlog: &Backlog) {
        let ended = self
            .last
            .is_some_and(|(_, last)| last.finished != backlog.finished);
        self.silent_since = match self.silent_since {
            _ if backlog.leased == 0 => None,
            Some(since) if !ended && since <= at => Some(since),
            _ => Some(at),
        };
        let Some((before, last)) = self.last else {
            self.last = Some((at, *backlog));
            return;
        };
        let passed = at.since(before);
        if passed < LOOK_MIN {
            // A clock that was set back begins anew.
            if at < before {
                self.last = Some((at, *backlog));
            }
            return;
        }
        self.last = Some((at, *backlog));
        let arrived = backlog.arrived.checked_sub(last.arrived);
        if let Some(arrived) = arrived {
            let rate = arrived as f64 / passed.as_secs_f64();
            self.fast += share(passed, RATE_OVER_FIRST) * (rate - self.fast);
            self.slow += share(passed, RATE_OVER) * (rate - self.slow);
        }
        let finished = backlog.finished.checked_sub(last.finished);
        if let Some(finished) = finished.filter(|finished| *finished > 0) {
            let each = backlog.busy.saturating_sub(last.busy).as_secs_f64() / finished as f64;
            let weight = 1.0 - (-(finished as f64) / SERVICE_OVER_JOBS).exp();
            self.service_s += weight * (each - self.service_s);
        }
    }

    /// Jobs that become ready a second. What began just now counts; what ended just now is remembered.
    pub(crate) fn rate(&self) -> f64 {
        self.fast.max(self.slow)
    }

    /// For how long jobs are in work and none was ended: what is in work takes at least so long.
    pub(crate) fn silence(&self, at: Timestamp) -> Duration {
        self.silent_since
            .map_or(Duration::ZERO, |since| at.since(since))
    }

    /// Seconds that a job takes.
    pub(crate) fn service_s(&self) -> f64 {
        self.service_s
    }
}

fn share(passed: Duration, over: Duration) -> f64 {
    1.0 - (-passed.as_secs_f64() / over.as_secs_f64()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn counted(arrived: u64, finished: u64, busy_s: u64) -> Backlog {
        Backlog {
            arrived,
            finished,
            busy: Duration::from_secs(busy_s),
            ..Backlog::default()
        }
    }

    #[test]
    fn rates_follow_the_counters() {
        let mut estimate = Estimate::new(&Policy::default());
        for second in 0..300 {
            let jobs = second as u64;
            estimate.observe(
                at(second),
                &counted(1_000 + jobs * 40, jobs * 20, jobs * 10),
            );
        }
        assert!((estimate.rate() - 40.0).abs() < 0.1, "{}", estimate.rate());
        assert!((estimate.service_s() - 0.5).abs() < 0.01);
    }

    #[test]
    fn counters_that_begin_anew_are_no_load() {
        let mut estimate = Estimate::new(&Policy::default());
        estimate.observe(at(0), &counted(1_000_000, 1_000_000, 50));
        estimate.observe(at(1), &counted(3, 2, 1));
        assert_eq!(estimate.rate(), 0.0);
        assert_eq!(estimate.service_s(), 1.0);
        estimate.observe(at(2), &counted(13, 2, 1));
        assert!(estimate.rate() > 1.0);
    }

    #[test]
    fn a_clock_set_back_is_no_load() {
        let mut estimate = Estimate::new(&Policy::default());
        estimate.observe(at(1_000), &counted(0, 0, 0));
        estimate.observe(at(10), &counted(50, 0, 0));
        assert_eq!(estimate.rate(), 0.0);
        estimate.observe(at(11), &counted(60, 0, 0));
        assert!(estimate.rate() > 1.0);
    }
}
