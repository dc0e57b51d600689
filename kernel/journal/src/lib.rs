//! The journal: an append-only log of records that are on stable storage when they are
//! acknowledged.
mod commit;
mod config;
mod disk;
mod error;
mod frame;
mod journal;
mod pending;
mod read;
mod record;
mod sectors;
mod shared;
mod waiters;

#[cfg(any(test, feature = "simulation"))]
pub use disk::{SimulatedDisk, SimulatedFaults};
pub use {
    commit::{Committer, Step, spawn},
    config::{Config, RECORD_BYTES_MAX, Retention},
    disk::{Disk, DiskFile, FolderDisk},
    error::Error,
    journal::{Journal, Opened, Recovery, State, Torn},
    pending::Pending,
    read::Reader,
    record::{Entry, Lane, Record, Sequence, StoreId},
    sectors::{SECTOR_BYTES, Sectors},
};
