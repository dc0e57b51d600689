//! Payments as a user sees them.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up shall fail there"
)]

mod bank;
mod pipeline;
mod refusals;
mod rig;
mod statements;
