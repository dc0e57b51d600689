//! What the journal asks of a disk: one flat folder of files that are written in whole sectors.

mod folder;
#[cfg(any(test, feature = "simulation"))]
mod simulated;

pub use folder::FolderDisk;
#[cfg(any(test, feature = "simulation"))]
pub use simulated::{SimulatedDisk, SimulatedFaults};

use std::io;
use std::path::PathBuf;

use crate::Sectors;

/// A folder of files. Changes of names become durable with [`sync`](Self::sync), those of
/// contents with [`DiskFile::sync`].
pub trait Disk: Send + Sync + 'static {
    /// Where a file is, for messages.
    fn path(&self, name: &str) -> PathBuf;

    /// The names of all files, in no order.
    ///
    /// # Errors
    /// What the operating system says.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes a new, empty file.
    ///
    /// # Errors
    /// What the operating system says; `AlreadyExists` when the name is taken.
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file to read and write.
    ///
    /// # Errors
    /// What the operating system says; `NotFound` when there is none.
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file to read only, so that a disk mounted read-only can still be verified.
    ///
    /// # Errors
    /// What the operating system says; `NotFound` when there is none.
    fn open_to_read(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name, replacing what had it.
    ///
    /// # Errors
    /// What the operating system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the operating system says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes every change of names so far durable.
    ///
    /// # Errors
    /// What the operating system says.
    fn sync(&self) -> io::Result<()>;

    /// Bytes a new file could take.
    ///
    /// # Errors
    /// What the operating system says.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// An open file.
pub trait DiskFile: Send + Sync {
    /// Its length in bytes.
    ///
    /// # Errors
    /// What the operating system says.
    fn bytes(&self) -> io::Result<u64>;

    /// Reads from `offset` until `into` is full or the file ends, and says how much it read.
    ///
    /// # Errors
    /// What the operating system says.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize>;

    /// Writes whole sectors at a whole sector, all or an error; durable after [`sync`](Self::sync).
    ///
    /// # Errors
    /// What the operating system says.
    fn write_at(&self, offset: u64, sectors: &Sectors) -> io::Result<()>;

    /// Makes every write so far durable.
    ///
    /// # Errors
    /// What the operating system says; what was written is in doubt then.
    fn sync(&self) -> io::Result<()>;
}
