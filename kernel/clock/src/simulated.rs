use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::{Clock, Timestamp};

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct SimulatedClock {
    wall_nanos: AtomicI64,
    monotonic_nanos: AtomicU64,
}

impl SimulatedClock {
    /// A clock that stands at `now`, with monotonic time zero.
    pub fn new(now: Timestamp) -> Self {
        Self {
            wall_nanos: AtomicI64::new(now.as_nanos()),
            monotonic_nanos: AtomicU64::new(0),
        }
    }

    /// Moves both times forward.
    ///
    /// # Panics
    /// When `by` exceeds 292 years.
    pub fn advance(&self, by: Duration) {
        let nanos = i64::try_from(by.as_nanos()).expect("a simulation is shorter than 292 years");
        self.wall_nanos.fetch_add(nanos, Ordering::SeqCst);
        self.monotonic_nanos
            .fetch_add(nanos.unsigned_abs(), Ordering::SeqCst);
    }

    /// Sets the wall time, as a correction of the machine's clock would; monotonic time stays.
    pub fn jump_to(&self, now: Timestamp) {
        self.wall_nanos.store(now.as_nanos(), Ordering::SeqCst);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.wall_nanos.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.monotonic_nanos.load(Ordering::SeqCst))
    }
}
