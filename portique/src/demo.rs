//! A launch for the eyes: the demonstration flight, and any flight, live in a terminal.
//!
//! Both are visitors of the hub's HTTP API like everybody else. The state is asked for some times a
//! second; what happens in between comes as a stream of the mission log, so that nothing is missed.

mod lines;
mod plan;
mod screen;
mod view;
mod watch;

pub(crate) use plan::{Flown, fly};
pub(crate) use watch::watch;
