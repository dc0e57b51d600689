use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::{Disk, DiskFile, Sectors};

/// A folder of the machine's own file system.
///
/// Files are written with `O_DIRECT | O_DSYNC`, so that one system call is both write and sync;
/// where the file system refuses that (tmpfs), through the page cache with `fdatasync`.
#[derive(Debug, Clone)]
pub struct FolderDisk {
    folder: PathBuf,
}

impl FolderDisk {
    /// The disk in this folder, which is made if absent.
    ///
    /// # Errors
    /// What the operating system says when it cannot be made.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn open_to_write(&self, name: &str, new: bool) -> io::Result<Box<dyn DiskFile>> {
        let path = self.path(name);
        let reader = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(new)
            .open(&path)?;
        let flags = (OFlags::DIRECT | OFlags::DSYNC).bits().cast_signed();
        let direct = OpenOptions::new()
            .write(true)
            .custom_flags(flags)
            .open(&path)
            .ok();
        Ok(Box::new(FolderFile {
            buffered: reader,
            direct,
        }))
    }
}

impl Disk for FolderDisk {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.extend(entry.file_name().into_string());
            }
        }
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.open_to_write(name, true)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.open_to_write(name, false)
    }

    fn open_to_read(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(FolderFile {
            buffered: File::open(self.path(name))?,
            direct: None,
        }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let room = rustix::fs::statvfs(&self.folder)?;
        Ok(room.f_bavail.saturating_mul(room.f_frsize))
    }
}

struct FolderFile {
    buffered: File,
    /// Bypasses the page cache and is durable at once; absent where that is refused.
    direct: Option<File>,
}

impl DiskFile for FolderFile {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.buffered.metadata()?.len())
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while done < into.len() {
            match self
                .buffered
                .read_at(&mut into[done..], offset + done as u64)
            {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_at(&self, offset: u64, sectors: &Sectors) -> io::Result<()> {
        self.direct
            .as_ref()
            .unwrap_or(&self.buffered)
            .write_all_at(sectors, offset)
    }

    fn sync(&self) -> io::Result<()> {
        match self.direct {
            Some(_) => Ok(()),
            None => self.buffered.sync_data(),
        }
    }
}
