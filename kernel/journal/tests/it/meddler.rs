//! A simulated disk that does one thing wrong, chosen by call and file.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use portique_journal::{Disk, DiskFile, Sectors, SimulatedDisk};

/// What the journal asked the disk to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Create,
    Open,
    Read,
    Write,
    /// Of a file.
    Sync,
}

/// What becomes of a call.
pub(crate) enum Meddling {
    None,
    Fail(io::Error),
    /// A read gives this many bytes less than it should.
    Short(usize),
    /// A read gives a wrong last byte.
    Flip,
}

type Meddle = Arc<dyn Fn(Call, &str) -> Meddling + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Meddler {
    disk: SimulatedDisk,
    meddle: Meddle,
}

struct MeddledFile {
    file: Box<dyn DiskFile>,
    name: String,
    meddle: Meddle,
}

impl Meddler {
    pub(crate) fn new(
        disk: SimulatedDisk,
        meddle: impl Fn(Call, &str) -> Meddling + Send + Sync + 'static,
    ) -> Self {
        let meddle = Arc::new(meddle);
        Self { disk, meddle }
    }

    fn file(&self, name: &str, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        let (name, meddle) = (name.to_owned(), self.meddle.clone());
        Box::new(MeddledFile { file, name, meddle })
    }
}

fn refused(meddling: Meddling) -> io::Result<()> {
    match meddling {
        Meddling::Fail(error) => Err(error),
        _ => Ok(()),
    }
}

impl Disk for Meddler {
    fn path(&self, name: &str) -> PathBuf {
        self.disk.path(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        refused((self.meddle)(Call::Create, name))?;
        Ok(self.file(name, self.disk.create(name)?))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        refused((self.meddle)(Call::Open, name))?;
        Ok(self.file(name, self.disk.open(name)?))
    }

    fn open_to_read(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open_to_read(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.sync()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.disk.free_bytes()
    }
}

impl DiskFile for MeddledFile {
    fn bytes(&self) -> io::Result<u64> {
        self.file.bytes()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(offset, into)?;
        match (self.meddle)(Call::Read, &self.name) {
            Meddling::None => Ok(read),
            Meddling::Fail(error) => Err(error),
            Meddling::Short(bytes) => Ok(read.saturating_sub(bytes)),
            Meddling::Flip => {
                into[read - 1] ^= 1;
                Ok(read)
            }
        }
    }

    fn write_at(&self, offset: u64, sectors: &Sectors) -> io::Result<()> {
        refused((self.meddle)(Call::Write, &self.name))?;
        self.file.write_at(offset, sectors)
    }

    fn sync(&self) -> io::Result<()> {
        refused((self.meddle)(Call::Sync, &self.name))?;
        self.file.sync()
    }
}
