//! A finished file in memory: the one place of this crate with unsafe code.

use std::fs::File;
use std::io;
use std::ops::Deref;

/// The bytes of a file that is never written to or cut again.
#[derive(Debug)]
pub(super) struct Mapped(memmap2::Mmap);

impl Mapped {
    /// Maps a whole file, which the caller knows to be published: nobody writes to files with a block's name.
    #[expect(
        unsafe_code,
        reason = "reading through a map spares a call and a copy for each page; the file is immutable once it \
                  has its name, which is what the map's soundness asks for"
    )]
    pub(super) fn open(file: &File) -> io::Result<Self> {
        // SAFETY: files are published by rename when they are complete and synced; from then on this
        // program only reads, links and unlinks them, and an unlinked file stays as it is while mapped.
        unsafe { memmap2::Mmap::map(file) }.map(Self)
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
