//! The journal: an append-only log whose records are on stable storage when they are acknowledged.
//!
//! A [`Journal`] handle queues records ([`submit`](Journal::submit), [`append`](Journal::append))
//! and gives them their [`Sequence`] at once. A writer takes what has come while the last write
//! was under way, writes it as one frame, syncs it, and moves the watermark
//! ([`durable`](Journal::durable)), which wakes everybody it reached. Nothing waits on a timer
//! for more to come. A [`Reader`] reads what is durable, from any sequence.
//!
//! Who writes, and when: there is one writer, behind a lock. The [`Committer`], on a thread of
//! its own ([`spawn`]), takes its steps, woken by whoever submits. Whoever submits a little to a
//! fast disk while nothing is queued or being written does not wake it, and takes the step itself
//! when it waits for its [`Pending`]; dropping that, closing, and everything out of the ordinary
//! wake the committer. A second thread fills the next segment with zeros ahead of need and drops
//! old ones.
//!
//! # Invariants
//! - An acknowledged record is read back byte for byte, or refused with file and offset
//!   ([`Error::Corrupt`]); never as something else, and never silently left out. The one exception:
//!   damage to the last frame before a crash, when no later frame was written, looks like a torn
//!   write; an idle journal writes such a frame after 5 ms ([`Config::idle_watermark`]).
//! - The records of one call are all there or none.
//! - Sequences begin at 1 and have no gaps.
//! - A write or sync that failed is never repeated: the journal is poisoned ([`State::Poisoned`])
//!   until it is opened again.
//! - A disk without room for the next segment changes nothing that is there: the journal takes
//!   [`Lane::Drain`] only ([`State::DrainOnly`]) until there is room. When even the reserve is used
//!   up, what was accepted waits, and no more is ([`Error::Starved`]).
//! - Time, disk and randomness are parameters, and [`Committer::step`] needs no thread, so the
//!   shipped code runs in simulations (feature `simulation`).
//!
//! # What it does not do
//! It does not look into records, lock its folder against a second process, keep snapshots,
//! compress or encrypt. The files are described in `docs/formats/journal.md`.

mod catalog;
mod commit;
mod config;
mod disk;
mod error;
mod frame;
mod journal;
mod pending;
mod read;
mod record;
mod recover;
mod sectors;
mod segment;
mod shared;
mod store;
mod survey;
mod upkeep;
mod verify;
mod waiters;
mod walk;
mod write;

#[cfg(any(test, feature = "simulation"))]
pub use disk::{SimulatedDisk, SimulatedFaults};
pub use {
    catalog::Oldest,
    commit::{Committer, Scheduling, Step, spawn},
    config::{Config, RECORD_BYTES_MAX, Retention},
    disk::{Disk, DiskFile, FolderDisk},
    error::Error,
    journal::{Journal, Opened, Recovery, State, Torn},
    pending::Pending,
    read::Reader,
    record::{Entry, Lane, Record, Sequence, StoreId},
    sectors::{SECTOR_BYTES, Sectors},
    verify::{SegmentReport, VerifyReport, dump, verify},
};
