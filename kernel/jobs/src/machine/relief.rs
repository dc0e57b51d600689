//! Seeing to it that somebody comes for suspects.
//!
//! A suspect is given to a worker with empty hands only. Where all workers have something in hand all
//! the time, one of them is given nothing more after a while, until its hands are empty. None of this
//! is durable: after a restart it begins anew.

use std::time::Duration;

use crate::WorkerName;

/// How long busy workers may go by a suspect: most of them have empty hands for a moment in this time.
const PASSED_OVER_MAX: Duration = Duration::from_secs(10);
/// How long one worker's hands are waited for: one that is not done by then has a job that takes
/// longer, and another one may be sooner.
const RELIEF_MAX: Duration = Duration::from_secs(10 * 60);

/// How long the suspects of a queue have been passed over, and who is kept free for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PassedOver {
    /// Monotonic time of the first claim that went by one.
    since: Option<Duration>,
    /// Who is given nothing else, and until when.
    relief: Option<(WorkerName, Duration)>,
}

/// A claim, as far as suspects go.
#[derive(Debug, Clone, Copy)]
pub(super) struct SuspectTurn {
    /// A suspect may be given.
    pub(super) waits: bool,
    /// The worker has something in hand.
    pub(super) is_busy: bool,
}

impl PassedOver {
    /// Takes a worker's claim in. True when it is to be given nothing until its hands are empty.
    pub(super) fn turn(&mut self, worker: &WorkerName, turn: SuspectTurn, now: Duration) -> bool {
        if !turn.waits || !turn.is_busy {
            // Somebody takes it, or it went away.
            *self = Self::default();
            return false;
        }
        let since = *self.since.get_or_insert(now);
        if now.saturating_sub(since) < PASSED_OVER_MAX {
            return false;
        }
        if self.relief.as_ref().is_none_or(|(_, until)| *until <= now) {
            self.relief = Some((worker.clone(), now.saturating_add(RELIEF_MAX)));
        }
        self.is_relief(worker)
    }

    /// Whether this worker is the one whose hands are waited for.
    pub(super) fn is_relief(&self, worker: &WorkerName) -> bool {
        self.relief
            .as_ref()
            .is_some_and(|(chosen, _)| chosen == worker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: SuspectTurn = SuspectTurn {
        waits: true,
        is_busy: true,
    };

    fn worker(name: &str) -> WorkerName {
        WorkerName::new(name).unwrap()
    }

    #[test]
    fn after_a_while_one_busy_worker_is_kept_free_and_then_another() {
        let (a, b) = (worker("a"), worker("b"));
        let mut passed = PassedOver::default();
        let at = Duration::from_secs;
        assert!(!passed.turn(&a, BUSY, at(100)));
        assert!(!passed.turn(&b, BUSY, at(109)));
        assert!(passed.turn(&a, BUSY, at(110)));
        assert!(!passed.turn(&b, BUSY, at(111)), "one is enough");
        assert!(passed.turn(&a, BUSY, at(500)));
        assert!(passed.turn(&b, BUSY, at(710)), "it takes too long");
        assert!(!passed.turn(&a, BUSY, at(711)));
        assert!(passed.is_relief(&b) && !passed.is_relief(&a));
    }

    #[test]
    fn whoever_comes_with_empty_hands_ends_it() {
        let a = worker("a");
        let mut passed = PassedOver::default();
        for turn in [
            SuspectTurn {
                is_busy: false,
                ..BUSY
            },
            SuspectTurn {
                waits: false,
                ..BUSY
            },
        ] {
            assert!(!passed.turn(&a, BUSY, Duration::ZERO));
            assert!(passed.turn(&a, BUSY, PASSED_OVER_MAX));
            assert!(!passed.turn(&a, turn, PASSED_OVER_MAX));
            assert!(!passed.turn(&a, BUSY, PASSED_OVER_MAX), "counted anew");
            passed = PassedOver::default();
        }
    }
}
