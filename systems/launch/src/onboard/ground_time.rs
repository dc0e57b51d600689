//! The ground's clock, as the module knows it from its attachments.
//!
//! Two machines' wall clocks may differ by any amount, so a command's age is measured by the module's
//! monotonic clock, set by the ground's time at the last good exchange. Half of that exchange's round
//! trip is how far off it may be.

use std::time::Duration;

use portique_clock::Timestamp;

/// Age at which an exchange gives way to a newer one even if that was slower: clocks drift, and the
/// ground's may be set.
const EXCHANGE_AGE_MAX: Duration = Duration::from_secs(30);

/// What is known of the ground's clock.
#[derive(Debug, Default)]
pub(crate) struct GroundTime {
    exchange: Option<Exchange>,
    /// Of the last exchange, which is not the one kept when it was slow.
    round_trip: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
struct Exchange {
    /// The ground's time.
    told: Timestamp,
    /// When it was asked for, on the module's monotonic clock.
    asked: Duration,
    /// When it was heard.
    heard: Duration,
}

impl Exchange {
    fn round_trip(&self) -> Duration {
        self.heard.saturating_sub(self.asked)
    }
}

impl GroundTime {
    /// Takes note of the ground's time, asked for and heard at these times of the monotonic clock. A
    /// ground that does not tell its time (the epoch) changes nothing.
    pub(crate) fn heard(&mut self, told: Timestamp, asked: Duration, heard: Duration) {
        let new = Exchange { told, asked, heard };
        self.round_trip = Some(new.round_trip());
        let keeps = self.exchange.is_some_and(|old| {
            old.round_trip() < new.round_trip()
                && heard.saturating_sub(old.heard) < EXCHANGE_AGE_MAX
        });
        if told != Timestamp::EPOCH && !keeps {
            self.exchange = Some(new);
        }
    }

    /// How long the ground's last answer took.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// The greatest age, at `now` on the monotonic clock, of what the ground sent at `sent`; nothing
    /// when the ground's clock is not known.
    pub(crate) fn age(&self, sent: Timestamp, now: Duration) -> Option<Duration> {
        let exchange = self.exchange?;
        // The ground told its time after it was asked, so no more than this has passed since.
        let ground = exchange.told.plus(now.saturating_sub(exchange.asked));
        Some(ground.since(sent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::EPOCH.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn an_age_needs_no_common_clock() {
        let mut time = GroundTime::default();
        assert_eq!(time.age(at(1_000), Duration::ZERO), None);
        let heard = Duration::from_millis(7_010);
        time.heard(at(1_000), Duration::from_secs(7), heard);
        assert_eq!(
            time.age(at(1_001), Duration::from_secs(10)),
            Some(Duration::from_secs(2))
        );
        assert_eq!(
            time.age(at(1_005), Duration::from_secs(10)),
            Some(Duration::ZERO)
        );
    }

    #[test]
    fn a_slow_exchange_does_not_spoil_a_good_one_until_that_is_old() {
        let mut time = GroundTime::default();
        let second = Duration::from_secs(1);
        time.heard(at(1_000), second, second);
        time.heard(at(1_001), second * 2, second * 4);
        assert_eq!(time.round_trip(), Some(second * 2));
        assert_eq!(time.age(at(1_000), second * 5), Some(second * 4));
        time.heard(at(1_100), second * 100, second * 102);
        assert_eq!(time.age(at(1_100), second * 103), Some(second * 3));
    }
}
