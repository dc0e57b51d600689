//! Time and randomness as parameters.
//!
//! State machines take a [`Timestamp`] and a [`Random`]; only the shells around them hold a
//! [`Clock`]. So each of them runs under [`SimulatedClock`] and [`Seeded`] with a seed that can be
//! printed and run again. The wall clock is read in this crate and nowhere else.

mod random;
mod simulated;
mod timestamp;
mod wall;

pub use random::{Random, Seeded};
pub use simulated::SimulatedClock;
pub use timestamp::{ParseTimestampError, Timestamp};
pub use wall::WallClock;

use std::time::Duration;

/// A source of time.
pub trait Clock: Send + Sync + 'static {
    /// The wall-clock time, which may jump either way.
    fn now(&self) -> Timestamp;

    /// Time since some fixed start, which never goes back.
    fn monotonic(&self) -> Duration;
}
