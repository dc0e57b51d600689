//! How long to wait before trying again: doubled each time, less a random share.

use std::time::Duration;

use portique_clock::{Random, Seeded};

/// First wait: a hub that was restarted is there again in moments.
const FIRST: Duration = Duration::from_millis(50);
/// Longest wait: whoever waits for a hub notices it this soon.
const MAX: Duration = Duration::from_secs(2);

/// The waits between attempts.
pub(crate) struct Backoff {
    next: Duration,
    random: Seeded,
}

impl Backoff {
    /// Waits of their own for each `seed`, so that not all programs come back at once.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            next: FIRST,
            random: Seeded::new(seed),
        }
    }

    /// How long to wait now: half of it at least.
    pub(crate) fn next(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(MAX);
        let half = whole / 2;
        let millis = u64::try_from(half.as_millis()).unwrap_or(u64::MAX).max(1);
        half + Duration::from_millis(self.random.below(millis))
    }

    /// It worked: the next wait is the first again.
    pub(crate) fn reset(&mut self) {
        self.next = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_limit_and_begin_again() {
        let mut backoff = Backoff::new(1);
        let waits: Vec<_> = (0..10).map(|_| backoff.next()).collect();
        assert!(waits[0] >= FIRST / 2 && waits[0] < FIRST, "{waits:?}");
        assert!(waits[9] >= MAX / 2 && waits[9] < MAX, "{waits:?}");
        backoff.reset();
        assert!(backoff.next() < FIRST);
    }
}
