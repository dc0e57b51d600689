//! Reading a block.

mod delete;
mod entry;
mod labels;
mod open;
mod samples;
mod select;

use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use super::BlockMeta;
use super::contents::{SECTIONS, Section, SectionKind};
use super::deleted::Deleted;
use super::dictionary::Dictionary;
use super::map::Mapped;
use crate::Error;
use crate::chunk::Damage;

/// A published block, open to read; what is deleted of it is not handed out.
///
/// Its series have ids from 0, in the order of their labels.
#[derive(Debug)]
pub struct Block {
    path: PathBuf,
    map: Mapped,
    meta: BlockMeta,
    pub(super) sections: [Section; SECTIONS],
    names: Vec<Name>,
    deleted: RwLock<Arc<Deleted>>,
}

#[derive(Debug)]
struct Name {
    text: String,
    values: usize,
    /// Where its dictionary is in its section.
    at: usize,
}

impl Block {
    /// What is known of it without reading samples.
    pub fn meta(&self) -> BlockMeta {
        BlockMeta {
            has_deleted: !self.deleted().is_empty(),
            ..self.meta.clone()
        }
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn section(&self, kind: SectionKind) -> &[u8] {
        let section = self.sections[kind as usize];
        // Both were checked against the file's length when it was opened.
        &self.map[section.offset as usize..(section.offset + section.bytes) as usize]
    }

    fn deleted(&self) -> Arc<Deleted> {
        Arc::clone(
            &self
                .deleted
                .read()
                .expect("nothing panics with the list in hand"),
        )
    }

    fn dictionary(&self, name: &Name) -> Result<Dictionary<'_>, Error> {
        let values = self.section(SectionKind::Values).get(name.at..);
        Dictionary::open(values.unwrap_or_default(), name.values)
            .map_err(|reason| self.damaged_in(SectionKind::Values, name.at, reason))
    }

    fn damaged_in(&self, kind: SectionKind, at: usize, reason: Damage) -> Error {
        self.damaged(self.sections[kind as usize].offset + at as u64, reason)
    }

    pub(super) fn damaged(&self, offset: u64, reason: Damage) -> Error {
        Error::DamagedFile {
            path: self.path.clone(),
            offset,
            reason,
        }
    }
}
