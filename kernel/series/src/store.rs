//! The store: telemetry taken durably, and read again.

mod append;
mod blocks;
mod checkpoint;
mod compact;
mod delete;
mod figures;
mod flush;
mod list;
mod maintain;
mod open;
mod plan;
mod reopen;
mod replay;
mod select;
mod snapshot;
mod wait;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;

use portique_clock::{Clock, Seeded};
use portique_journal::{Disk, Journal, Sequence};

use crate::head::Head;
use crate::{Config, LostBlock, RefusalKind};
pub use append::Submitted;
use blocks::{BlockFolders, OpenBlock};
pub use compact::FailingStep;
pub use delete::Deleted;
pub use figures::{Figures, Largest};
pub use list::Listing;
pub use maintain::Maintained;
use plan::Plan;

/// Series, their samples and what is said about them, in one folder.
///
/// Batches are taken by any number of threads, one after another, and are durable when
/// [`append`](Self::append) returns; readers hold what they selected as it was, and nobody waits for them. Somebody
/// calls [`maintain`](Self::maintain) about once a second. Dropping it makes durable what was submitted.
pub struct Store {
    config: Config,
    state: RwLock<State>,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    /// Held by whoever does the work of [`maintain`](Self::maintain), so that it is done once.
    maintenance: Mutex<Maintenance>,
    folders: BlockFolders,
    /// Held for a moment only, also by those who ask for figures.
    troubles: Mutex<Troubles>,
    committer: Committing,
}

/// What is wrong with blocks, apart from those that could not be opened.
#[derive(Debug, Default)]
struct Troubles {
    /// Steps of compaction that failed, and wait for another try.
    failing: Vec<compact::Failing>,
    lost: Vec<LostBlock>,
}

/// Who drives the loop that makes records durable.
enum Committing {
    /// Whoever opened the store.
    Caller,
    /// A thread of the store's own, which is there unless it could not be started again.
    Thread(Mutex<Option<JoinHandle<()>>>),
}

/// What changes with every batch.
#[derive(Debug)]
struct State {
    head: Head,
    /// By time.
    blocks: Arc<Vec<OpenBlock>>,
    plan: Plan,
    /// Another one after a failure.
    journal: Journal,
    /// The last record given to the journal.
    sequence: Sequence,
    /// Bytes of records since the store was opened.
    logged_bytes: u64,
    checkpoint: Checkpointed,
    counts: Counts,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    samples: u64,
    out_of_order: u64,
    created: u64,
    refused: [u64; RefusalKind::ALL.len()],
    reopened: u64,
}

/// What maintenance remembers.
#[derive(Debug)]
struct Maintenance {
    flushed: Flushed,
    /// After a checkpoint that failed, when the next is tried, Unix milliseconds.
    checkpoint_not_before_ms: i64,
    /// After a removal of blocks that failed.
    expire_not_before_ms: i64,
    reopening: reopen::Reopening,
    /// For a log that is opened again.
    random: Seeded,
}

/// What is known of the last flush.
#[derive(Debug, Clone, Copy)]
struct Flushed {
    /// Up to where samples left, Unix milliseconds.
    to_ms: i64,
    /// When.
    at_ms: i64,
}

/// What is known of the last checkpoint.
#[derive(Debug, Clone, Copy, Default)]
struct Checkpointed {
    bytes: u64,
    /// [`State::logged_bytes`] then.
    logged_bytes: u64,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("folders", &self.folders)
            .finish_non_exhaustive()
    }
}

impl Store {
    fn read_state(&self) -> RwLockReadGuard<'_, State> {
        // A thread that panicked in the midst of an append leaves a series at odds with the log; to go on
        // would serve it.
        self.state.read().expect("no append panicked")
    }

    fn journal(&self) -> Journal {
        self.read_state().journal.clone()
    }

    fn troubles(&self) -> MutexGuard<'_, Troubles> {
        // Each change is complete in itself.
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_state(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().expect("no append panicked")
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.journal.close();
        drop(state);
        self.join_committer();
    }
}
