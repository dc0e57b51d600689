use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use portique_client::{Fingerprint, Trust};
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use crate::error::Error;

const LOCK_FILE: &str = "lock";
/// The bits of a mode that let the group or everybody write.
const WRITABLE_BY_OTHERS: u32 = 0o022;
const ADDRESSES_FILE: &str = "hub.json";
/// Looks at the lock take microseconds; more of them than this in a row are no looks.
const LOOKS_MAX: usize = 10_000;
/// A process number has at most 20 digits; the rest of a larger file is not ours.
const LOCK_BYTES_MAX: u64 = 32;
/// The addresses file holds two addresses and a number; a larger one is not ours.
const ADDRESSES_BYTES_MAX: u64 = 4096;

/// Where a hub keeps what it must not lose: one folder, held by one process at a time.
///
/// The folder is created readable by its owner only. The lock is the kernel's (`flock`), so it ends
/// with the process however that ends.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    /// Holds the lock as long as it is open.
    _lock: File,
    /// Removes the folder when dropped.
    ephemeral: Option<tempfile::TempDir>,
}

/// Where a running hub can be reached; written into its data folder as `hub.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// The process that serves them.
    pub pid: u32,
    /// HTTP: API, health, metrics.
    pub http: SocketAddr,
    /// gRPC: modules that attach themselves.
    pub grpc: SocketAddr,
    /// By which the certificate is known that both show, as SHA-256 in hexadecimal; none without TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

impl Addresses {
    /// Where HTTP is served, such as `http://127.0.0.1:8080`.
    pub fn http_url(&self) -> String {
        format!("{}://{}", self.scheme(), self.http)
    }

    /// Where gRPC is served, likewise.
    pub fn grpc_url(&self) -> String {
        format!("{}://{}", self.scheme(), self.grpc)
    }

    /// What the fingerprint says.
    pub(crate) fn pin(&self) -> Option<Fingerprint> {
        self.fingerprint.as_ref()?.parse().ok()
    }

    fn scheme(&self) -> &'static str {
        match self.fingerprint {
            Some(_) => "https",
            None => "http",
        }
    }
}

/// Whom to believe to be the hub of this folder: whoever shows the certificate that it wrote there last. A hub that stops
/// takes its addresses back, and still answers those who end what they have in hand.
pub(crate) fn trust_of(folder: &Path) -> Trust {
    let folder = folder.to_path_buf();
    let told = move || live_addresses(&folder).and_then(|live| live.pin());
    let last = Mutex::new(told());
    Trust::Known(Arc::new(move || {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = told().or(*last);
        *last
    }))
}

impl DataFolder {
    /// Creates the folder when it is missing, and takes its lock.
    ///
    /// # Errors
    /// [`Error::DataFolderLocked`] when another process holds it, [`Error::DataFolderOpen`] when
    /// others can write to it, [`Error::File`] when it cannot be
    /// created or written.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|source| file_error("create the data folder", path, source))?;
        refuse_open_to_others(path)?;
        let lock = take_lock(path)?;
        Ok(Self {
            path: path.to_path_buf(),
            _lock: lock,
            ephemeral: None,
        })
    }

    /// A new folder that is removed when this value is dropped.
    ///
    /// # Errors
    /// [`Error::File`] when the machine's temporary folder cannot be written.
    pub(crate) fn open_ephemeral() -> Result<Self, Error> {
        let folder = tempfile::Builder::new()
            .prefix("portique-")
            .tempdir()
            .map_err(|source| file_error("create a folder in", &std::env::temp_dir(), source))?;
        let mut data = Self::open(folder.path())?;
        data.ephemeral = Some(folder);
        Ok(data)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn is_ephemeral(&self) -> bool {
        self.ephemeral.is_some()
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Tells the command line where this hub listens.
    pub(crate) fn write_addresses(&self, addresses: &Addresses) -> Result<(), Error> {
        write_addresses(&self.path, addresses)
    }

    /// Takes the addresses back: the hub no longer listens.
    pub(crate) fn remove_addresses(&self) {
        let path = self.join(ADDRESSES_FILE);
        if let Err(error) = fs::remove_file(&path) {
            tracing::debug!(?path, %error, "the addresses file was gone already");
        }
    }
}

/// Tells the command line where the hub that holds this folder listens.
pub(crate) fn write_addresses(folder: &Path, addresses: &Addresses) -> Result<(), Error> {
    let path = folder.join(ADDRESSES_FILE);
    let text = serde_json::to_string(addresses).expect("addresses are plain values");
    // Renamed into place, so that no reader sees half of it.
    let draft = folder.join("hub.json.new");
    fs::write(&draft, text + "\n")
        .and_then(|()| fs::rename(&draft, &path))
        .map_err(|source| file_error("write", &path, source))
}

/// Where the running hub of this data folder listens; `None` when none runs there, even when one
/// that was killed has left its addresses.
pub(crate) fn live_addresses(folder: &Path) -> Option<Addresses> {
    let addresses = read_addresses(folder)?;
    (holder(folder) == Some(Some(addresses.pid))).then_some(addresses)
}

fn read_addresses(folder: &Path) -> Option<Addresses> {
    let file = File::open(folder.join(ADDRESSES_FILE)).ok()?;
    let mut text = String::new();
    file.take(ADDRESSES_BYTES_MAX)
        .read_to_string(&mut text)
        .ok()?;
    serde_json::from_str(&text).ok()
}

/// The process that holds this data folder, if one does: its number, when it wrote one.
pub(crate) fn holder(folder: &Path) -> Option<Option<u32>> {
    let mut file = File::open(folder.join(LOCK_FILE)).ok()?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
        Err(rustix::io::Errno::WOULDBLOCK) => Some(read_pid(&mut file)),
        _ => None,
    }
}

/// Whoever can write to the folder can put a token of his own there.
fn refuse_open_to_others(folder: &Path) -> Result<(), Error> {
    let metadata = fs::metadata(folder).map_err(|source| file_error("look at", folder, source))?;
    let mode = metadata.mode() & 0o7777;
    if mode & WRITABLE_BY_OTHERS == 0 {
        return Ok(());
    }
    Err(Error::DataFolderOpen {
        folder: folder.to_path_buf(),
        mode,
    })
}

fn take_lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join(LOCK_FILE);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|source| file_error("open", &path, source))?;
    match lock_alone(&file) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            return Err(Error::DataFolderLocked {
                folder: folder.to_path_buf(),
                pid: read_pid(&mut file),
            });
        }
        Err(errno) => return Err(file_error("lock", &path, errno.into())),
    }
    write_pid(&mut file).map_err(|source| file_error("write", &path, source))?;
    Ok(file)
}

/// Takes the lock from nobody but lookers: [`holder`] shares it for an instant, a hub never does.
fn lock_alone(file: &File) -> Result<(), rustix::io::Errno> {
    for _ in 0..LOOKS_MAX {
        match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => {}
            other => return other,
        }
        // Fails when a hub holds it.
        rustix::fs::flock(file, FlockOperation::NonBlockingLockShared)?;
        rustix::fs::flock(file, FlockOperation::Unlock)?;
        std::thread::yield_now();
    }
    Err(rustix::io::Errno::WOULDBLOCK)
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(LOCK_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

pub(crate) fn file_error(action: &'static str, path: &Path, source: io::Error) -> Error {
    Error::File {
        action,
        path: path.to_path_buf(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_second_holder_is_told_who_holds_the_folder() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let first = DataFolder::open(&path).unwrap();
        match DataFolder::open(&path) {
            Err(Error::DataFolderLocked { pid, .. }) => {
                assert_eq!(pid, Some(std::process::id()));
            }
            other => panic!("expected a refusal, got {other:?}"),
        }
        drop(first);
        DataFolder::open(&path).unwrap();
    }

    #[test]
    fn the_folder_is_closed_to_others() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let _data = DataFolder::open(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o770, 0o702, 0o1777] {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
            let error = DataFolder::open(folder.path()).unwrap_err().to_string();
            assert!(error.contains("chmod go-w"), "{mode:o}: {error}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        DataFolder::open(folder.path()).unwrap();
    }

    #[test]
    fn who_looks_at_the_lock_keeps_no_hub_from_starting() {
        let folder = tempfile::tempdir().unwrap();
        drop(DataFolder::open(folder.path()).unwrap());
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    holder(folder.path());
                }
            });
            let opened = (0..200).try_for_each(|_| DataFolder::open(folder.path()).map(drop));
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            opened.unwrap();
        });
    }

    #[test]
    fn addresses_count_only_while_their_hub_lives() {
        let folder = tempfile::tempdir().unwrap();
        let hub = DataFolder::open(folder.path()).unwrap();
        let any = "127.0.0.1:1".parse().unwrap();
        let mut addresses = Addresses {
            pid: std::process::id(),
            http: any,
            grpc: any,
            fingerprint: None,
        };
        hub.write_addresses(&addresses).unwrap();
        assert_eq!(live_addresses(folder.path()), Some(addresses.clone()));
        addresses.pid += 1;
        hub.write_addresses(&addresses).unwrap();
        assert_eq!(live_addresses(folder.path()), None, "another's");
        addresses.pid -= 1;
        hub.write_addresses(&addresses).unwrap();
        drop(hub);
        assert_eq!(live_addresses(folder.path()), None, "left behind");
    }

    #[test]
    fn an_ephemeral_folder_leaves_nothing() {
        let data = DataFolder::open_ephemeral().unwrap();
        let path = data.path().to_path_buf();
        fs::write(data.join("x"), "x").unwrap();
        drop(data);
        assert!(!path.exists());
    }
}
