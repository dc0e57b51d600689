//! Launch control from outside.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up shall fail there"
)]

mod aborts;
mod attached;
mod rig;
mod safety;
mod vehicle_link;
