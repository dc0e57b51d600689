//! A store in a real folder, with blocks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use portique_clock::{Seeded, SimulatedClock, Timestamp};
use portique_series::{Appended, Batch, Config, Maintained, Store};

use crate::rig::HOUR_MS;

/// Later than every sample of these tests.
const NOW_MS: i64 = 1_000_000 * HOUR_MS;

pub(crate) struct FolderRig {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: Arc<SimulatedClock>,
    pub(crate) store: Store,
}

impl FolderRig {
    pub(crate) fn new(config: Config) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(SimulatedClock::new(Timestamp::from_millis(NOW_MS)));
        let store = open(folder.path(), config, &clock);
        Self {
            folder,
            clock,
            store,
        }
    }

    pub(crate) fn append(&self, batch: &Batch) -> Appended {
        self.store.append(batch).expect("an append")
    }

    pub(crate) fn reopen(self, config: Config) -> Self {
        let Self {
            folder,
            clock,
            store,
        } = self;
        drop(store);
        let store = open(folder.path(), config, &clock);
        Self {
            folder,
            clock,
            store,
        }
    }

    /// Does all that is due, now and after a while.
    pub(crate) fn maintain(&self) -> Maintained {
        self.clock.advance(Duration::from_secs(3600));
        let mut all = Maintained::default();
        for _ in 0..100 {
            let done = self.store.maintain().expect("maintenance");
            all.flushed += done.flushed;
            all.compacted += done.compacted;
            all.expired += done.expired;
            if done == Maintained::default() {
                return all;
            }
        }
        panic!("maintenance never ends");
    }
}

/// Small segments: each is filled with zeros before it is used.
pub(crate) fn small() -> Config {
    Config {
        segment_bytes: 4 << 20,
        reserve_bytes: 0,
        ..Config::default()
    }
}

pub(crate) fn open(folder: &Path, config: Config, clock: &Arc<SimulatedClock>) -> Store {
    Store::open(config, folder, clock.clone(), &mut Seeded::new(3)).expect("a store")
}
