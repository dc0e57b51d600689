//! Who sends, and who receives: attempts with growing pauses, as a queue of jobs makes them.

/// How long an attempt takes.
const LATENCY: f64 = 0.002;
/// The first pause; each is half as long again as the one before.
const FIRST_PAUSE: f64 = 0.5;

/// How one way behaves.
#[derive(Debug, Clone, Default)]
pub(super) struct Hook {
    pub(super) fails_until: f64,
    pub(super) slow_until: f64,
    pub(super) slow_seconds: f64,
    pub(super) timeout_seconds: f64,
    /// Until then the first failure is the last: the job is dead.
    pub(super) gives_up_until: f64,
}

/// What comes of an attempt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Attempt {
    Arrives(f64),
    Again(f64),
    GivenUp(f64),
}

impl Hook {
    /// The attempt of a number, from 0, that begins at a second.
    pub(super) fn attempt(&self, at: f64, number: i32) -> Attempt {
        if at < self.gives_up_until {
            return Attempt::GivenUp(at + LATENCY);
        }
        let pause = FIRST_PAUSE * 1.5_f64.powi(number);
        if at < self.slow_until && self.slow_seconds > self.timeout_seconds {
            return Attempt::Again(at + self.timeout_seconds + pause);
        }
        if at < self.fails_until {
            return Attempt::Again(at + LATENCY + pause);
        }
        Attempt::Arrives(at + LATENCY)
    }
}
