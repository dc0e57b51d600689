//! The embedded engine of the bus: one state machine on one journal.
//!
//! A request meets the state under a lock and becomes a *fact*, which holds everything decided
//! with it; the fact is submitted to the journal and applied to the state at once, and the reply
//! leaves when its frame is durable. Applying facts is pure and the only way the state changes,
//! so a start replays the journal from the newest checkpoint and needs neither clock nor random
//! numbers. The records are described in `docs/formats/broker.md`.
//!
//! Memory is bounded: the newest events are kept in a *tail*, older ones are read from the
//! journal; a consumer is a cursor and its unsettled deliveries, of which there are
//! `max_in_flight` at most.
//!
//! Invariants:
//! - nothing is acknowledged to a caller, and no event is shown, before it is durable;
//! - a dead letter and the end of the delivery it comes from are one frame;
//! - an event that a consumer has not settled is not released to retention.
//!
//! It does not open or close the journal, and it spawns nothing by itself.

#[cfg(feature = "conformance")]
mod claims;
mod config;
mod engine;
mod error;
mod fact;
pub mod history;
mod job_tail;
mod letter;
mod state;
mod tail;

#[cfg(feature = "conformance")]
pub use claims::{BUS_CLAIMS, JOBS_CLAIMS};
pub use config::Config;
pub use engine::{Broker, BusFigures, KeptBy, Retained};
pub use error::{Error, RecordError};
