//! The folder of a retention class: names, durable changes of names, what a crash leaves.

mod registered;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::register::Register;
use super::{Block, BlockMeta, BlockWriter};
use crate::Error;
pub use registered::LostBlock;
use registered::REGISTER;

const BLOCK: &str = "block";
const DELETED: &str = "deleted";
const PREPARING: &str = "preparing";

/// Digits of a number in a name, so that names sort as numbers do.
const DIGITS: usize = 20;

/// A folder of blocks. One process writes to it at a time.
#[derive(Debug)]
pub struct BlockFolder {
    path: PathBuf,
    next: AtomicU64,
    /// Nothing else is locked while it is held; it is written to the disk meanwhile, as it changes
    /// seldom.
    register: Mutex<Register>,
    #[cfg(test)]
    pub(super) crash: super::tests::Crash,
}

/// What a folder held when it was opened.
#[derive(Debug)]
pub struct OpenedBlocks {
    /// The folder.
    pub folder: BlockFolder,
    /// Its blocks, by number; those that others replace are gone.
    pub blocks: Vec<Arc<Block>>,
    /// What could not be opened, with file and offset; the files are left where they are.
    pub damaged: Vec<Error>,
    /// Blocks that should be there and are not.
    pub lost: Vec<LostBlock>,
}

impl BlockFolder {
    /// Opens a folder, makes it if absent, and removes what a crash left.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder cannot be read or changed. A damaged block is no error here.
    pub fn open(path: &Path) -> Result<OpenedBlocks, Error> {
        make_durably(path).map_err(|source| failed(path, "make the folder", source))?;
        let folder = Self {
            path: path.to_owned(),
            next: AtomicU64::new(1),
            register: Mutex::default(),
            #[cfg(test)]
            crash: super::tests::Crash::default(),
        };
        let (mut blocks, mut damaged) = (Vec::new(), Vec::new());
        let (register, bad_register) = folder.read_register()?;
        damaged.extend(bad_register);
        let present = folder.tidy()?;
        for number in present.iter().copied() {
            folder.next.fetch_max(number + 1, Ordering::Relaxed);
            match Block::open(&folder.block_path(number), number) {
                Ok(block) => blocks.push(Arc::new(block)),
                Err(error) => damaged.push(error),
            }
        }
        let replaced: BTreeSet<u64> = blocks
            .iter()
            .flat_map(|block| block.meta().replaces)
            .collect();
        if let Some(last) = replaced.last() {
            folder.next.fetch_max(last + 1, Ordering::Relaxed);
        }
        blocks.retain(|block| !replaced.contains(&block.meta().number));
        folder.enrol(register, &present, &replaced, &blocks)?;
        folder.remove(replaced)?;
        let lost = folder.lost();
        Ok(OpenedBlocks {
            folder,
            blocks,
            damaged,
            lost,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a block that stands for those it replaces; `resolution_ms` is 0 for samples as they came.
    ///
    /// # Errors
    /// [`Error::Io`] when its file cannot be made.
    pub fn writer(&self, resolution_ms: u32, replaces: Vec<u64>) -> Result<BlockWriter<'_>, Error> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        BlockWriter::begin(self, number, resolution_ms, replaces)
    }

    /// Removes blocks for good, what is deleted of them too. Those who read them still can.
    ///
    /// # Errors
    /// [`Error::Io`] when a file cannot be removed; calling it again goes on where it stopped.
    pub fn remove(&self, numbers: impl IntoIterator<Item = u64>) -> Result<(), Error> {
        let numbers: Vec<u64> = numbers.into_iter().collect();
        // Before the files: what it names and is not there counts as lost.
        let mut register = self.register();
        let named = numbers
            .iter()
            .filter(|number| register.blocks.contains_key(number));
        if named.count() > 0 {
            let mut without = register.clone();
            for number in &numbers {
                without.remove(*number);
            }
            self.write_register(&without)?;
            *register = without;
        }
        drop(register);
        let mut is_changed = false;
        for number in numbers {
            // The block first: without its deletions it must never be seen.
            for extension in [BLOCK, DELETED] {
                is_changed |= self.unlink(&self.name(number, extension))?;
            }
        }
        if is_changed {
            self.sync()?;
        }
        Ok(())
    }

    /// Links all published blocks, and what is deleted of them, into another folder, which is made.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder is on another file system or a name is taken.
    pub fn link_into(&self, target: &Path) -> Result<(), Error> {
        make_durably(target).map_err(|source| failed(target, "make the folder", source))?;
        for name in self.names()? {
            if parse(&name).is_some() {
                let (from, to) = (self.path.join(&name), target.join(&name));
                fs::hard_link(&from, &to).map_err(|source| failed(&to, "link", source))?;
            }
        }
        sync_folder(target).map_err(|source| failed(target, "sync the folder", source))
    }

    pub(super) fn block_path(&self, number: u64) -> PathBuf {
        self.path.join(self.name(number, BLOCK))
    }

    pub(super) fn prepare(&self, number: u64) -> Result<File, Error> {
        self.prepare_as(&self.name(number, BLOCK))
    }

    pub(super) fn publish(&self, meta: &BlockMeta, file: &File) -> Result<(), Error> {
        self.publish_as(&self.name(meta.number, BLOCK), file)?;
        let mut register = self.register();
        register.add(meta);
        // The block is there for good: should this fail, the next change writes it too, and until
        // then its loss would not be noticed.
        let _ = self.write_register(&register);
        Ok(())
    }

    /// Removes the file of a block that is not going to be published.
    pub(super) fn discard(&self, number: u64) -> Result<bool, Error> {
        self.unlink(&format!("{}.{PREPARING}", self.name(number, BLOCK)))
    }

    fn prepare_as(&self, name: &str) -> Result<File, Error> {
        let path = self.preparing_path(name);
        self.allow(&path)?;
        File::create(&path).map_err(|source| failed(&path, "make", source))
    }

    fn publish_as(&self, name: &str, file: &File) -> Result<(), Error> {
        let (preparing, path) = (self.preparing_path(name), self.path.join(name));
        self.allow(&path)?;
        file.sync_all()
            .map_err(|source| failed(&preparing, "sync", source))?;
        self.allow(&path)?;
        fs::rename(&preparing, &path).map_err(|source| failed(&path, "rename", source))?;
        self.sync()
    }

    fn preparing_path(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.{PREPARING}"))
    }

    fn name(&self, number: u64, extension: &str) -> String {
        format!("{number:0DIGITS$}.{extension}")
    }

    /// Removes files in preparation and deletions without a block; the numbers of the blocks, sorted.
    fn tidy(&self) -> Result<BTreeSet<u64>, Error> {
        let names = self.names()?;
        let parsed: Vec<_> = names.iter().filter_map(|name| parse(name)).collect();
        let of = |kind: &str| {
            let found = parsed.iter().filter(|(_, extension)| *extension == kind);
            found.map(|(number, _)| *number).collect::<BTreeSet<u64>>()
        };
        let (blocks, deleted) = (of(BLOCK), of(DELETED));
        for name in names.iter().filter(|name| is_in_preparation(name)) {
            self.unlink(name)?;
        }
        for number in deleted.difference(&blocks) {
            self.unlink(&self.name(*number, DELETED))?;
        }
        Ok(blocks)
    }

    fn names(&self) -> Result<Vec<String>, Error> {
        let list = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in fs::read_dir(&self.path)? {
                names.extend(entry?.file_name().into_string());
            }
            names.sort_unstable();
            Ok(names)
        };
        list().map_err(|source| failed(&self.path, "list", source))
    }

    /// Whether there was such a file.
    fn unlink(&self, name: &str) -> Result<bool, Error> {
        let path = self.path.join(name);
        self.allow(&path)?;
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(failed(&path, "remove", source)),
        }
    }

    fn sync(&self) -> Result<(), Error> {
        self.allow(&self.path)?;
        sync_folder(&self.path).map_err(|source| failed(&self.path, "sync the folder", source))
    }

    /// Every step that changes the disk passes here, so that tests can end the process at each.
    pub(super) fn allow(&self, _path: &Path) -> Result<(), Error> {
        #[cfg(test)]
        self.crash
            .step()
            .map_err(|source| failed(_path, "go on", source))?;
        Ok(())
    }
}

/// Replaces the file of what is deleted of a block, durably.
pub(super) fn replace_deleted(block: &Path, bytes: &[u8]) -> Result<(), Error> {
    let path = deleted_path(block);
    let preparing = path.with_extension(format!("{DELETED}.{PREPARING}"));
    let write = || -> io::Result<()> {
        fs::write(&preparing, bytes)?;
        File::open(&preparing)?.sync_all()?;
        fs::rename(&preparing, &path)?;
        sync_folder(path.parent().unwrap_or(Path::new(".")))
    };
    write().map_err(|source| failed(&path, "replace", source))
}

pub(super) fn deleted_path(block: &Path) -> PathBuf {
    block.with_extension(DELETED)
}

pub(super) fn failed(path: &Path, action: &'static str, source: io::Error) -> Error {
    Error::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

/// Number and extension of a published file.
fn parse(name: &str) -> Option<(u64, &str)> {
    let (number, extension) = name.split_once('.')?;
    let is_ours = number.len() == DIGITS && (extension == BLOCK || extension == DELETED);
    let number = number.parse().ok().filter(|_| is_ours)?;
    Some((number, extension))
}

fn is_in_preparation(name: &str) -> bool {
    let published = name
        .strip_suffix(PREPARING)
        .and_then(|name| name.strip_suffix('.'));
    published.is_some_and(|name| name == REGISTER || parse(name).is_some())
}

/// Makes a folder and those above it, so that a power cut leaves them there.
fn make_durably(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path)?;
    path.ancestors()
        .skip(1)
        .take_while(|p| !p.as_os_str().is_empty())
        .try_for_each(sync_folder)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
