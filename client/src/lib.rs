//! The ports over the wire: what worker processes and other programs link.

pub mod proto;
mod refusal;
pub mod status;
pub mod wire;
mod words;

pub use refusal::{NotUnderstood, bus_status, jobs_status};
