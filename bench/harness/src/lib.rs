//! What benchmarks share: servers as processes of their own, a lean HTTP client, and figures.
//!
//! A benchmark starts a [`Hub`] and the peers' [`Server`]s on loopback and folders of its own, drives them in turn,
//! and gives what it measured to a [`Report`]. What it started ends with it.

mod http;
mod hub;
mod process;
mod report;
mod server;
mod version;

pub use http::{Answer, Connection};
pub use hub::{Hub, Started};
pub use report::{Figure, Peer, Report};
pub use server::{Server, free_port};
pub use version::version_of;
