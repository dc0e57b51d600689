//! A log that failed, opened again while the store goes on.
//!
//! After a failed write or sync it is in doubt what of the last records is on the disk, and the
//! journal takes no more. The head has all that was ever given to it: the journal is opened anew,
//! which settles where it ends, and the whole head is written as a checkpoint after that record.
//! Only then are samples taken again; so no record that follows leans on one that was lost.

use std::sync::{Arc, PoisonError};

use portique_journal::{Committer, Journal, State as JournalState, spawn};

use super::{Committing, Maintained, Maintenance, Store};
use crate::Error;

/// The first try follows at once, the next after this, then twice as long each time.
const RETRY_MS: i64 = 1_000;
/// At most so long: a disk that is back is used within a minute.
const RETRY_MS_MAX: i64 = 60_000;
/// A log that stayed open for so long has recovered.
const SETTLED_MS: i64 = 60_000;

/// What is known of tries to open the log again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reopening {
    tries: u32,
    not_before_ms: i64,
}

impl Store {
    /// Opens the log again if a write or a sync of it failed, and says who makes records durable
    /// from now on: for a store whose opener drives that ([`open_on`](Self::open_on)). Other stores
    /// do it by themselves in [`maintain`](Self::maintain).
    ///
    /// # Errors
    /// What the disk says: it takes nothing then, as before.
    pub fn reopen(&self) -> Result<Option<Committer>, Error> {
        self.reopen_log(&mut self.maintenance())
    }

    /// Opens the log again when it failed, unless that was tried a moment ago.
    pub(super) fn keep_open(
        &self,
        last: &mut Maintenance,
        now_ms: i64,
        done: &mut Maintained,
    ) -> Result<(), Error> {
        let Committing::Thread(thread) = &self.committer else {
            return Ok(());
        };
        let is_failed = matches!(self.journal().state(), JournalState::Poisoned { .. });
        let reopening = &mut last.reopening;
        if !is_failed {
            if now_ms >= reopening.not_before_ms.saturating_add(SETTLED_MS) {
                reopening.tries = 0;
            }
            return Ok(());
        }
        if reopening.tries > 0 && now_ms < reopening.not_before_ms {
            return Ok(());
        }
        let wait_ms = RETRY_MS.saturating_mul(1 << reopening.tries.min(16));
        reopening.tries = reopening.tries.saturating_add(1);
        reopening.not_before_ms = now_ms.saturating_add(wait_ms.min(RETRY_MS_MAX));
        let Some(committer) = self.reopen_log(last)? else {
            return Ok(());
        };
        let spawned = spawn(committer).map_err(|source| Error::Io {
            action: "start a thread for",
            path: self.disk.path("."),
            source,
        })?;
        *thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(spawned);
        done.reopened = true;
        Ok(())
    }

    fn reopen_log(&self, last: &mut Maintenance) -> Result<Option<Committer>, Error> {
        if !matches!(self.journal().state(), JournalState::Poisoned { .. }) {
            return Ok(None);
        }
        // Nobody writes to the files of the old one any more.
        self.join_committer();
        let (disk, clock) = (Arc::clone(&self.disk), Arc::clone(&self.clock));
        let opened = Journal::open(self.config.journal(), disk, clock, &mut last.random);
        let opened = opened.map_err(|source| Error::Log { source })?;
        let after = opened.recovery.last;
        self.write_checkpoint_for(&opened.journal, after)?;
        let mut state = self.write_state();
        state.journal = opened.journal;
        state.sequence = after;
        state.counts.reopened += 1;
        Ok(Some(opened.committer))
    }

    /// Waits for the end of the thread that makes records durable: its journal was closed, or
    /// failed.
    pub(super) fn join_committer(&self) {
        if let Committing::Thread(thread) = &self.committer {
            let thread = thread.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(thread) = thread {
                // It panicked if this fails, and has said so.
                let _ = thread.join();
            }
        }
    }
}
