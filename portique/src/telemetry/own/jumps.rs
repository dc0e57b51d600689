//! Jumps of the machine's clock, which move what is due and what is too old.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portique_clock::Clock;

use crate::http::{Figure, Source};

/// A correction of less is the daily work of whatever keeps the clock right.
const JUMP_S_MIN: f64 = 1.0;
/// Such a part of the time that went by may the clock be corrected by without a jump: twice what the
/// machine does when it slews.
const SLEW_MAX: f64 = 0.001;

/// Compares the wall clock with one that never jumps, whenever it is asked.
pub(crate) struct Jumps {
    clock: Arc<dyn Clock>,
    seen: Mutex<Seen>,
}

struct Seen {
    wall_s: f64,
    monotonic: Duration,
    count: u64,
    last_s: f64,
}

impl Jumps {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let seen = Seen {
            wall_s: wall_s(&*clock),
            monotonic: clock.monotonic(),
            count: 0,
            last_s: 0.0,
        };
        Self {
            clock,
            seen: Mutex::new(seen),
        }
    }

    /// Its figures: a jump is counted at the first look after it.
    pub(crate) fn source(self) -> Source {
        Source(Box::new(move || self.figures()))
    }

    fn figures(&self) -> Vec<Figure> {
        let (count, last_s) = self.look();
        vec![
            Figure::counter(
                "clock_jumps",
                "Jumps of the machine's clock by more than a second",
                count,
            ),
            Figure::gauge(
                "clock_last_jump_seconds",
                "How far the clock jumped at the last of them, negative when backwards",
                last_s,
            ),
        ]
    }

    fn look(&self) -> (u64, f64) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (wall_s, monotonic) = (wall_s(&*self.clock), self.clock.monotonic());
        let went_by_s = monotonic.saturating_sub(seen.monotonic).as_secs_f64();
        let jump_s = wall_s - seen.wall_s - went_by_s;
        if jump_s.abs() > JUMP_S_MIN + went_by_s * SLEW_MAX {
            seen.count += 1;
            seen.last_s = jump_s;
            tracing::warn!(seconds = jump_s, "the machine's clock jumped");
        }
        (seen.wall_s, seen.monotonic) = (wall_s, monotonic);
        (seen.count, seen.last_s)
    }
}

fn wall_s(clock: &dyn Clock) -> f64 {
    clock.now().as_nanos() as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use portique_clock::{SimulatedClock, Timestamp};

    use super::*;

    #[test]
    fn a_jump_either_way_is_counted_once_and_a_correction_is_none() {
        let clock = Arc::new(SimulatedClock::new(Timestamp::from_millis(1_000_000)));
        let jumps = Jumps::new(clock.clone());
        clock.advance(Duration::from_secs(3600));
        assert_eq!(jumps.look().0, 0);
        clock.jump_to(clock.now().plus(Duration::from_millis(900)));
        assert_eq!(jumps.look().0, 0);
        clock.jump_to(clock.now().minus(Duration::from_secs(60)));
        clock.advance(Duration::from_secs(5));
        let (count, last_s) = jumps.look();
        assert_eq!((count, last_s.round()), (1, -60.0));
        clock.jump_to(clock.now().plus(Duration::from_secs(7200)));
        assert_eq!(jumps.look().0, 2);
        assert_eq!(jumps.look().0, 2);
    }
}
