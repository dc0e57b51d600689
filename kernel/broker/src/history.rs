//! The history checker: reads what a journal says happened, and whether it may have happened.
//!
//! It keeps simple maps of its own and shares nothing with the state machines but the shape of their
//! facts, so that a mistake of theirs is not repeated here. It is handed what a journal holds, from the
//! first record kept on, and optionally what clients were [told](Acknowledged), and says what
//! contradicts what.

mod acknowledged;
mod audit;
mod deliveries;
mod findings;
mod job_facts;
mod jobs;
mod sequence_set;

#[cfg(test)]
mod tests;

pub use acknowledged::{Acknowledged, ParseError};
pub use audit::{Audit, Totals, Violation, audit, audit_disk};
