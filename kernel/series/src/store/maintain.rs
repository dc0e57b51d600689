//! Work that nobody waits for.

use std::sync::PoisonError;

use super::Store;
use crate::Error;

/// What [`Store::maintain`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Maintained {
    /// Whether it wrote a checkpoint.
    pub checkpoint: bool,
}

impl Store {
    /// Does the work that is due. Somebody calls it about once a second, on a thread that may block.
    ///
    /// # Errors
    /// What the disk says; the work is due again then.
    pub fn maintain(&self) -> Result<Maintained, Error> {
        let mut last = self
            .maintenance
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut done = Maintained::default();
        if self.checkpoint_is_due(&last) {
            self.write_checkpoint(&mut last)?;
            done.checkpoint = true;
        }
        Ok(done)
    }

    /// Writes a checkpoint now, for a quick start after an orderly end.
    ///
    /// # Errors
    /// What the disk says; the next start replays the log then.
    pub fn checkpoint(&self) -> Result<(), Error> {
        let mut last = self
            .maintenance
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.write_checkpoint(&mut last)
    }
}
