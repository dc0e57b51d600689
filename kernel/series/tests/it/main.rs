//! The store as its users see it: what is taken, what is refused, and what comes back after a crash.

mod behaviour;
mod crash;
mod model;
mod rig;
