//! The register of a folder: what is missed, and when it is told.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};

use super::super::Block;
use super::super::register::Register;
use super::{BlockFolder, failed};
use crate::Error;

/// Its file.
pub(super) const REGISTER: &str = "blocks.register";

/// A block whose file somebody took away, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostBlock {
    /// Where its file was.
    pub path: PathBuf,
    /// Timestamp of its oldest sample, Unix milliseconds.
    pub first_ms: i64,
    /// Timestamp of its newest sample.
    pub last_ms: i64,
    /// How many samples it had.
    pub samples: u64,
}

impl BlockFolder {
    /// Blocks that should be there and are not.
    pub fn lost(&self) -> Vec<LostBlock> {
        let register = self.register();
        let lost = register.lost.iter().filter_map(|number| {
            let entry = register.blocks.get(number)?;
            Some(LostBlock {
                path: self.block_path(*number),
                first_ms: entry.first_ms,
                last_ms: entry.last_ms,
                samples: entry.samples,
            })
        });
        lost.collect()
    }

    /// No longer misses lost blocks whose samples are all before a time: they would be gone by now.
    ///
    /// # Errors
    /// [`Error::Io`] when that cannot be noted.
    pub fn forget_lost(&self, before_ms: i64) -> Result<(), Error> {
        let mut register = self.register();
        let is_old = |number: &&u64| {
            let entry = register.blocks.get(number);
            entry.is_none_or(|entry| entry.last_ms < before_ms)
        };
        let old: Vec<u64> = register.lost.iter().filter(is_old).copied().collect();
        if old.is_empty() {
            return Ok(());
        }
        let mut without = register.clone();
        for number in old {
            without.remove(number);
        }
        self.write_register(&without)?;
        *register = without;
        Ok(())
    }

    pub(super) fn register(&self) -> MutexGuard<'_, Register> {
        // Each change is complete in itself.
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The register as it is on the disk, and what is wrong with it; an empty one when there is
    /// none.
    pub(super) fn read_register(&self) -> Result<(Register, Option<Error>), Error> {
        let path = self.path.join(REGISTER);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                return Ok((Register::default(), None));
            }
            Err(source) => return Err(failed(&path, "read", source)),
        };
        let damaged = |reason| Error::DamagedFile {
            path,
            offset: 0,
            reason,
        };
        Ok(match Register::decode(&bytes) {
            Ok(register) => (register, None),
            Err(reason) => (Register::default(), Some(damaged(reason))),
        })
    }

    /// Makes the register name what is there and what should be, and notes what is lost.
    pub(super) fn enrol(
        &self,
        written: Register,
        present: &BTreeSet<u64>,
        replaced: &BTreeSet<u64>,
        blocks: &[Arc<Block>],
    ) -> Result<(), Error> {
        let mut register = written.clone();
        for number in replaced {
            register.remove(*number);
        }
        for block in blocks {
            register.add(&block.meta());
        }
        let numbers = register.blocks.keys().copied();
        register.lost = numbers.filter(|number| !present.contains(number)).collect();
        if let Some(last) = register.blocks.keys().last() {
            self.next.fetch_max(last + 1, Ordering::Relaxed);
        }
        if register.blocks != written.blocks {
            self.write_register(&register)?;
        }
        *self.register() = register;
        Ok(())
    }

    pub(super) fn write_register(&self, register: &Register) -> Result<(), Error> {
        let file = self.prepare_as(REGISTER)?;
        let path = self.preparing_path(REGISTER);
        (&file)
            .write_all(&register.encode())
            .map_err(|source| failed(&path, "write", source))?;
        self.publish_as(REGISTER, &file)
    }
}
