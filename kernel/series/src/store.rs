//! The store: telemetry taken durably, and read again.

mod append;
mod blocks;
mod checkpoint;
mod delete;
mod figures;
mod flush;
mod list;
mod maintain;
mod open;
mod plan;
mod replay;
mod select;
mod snapshot;
mod wait;

use std::sync::{Arc, Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;

use portique_clock::Clock;
use portique_journal::{Disk, Journal, Sequence};

use crate::head::Head;
use crate::{Config, RefusalKind};
pub use append::Submitted;
use blocks::{BlockFolders, OpenBlock};
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
    journal: Journal,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    /// Held by whoever does the work of [`maintain`](Self::maintain), so that it is done once.
    maintenance: Mutex<Maintenance>,
    folders: BlockFolders,
    committer: Option<JoinHandle<()>>,
}

/// What changes with every batch.
#[derive(Debug)]
struct State {
    head: Head,
    /// By time.
    blocks: Arc<Vec<OpenBlock>>,
    plan: Plan,
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
}

/// What maintenance remembers.
#[derive(Debug, Clone, Copy)]
struct Maintenance {
    flushed: Flushed,
    /// After a checkpoint that failed, when the next is tried, Unix milliseconds.
    checkpoint_not_before_ms: i64,
    /// After a compaction that failed.
    compact_not_before_ms: i64,
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
            .field("journal", &self.journal)
            .finish_non_exhaustive()
    }
}

impl Store {
    fn read_state(&self) -> RwLockReadGuard<'_, State> {
        // A thread that panicked in the midst of an append leaves a series at odds with the log; to go on
        // would serve it.
        self.state.read().expect("no append panicked")
    }

    fn write_state(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().expect("no append panicked")
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.journal.close();
        if let Some(committer) = self.committer.take() {
            // It panicked if this fails, and has said so.
            let _ = committer.join();
        }
    }
}
