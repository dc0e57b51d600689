//! The broker on real and simulated disks.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod restart;
mod retention;
#[cfg(test)]
mod rig;
