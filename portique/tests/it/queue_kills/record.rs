use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use portique_broker::history::{self, Acknowledged};
use portique_journal::{FolderDisk, Sequence};

/// What clients were told.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Jobs that were acknowledged.
    pub(super) enqueued: BTreeSet<u64>,
    /// Jobs whose completion was acknowledged, and the token it was under.
    pub(super) completed: BTreeMap<u64, u64>,
    /// Jobs that a worker had done its part of, without word of whether that was acknowledged.
    pub(super) handled: BTreeSet<u64>,
    /// Jobs whose batch was never answered: all of them are there, or none.
    pub(super) doubtful: usize,
    /// Processes of workers, all of them killed.
    pub(super) worker_lives: u64,
}

impl Record {
    pub(super) fn enqueued(&mut self, id: u64) {
        assert!(
            self.enqueued.insert(id),
            "job {id} was given to two requests"
        );
    }

    pub(super) fn completed(&mut self, id: u64, token: u64) {
        let before = self.completed.insert(id, token);
        assert!(
            before.is_none(),
            "job {id} was completed under {} and under {token}",
            before.unwrap_or_default()
        );
    }

    pub(super) fn handled(&mut self, id: u64) {
        self.handled.insert(id);
    }

    /// About how many jobs are done.
    pub(super) fn done(&self) -> usize {
        self.completed.len() + self.handled.len()
    }

    /// Holds the journal against it, and its records against each other.
    pub(super) fn audit(&self, data: &Path) {
        let told = Acknowledged {
            enqueued: self.enqueued.iter().copied().collect(),
            completed: self
                .completed
                .iter()
                .map(|(id, token)| (*id, *token))
                .collect(),
            published: Vec::new(),
        };
        let disk = FolderDisk::open(data.join("journal")).unwrap();
        let audit = history::audit_disk(&disk, Some(&told)).unwrap();
        let violations: Vec<String> = audit.violations.iter().map(ToString::to_string).collect();
        assert!(audit.is_clean(), "{}", violations.join("\n"));
        assert_eq!(audit.first, Sequence::FIRST, "the whole history was read");
        let left = audit.totals.waiting + audit.totals.active + audit.totals.dead;
        assert_eq!(left, 0, "all was worked off: {:?}", audit.totals);
    }
}
