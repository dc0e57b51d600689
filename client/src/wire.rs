//! Conversions between the ports' types and the contracts' messages, in both directions.
//!
//! What comes in is checked: the error names the field. A message made of a port's value and turned
//! back is that value.

mod bus;
mod claim;
mod event;
mod job;
mod queue;
mod schedule;
mod settle;
mod transaction;
mod view;

use std::time::Duration;

use portique_clock::Timestamp;

pub use bus::{filter, start};
pub use claim::lease;
pub use transaction::{each, try_each};

/// A duration in nanoseconds; the longest that fits stands for all that do not, 584 years.
pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds as a duration.
pub fn duration(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

pub(crate) fn time(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(nanos)
}

/// A count that a message carries in 32 bits.
pub(crate) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
