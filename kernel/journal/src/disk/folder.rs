use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::{Disk, DiskFile, SECTOR_BYTES, Sectors};

/// A folder of the machine's own file system.
///
/// Files are written with `O_DIRECT | O_DSYNC`, so that one system call is both write and sync;
/// where the file system refuses that (tmpfs), through the page cache with `fdatasync`.
#[derive(Debug, Clone)]
pub struct FolderDisk {
    folder: PathBuf,
    /// Kept open, so that neither syncing nor asking for space needs a descriptor that may be
    /// lacking by then.
    handle: Arc<File>,
    /// How its files are written, once that was said.
    direct: Arc<OnceLock<bool>>,
}

impl FolderDisk {
    /// The disk in this folder, which is made if absent.
    ///
    /// # Errors
    /// What the operating system says when it cannot be made or opened.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        make_durably(&folder)?;
        let handle = Arc::new(File::open(&folder)?);
        let direct = Arc::new(OnceLock::new());
        Ok(Self {
            folder,
            handle,
            direct,
        })
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn tell(&self, direct: bool) {
        if self.direct.set(direct).is_ok() {
            let how = if direct {
                "direct, each write durable at once"
            } else {
                "through the page cache, synced after each write"
            };
            tracing::info!(folder = %self.folder.display(), how, "journal files are written");
        }
    }

    fn open_to_write(&self, name: &str, new: bool) -> io::Result<Box<dyn DiskFile>> {
        let path = self.path(name);
        let buffered = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(new)
            .open(&path)?;
        let direct = match open_direct(&path)? {
            Some(file) if takes_a_sector(&file, new)? => Some(file),
            _ => None,
        };
        if new {
            // What the question left in it.
            buffered.set_len(0)?;
        }
        self.tell(direct.is_some());
        Ok(Box::new(FolderFile { buffered, direct }))
    }
}

/// Makes a folder and those above it, so that a power cut leaves them there.
fn make_durably(folder: &Path) -> io::Result<()> {
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let made: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
    fs::create_dir_all(folder)?;
    for folder in made.into_iter().rev() {
        let parent = folder.parent().filter(|path| !path.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// The file for writing past the page cache; `None` where the file system does not know that.
fn open_direct(path: &Path) -> io::Result<Option<File>> {
    let flags = (OFlags::DIRECT | OFlags::DSYNC).bits().cast_signed();
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(flags)
        .open(path);
    unless_unsupported(opened)
}

/// Whether the file system does for this file what it promised when it was opened; a file that
/// holds something is asked by reading.
fn takes_a_sector(direct: &File, new: bool) -> io::Result<bool> {
    let mut sector = Sectors::zeroed(SECTOR_BYTES);
    let answer = if new {
        direct.write_all_at(&sector, 0)
    } else {
        direct.read_at(&mut sector, 0).map(drop)
    };
    unless_unsupported(answer).map(|answer| answer.is_some())
}

fn unless_unsupported<T>(answer: io::Result<T>) -> io::Result<Option<T>> {
    let unsupported = [Errno::INVAL, Errno::OPNOTSUPP].map(|errno| Some(errno.raw_os_error()));
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if unsupported.contains(&error.raw_os_error()) => Ok(None),
        Err(error) => Err(error),
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
        self.handle.sync_all()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let room = rustix::fs::fstatvfs(&self.handle)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_unsupported_falls_back() {
        let answer = |errno: Errno| unless_unsupported::<()>(Err(errno.into()));
        for errno in [Errno::INVAL, Errno::OPNOTSUPP] {
            assert_eq!(answer(errno).expect("it falls back"), None);
        }
        for errno in [Errno::IO, Errno::MFILE, Errno::NOSPC, Errno::ACCESS] {
            let error = answer(errno).expect_err("it is no matter of support");
            assert_eq!(error.raw_os_error(), Some(errno.raw_os_error()));
        }
    }

    #[test]
    fn a_new_file_is_empty_and_an_old_one_is_left_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let disk = FolderDisk::open(folder.path().join("a/b/c")).expect("it is made");
        let file = disk.create("new").expect("it is made");
        assert_eq!(file.bytes().expect("a length"), 0);
        let mut sectors = Sectors::zeroed(SECTOR_BYTES);
        sectors.fill(7);
        file.write_at(0, &sectors).expect("it is written");
        drop(disk.open("new").expect("it opens"));
        let held = fs::read(disk.path("new")).expect("it is read");
        assert_eq!(held, vec![7; SECTOR_BYTES]);
    }
}
