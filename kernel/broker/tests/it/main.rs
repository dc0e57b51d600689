//! The broker on real and simulated disks.

#[cfg(test)]
mod compaction;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod jobs;
#[cfg(test)]
mod jobs_bindings;
#[cfg(test)]
mod jobs_conformance;
#[cfg(test)]
mod jobs_retention;
#[cfg(test)]
mod jobs_transactions;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod publish_each;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod restart;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod simulation;
