//! A disk in memory for simulations, and what may go wrong on it.

mod world;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use world::World;

use crate::{Disk, DiskFile, Sectors};

/// A disk in memory that does to un-synced writes what disks do, as its seed has it.
///
/// Sectors here have 512 bytes, the smallest unit a disk may tear a write into. Clones share the
/// disk.
#[derive(Debug, Clone)]
pub struct SimulatedDisk {
    world: Arc<Mutex<World>>,
}

/// What goes wrong on a simulated disk, counted in operations that change it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SimulatedFaults {
    /// The power goes after this many more operations; the last of them may or may not take effect.
    pub power_cut_after: Option<u64>,
    /// The operation after this many more fails with an input/output error, once.
    pub error_after: Option<u64>,
}

impl SimulatedDisk {
    /// An empty disk for this many bytes.
    pub fn new(seed: u64, capacity_bytes: u64) -> Self {
        Self {
            world: Arc::new(Mutex::new(World::new(seed, capacity_bytes))),
        }
    }

    /// A disk that holds these files, all durable.
    pub fn with_files(files: BTreeMap<String, Vec<u8>>) -> Self {
        let disk = Self::new(0, u64::MAX);
        disk.lock().load(files);
        disk
    }

    /// The files as they are now, un-synced writes included.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.lock().live_files()
    }

    /// Arranges what goes wrong from now on.
    pub fn arrange(&self, faults: SimulatedFaults) {
        self.lock().arrange(faults);
    }

    /// The read after this many more fails with an input/output error, once, unless the disk is
    /// restarted before.
    pub fn fail_read_after(&self, reads: u64) {
        self.lock().read_error_after = Some(reads);
    }

    /// Changes how much fits.
    pub fn resize(&self, capacity_bytes: u64) {
        self.lock().capacity_bytes = capacity_bytes;
    }

    /// Whether an arranged fault has come to pass.
    pub fn has_failed(&self) -> bool {
        self.lock().has_failed()
    }

    /// Comes back after a power cut: of what was not synced, every sector is lost, kept or torn by
    /// itself, and so are the last changes of names.
    pub fn restart_after_power_cut(&self) {
        self.lock().power_cut();
    }

    /// Comes back after the process was killed: everything written is there, still un-synced.
    pub fn restart_after_kill(&self) {
        self.lock().kill();
    }

    /// Flips one bit of a file, durably.
    pub fn flip(&self, name: &str, byte: usize, bit: u8) {
        self.lock().flip(name, byte, bit);
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, id: u64) -> Box<dyn DiskFile> {
        Box::new(SimulatedFile {
            world: self.world.clone(),
            id,
        })
    }
}

impl Disk for SimulatedDisk {
    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("/simulated").join(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.lock().list()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let id = self.lock().create(name)?;
        Ok(self.file(id))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let id = self.lock().find(name)?;
        Ok(self.file(id))
    }

    fn open_to_read(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.open(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.lock().rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.lock().remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.lock().sync_names()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(self.lock().free_bytes())
    }
}

struct SimulatedFile {
    world: Arc<Mutex<World>>,
    id: u64,
}

impl SimulatedFile {
    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DiskFile for SimulatedFile {
    fn bytes(&self) -> io::Result<u64> {
        self.lock().bytes(self.id)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.lock().read(self.id, offset, into)
    }

    fn write_at(&self, offset: u64, sectors: &Sectors) -> io::Result<()> {
        self.lock().write(self.id, offset, sectors)
    }

    fn sync(&self) -> io::Result<()> {
        self.lock().sync_file(self.id)
    }
}
