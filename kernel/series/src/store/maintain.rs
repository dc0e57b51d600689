//! Work that nobody waits for.

use std::collections::BTreeSet;
use std::sync::{Arc, MutexGuard, PoisonError};

use portique_journal::State as JournalState;

use super::blocks::{OpenBlock, sort};
use super::{Flushed, Maintenance, Store};
use crate::Error;

/// A checkpoint that failed is tried again after this: a full disk is not written to every second.
const CHECKPOINT_RETRY_MS: i64 = 30_000;

/// So is a removal of blocks.
const EXPIRE_RETRY_MS: i64 = 30_000;

/// What [`Store::maintain`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Maintained {
    /// Blocks that samples of the head went to.
    pub flushed: usize,
    /// Steps of compaction.
    pub compacted: usize,
    /// Blocks that were too old or too many.
    pub expired: usize,
    /// Whether it wrote a checkpoint.
    pub checkpoint: bool,
    /// Whether it opened the log again, after a failure.
    pub reopened: bool,
}

impl Store {
    /// Does the work that is due: samples leave the head for blocks, blocks are merged and expire,
    /// a checkpoint is written, a log that failed is opened again. Somebody calls it about once a
    /// second, on a thread that may block; appends and queries go on.
    ///
    /// # Errors
    /// The first thing that went wrong, after all else that is due was tried; it is tried again some time later.
    pub fn maintain(&self) -> Result<Maintained, Error> {
        let mut last = self.maintenance();
        let mut done = Maintained::default();
        let now_ms = self.clock.now().as_millis();
        let mut problem = self.keep_open(&mut last, now_ms, &mut done);
        // Without a log no checkpoint follows what leaves the head.
        let is_logging = !matches!(self.journal().state(), JournalState::Poisoned { .. });
        if is_logging && let Some(to_ms) = self.flush_is_due(&last.flushed) {
            // A flush that failed is as dear as one that did not: the next try waits as long.
            last.flushed = Flushed {
                to_ms,
                at_ms: now_ms,
            };
            let flushed = self.flush(to_ms).map(|flushed| done.flushed = flushed);
            problem = problem.and(flushed);
        }
        self.read_state().head.sort_known();
        // Before all else that can fail: without it the log grows.
        let is_due = is_logging && (done.flushed > 0 || self.checkpoint_is_due());
        if is_due && now_ms >= last.checkpoint_not_before_ms {
            let written = self.write_checkpoint();
            if written.is_err() {
                last.checkpoint_not_before_ms = now_ms.saturating_add(CHECKPOINT_RETRY_MS);
            }
            done.checkpoint = written.is_ok();
            problem = problem.and(written);
        }
        problem = problem.and(self.compact(now_ms, &mut done));
        if now_ms >= last.expire_not_before_ms {
            let expired = self.expire_bytes(&mut done);
            if expired.is_err() {
                last.expire_not_before_ms = now_ms.saturating_add(EXPIRE_RETRY_MS);
            }
            problem = problem.and(expired);
        }
        problem.map(|()| done)
    }

    /// Writes a checkpoint now, for a quick start after an orderly end.
    ///
    /// # Errors
    /// What the disk says; the next start replays the log then.
    pub fn checkpoint(&self) -> Result<(), Error> {
        let _maintenance = self.maintenance();
        self.write_checkpoint()
    }

    /// Nothing else changes blocks or takes samples out of the head while this is held.
    pub(super) fn maintenance(&self) -> MutexGuard<'_, Maintenance> {
        // Each change is complete in itself: what a panic left is sound.
        self.maintenance
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the oldest blocks while those of a class, or all of them, have too many bytes.
    fn expire_bytes(&self, done: &mut Maintained) -> Result<(), Error> {
        let retention = &self.config.retention;
        for (index, class) in retention.classes.iter().enumerate() {
            if let Some(bytes_max) = class.bytes {
                let is_of_class = |block: &&OpenBlock| usize::from(block.class) == index + 1;
                self.expire_beyond(bytes_max, is_of_class, done)?;
            }
        }
        match retention.bytes {
            Some(bytes_max) => self.expire_beyond(bytes_max, |_| true, done),
            None => Ok(()),
        }
    }

    fn expire_beyond(
        &self,
        bytes_max: u64,
        is_counted: impl Fn(&&OpenBlock) -> bool,
        done: &mut Maintained,
    ) -> Result<(), Error> {
        let open = Arc::clone(&self.read_state().blocks);
        let mut by_age: Vec<&OpenBlock> = open.iter().filter(is_counted).collect();
        by_age.sort_by_key(|block| block.last_ms);
        let mut bytes: u64 = by_age.iter().map(|block| block.block.meta().bytes).sum();
        for block in by_age {
            if bytes <= bytes_max {
                break;
            }
            let meta = block.block.meta();
            self.replace_blocks(block.folder, &BTreeSet::from([meta.number]), None);
            self.folders.folders[block.folder]
                .folder
                .remove([meta.number])?;
            bytes -= meta.bytes;
            done.expired += 1;
        }
        Ok(())
    }

    pub(super) fn replace_blocks(
        &self,
        folder: usize,
        removed: &BTreeSet<u64>,
        added: Option<OpenBlock>,
    ) {
        let mut state = self.write_state();
        let is_kept = |block: &&OpenBlock| {
            block.folder != folder || !removed.contains(&block.block.meta().number)
        };
        let mut blocks: Vec<OpenBlock> = state.blocks.iter().filter(is_kept).cloned().collect();
        blocks.extend(added);
        sort(&mut blocks);
        state.blocks = Arc::new(blocks);
    }
}
