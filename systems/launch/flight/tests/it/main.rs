//! Whole flights and what they must be like.
#![expect(
    clippy::unwrap_used,
    reason = "a test stops where its flight is not what it must be"
)]

mod acceptance;
mod faults;
mod flights;
mod orders;
mod robustness;
mod vehicles;
