//! The broker on real and simulated disks.

mod conformance;
mod crash;
mod limits;
mod restart;
mod rig;
