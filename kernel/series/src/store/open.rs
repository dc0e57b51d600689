//! How a store starts.

use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

use portique_clock::{Clock, Random, Seeded};
use portique_journal::{Committer, Disk, FolderDisk, Journal, spawn};

use super::blocks::{BlockFolders, OpenBlock};
use super::plan::Plan;
use super::reopen::Reopening;
use super::replay::replay;
use super::{Checkpointed, Committing, Counts, Flushed, Maintenance, State, Store};
use crate::head::{Head, NEVER_MS};
use crate::log::find_checkpoint;
use crate::{Config, Error};

/// The log's folder in the store's.
const LOG_FOLDER: &str = "log";

/// That of blocks; each class has a folder in it.
pub(super) const BLOCKS_FOLDER: &str = "blocks";

impl Store {
    /// Opens the store of a folder, bringing back every sample that was acknowledged; makes one where there is none.
    /// Two processes must not open the same folder.
    ///
    /// # Errors
    /// What is damaged, with its file; nothing is changed then. [`Error::Config`]; [`Error::Io`].
    pub fn open(
        config: Config,
        folder: &Path,
        clock: Arc<dyn Clock>,
        random: &mut dyn Random,
    ) -> Result<Self, Error> {
        let path = folder.join(LOG_FOLDER);
        let disk = FolderDisk::open(&path).map_err(|source| Error::Io {
            action: "open",
            path: path.clone(),
            source,
        })?;
        let (folders, blocks) = BlockFolders::open(&folder.join(BLOCKS_FOLDER), &config.retention)?;
        let (mut store, committer) = Self::open_on(config, Arc::new(disk), clock, random)?;
        store.folders = folders;
        store.hold(blocks);
        store.troubles().lost = store.folders.lost();
        let committer = spawn(committer).map_err(|source| Error::Io {
            action: "start a thread for",
            path,
            source,
        })?;
        store.committer = Committing::Thread(Mutex::new(Some(committer)));
        Ok(store)
    }

    /// Opens a store that lives in memory and in the log on a disk; the caller drives the committer, as simulations do.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(
        config: Config,
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        random: &mut dyn Random,
    ) -> Result<(Self, Committer), Error> {
        config.check()?;
        let options = config.journal();
        let frame_bytes_max = options.frame_bytes_max;
        let opened = Journal::open(options, Arc::clone(&disk), Arc::clone(&clock), random);
        let opened = opened.map_err(|source| Error::Log { source })?;
        let checkpoint = find_checkpoint(&*disk)?;
        let mut head = Head::new(config.exemplars_max);
        let replayed = replay(&config, &disk, &opened.journal, checkpoint, &mut head)?;
        let state = State {
            head,
            blocks: Arc::default(),
            plan: Plan::new(frame_bytes_max),
            journal: opened.journal,
            sequence: opened.recovery.last,
            logged_bytes: replayed.log_bytes,
            checkpoint: Checkpointed {
                bytes: replayed.checkpoint_bytes,
                logged_bytes: 0,
            },
            counts: Counts::default(),
        };
        let maintenance = Maintenance {
            flushed: Flushed {
                to_ms: NEVER_MS,
                at_ms: 0,
            },
            checkpoint_not_before_ms: NEVER_MS,
            expire_not_before_ms: NEVER_MS,
            reopening: Reopening::default(),
            random: Seeded::new(random.next_u64()),
        };
        let store = Self {
            config,
            state: RwLock::new(state),
            disk,
            clock,
            maintenance: Mutex::new(maintenance),
            folders: BlockFolders::default(),
            troubles: Mutex::default(),
            committer: Committing::Caller,
        };
        Ok((store, opened.committer))
    }

    fn hold(&mut self, blocks: Vec<OpenBlock>) {
        let mut state = self.write_state();
        let newest_ms = blocks.iter().map(|block| block.last_ms).max();
        state.head.newest_ms = state.head.newest_ms.max(newest_ms.unwrap_or(NEVER_MS));
        state.blocks = Arc::new(blocks);
    }
}
