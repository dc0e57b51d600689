//! The journal: an append-only log of records that are on stable storage when they are
//! acknowledged.
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
