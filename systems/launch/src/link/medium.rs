//! What carries the messages between the ground and one simulated module, and can be made slow and lossy.
//!
//! The module does not know: its computer measures the link as it would measure a real one. Each kind of
//! message has a lane with draws of its own, so that the fate of the n-th of a kind follows from the
//! seed, whatever the others do.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use portique_clock::{Random, Seeded};

use crate::LinkFault;

/// Longest delay of an announcement, each way: a module whose announcements are not answered in two
/// seconds takes the ground for gone.
const ANNOUNCEMENT_DELAY_MAX: Duration = Duration::from_millis(800);

/// The kinds of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Commands, to the module.
    Commands,
    /// What it says to them.
    Answers,
    /// Samples and lines of its log.
    Live,
    /// Its events and its end.
    Events,
    /// Those of them that did not arrive: they are sent until they do.
    Repeats,
    /// The ground's wish to hear it.
    Subscriptions,
    /// Its announcements, and what the ground says to them.
    Announcements,
}

/// How many lanes there are.
const LANES: usize = 7;

/// The link's medium; sound until it is spoilt.
#[derive(Debug, Default)]
pub(crate) struct Medium {
    spoilt: Mutex<Option<Spoilt>>,
}

#[derive(Debug)]
struct Spoilt {
    fault: LinkFault,
    draws: [Seeded; LANES],
}

impl Medium {
    /// From now on the link has this fault and no other; draws begin anew.
    pub(crate) fn spoil(&self, fault: LinkFault) {
        let spoilt = (!fault.is_none()).then(|| Spoilt::new(fault));
        *self.spoilt.lock().unwrap_or_else(PoisonError::into_inner) = spoilt;
    }

    /// How long the next message of a lane is on its way; nothing when it never arrives.
    pub(crate) fn fate(&self, lane: Lane) -> Option<Duration> {
        let mut spoilt = self.spoilt.lock().unwrap_or_else(PoisonError::into_inner);
        match spoilt.as_mut() {
            Some(spoilt) => spoilt.fate(lane),
            None => Some(Duration::ZERO),
        }
    }

    /// Returns when a message has arrived. One that is lost never does: whoever waits for it has a limit.
    pub(crate) async fn carry(&self, lane: Lane) {
        match self.fate(lane) {
            Some(Duration::ZERO) => {}
            Some(delay) => tokio::time::sleep(delay).await,
            None => std::future::pending().await,
        }
    }

    /// Returns when an announcement, or the answer to one, has arrived: late, but never too late, and
    /// never lost. It says that the computer lives, which a bad link does not change.
    pub(crate) async fn announce(&self) {
        let delay = self.fate(Lane::Announcements);
        let delay = delay.map_or(ANNOUNCEMENT_DELAY_MAX, |d| d.min(ANNOUNCEMENT_DELAY_MAX));
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
    }
}

impl Spoilt {
    fn new(fault: LinkFault) -> Self {
        let mut seeds = Seeded::new(fault.seed);
        Self {
            fault,
            draws: std::array::from_fn(|_| Seeded::new(seeds.next_u64())),
        }
    }

    fn fate(&mut self, lane: Lane) -> Option<Duration> {
        let draws = &mut self.draws[lane as usize];
        // Both are drawn each time, so that a lost message takes nothing from the next.
        let (lost, share) = (draws.unit() < self.fault.loss, draws.unit());
        let delay_ms = f64::from(self.fault.latency_ms) + share * f64::from(self.fault.jitter_ms);
        (!lost).then(|| Duration::from_secs_f64(delay_ms / 1e3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoilt(seed: u64) -> Medium {
        let medium = Medium::default();
        medium.spoil(LinkFault {
            latency_ms: 300,
            jitter_ms: 200,
            loss: 0.25,
            seed,
        });
        medium
    }

    fn fates(medium: &Medium, lane: Lane) -> Vec<Option<Duration>> {
        (0..1_000).map(|_| medium.fate(lane)).collect()
    }

    #[test]
    fn a_link_is_as_slow_and_as_lossy_as_it_was_made() {
        let all = fates(&spoilt(7), Lane::Live);
        let lost = all.iter().filter(|fate| fate.is_none()).count();
        assert!((200..300).contains(&lost), "{lost} of 1000 lost");
        let (least, most) = (Duration::from_millis(300), Duration::from_millis(500));
        let arrived: Vec<_> = all.into_iter().flatten().collect();
        assert!(arrived.iter().all(|delay| (least..=most).contains(delay)));
        let spread = arrived
            .iter()
            .max()
            .unwrap()
            .abs_diff(*arrived.iter().min().unwrap());
        assert!(spread > Duration::from_millis(150), "{spread:?}");
    }

    #[test]
    fn a_seed_says_what_happens_whatever_else_is_sent() {
        let [alone, busy, other] = [7, 7, 8].map(spoilt);
        fates(&busy, Lane::Commands);
        let expected = fates(&alone, Lane::Live);
        assert_eq!(fates(&busy, Lane::Live), expected);
        assert_ne!(fates(&other, Lane::Live), expected);
        alone.spoil(LinkFault::default());
        let sound = fates(&alone, Lane::Live);
        assert!(sound.iter().all(|fate| *fate == Some(Duration::ZERO)));
    }
}
