//! The store as its users see it: what is taken, what is refused, and what comes back after a crash.

mod behaviour;
mod blocks;
mod crash;
mod folder;
mod model;
mod refusals;
mod reserved;
mod rig;
mod small_disk;
