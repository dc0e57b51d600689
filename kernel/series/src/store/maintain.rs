//! Work that nobody waits for.

use std::collections::BTreeSet;
use std::sync::{Arc, MutexGuard, PoisonError};

use super::blocks::{OpenBlock, sort};
use super::{Flushed, Maintenance, Store};
use crate::{BlockMeta, Error, plan_compaction, run_compaction};

/// A checkpoint that failed is tried again after this: a full disk is not written to every second.
const CHECKPOINT_RETRY_MS: i64 = 30_000;

/// So is a compaction that failed, which may have read much until then.
const COMPACT_RETRY_MS: i64 = 10 * 60 * 1000;

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
}

impl Store {
    /// Does the work that is due: samples leave the head for blocks, blocks are merged and expire, a checkpoint is
    /// written. Somebody calls it about once a second, on a thread that may block; appends and queries go on.
    ///
    /// # Errors
    /// The first thing that went wrong, after all else that is due was tried; it is tried again some time later.
    pub fn maintain(&self) -> Result<Maintained, Error> {
        let mut last = self.maintenance();
        let mut done = Maintained::default();
        let now_ms = self.clock.now().as_millis();
        let mut problem = Ok(());
        if let Some(to_ms) = self.flush_is_due(&last.flushed) {
            // A flush that failed is as dear as one that did not: the next try waits as long.
            last.flushed = Flushed {
                to_ms,
                at_ms: now_ms,
            };
            problem = self.flush(to_ms).map(|flushed| done.flushed = flushed);
        }
        self.read_state().head.sort_known();
        // Before all else that can fail: without it the log grows.
        let is_due = done.flushed > 0 || self.checkpoint_is_due();
        if is_due && now_ms >= last.checkpoint_not_before_ms {
            let written = self.write_checkpoint();
            if written.is_err() {
                last.checkpoint_not_before_ms = now_ms.saturating_add(CHECKPOINT_RETRY_MS);
            }
            done.checkpoint = written.is_ok();
            problem = problem.and(written);
        }
        if now_ms >= last.compact_not_before_ms {
            let compacted = self
                .compact(&mut done)
                .and_then(|()| self.expire_bytes(&mut done));
            if compacted.is_err() {
                last.compact_not_before_ms = now_ms.saturating_add(COMPACT_RETRY_MS);
            }
            problem = problem.and(compacted);
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

    /// Does the first step that is due in each folder; a folder in which one fails does not hold up the others.
    fn compact(&self, done: &mut Maintained) -> Result<(), Error> {
        let mut problem = Ok(());
        for (index, class) in self.folders.folders.iter().enumerate() {
            let (open, newest_ms) = {
                let state = self.read_state();
                (Arc::clone(&state.blocks), state.head.newest_ms)
            };
            let of_folder = open.iter().filter(|block| block.folder == index);
            let blocks: Vec<_> = of_folder.map(|block| Arc::clone(&block.block)).collect();
            let metas: Vec<BlockMeta> = blocks.iter().map(|block| block.meta()).collect();
            let config = self.config.retention.compaction(class.class);
            let plan = plan_compaction(&metas, &config, newest_ms);
            let Some(step) = plan.first() else {
                continue;
            };
            match run_compaction(&class.folder, &blocks, step) {
                Ok(ran) => {
                    let added = ran.added;
                    let added = added.map(|block| OpenBlock::new(block, index, class.class));
                    self.replace_blocks(index, &ran.removed.into_iter().collect(), added);
                    done.compacted += 1;
                }
                Err(error) => problem = problem.and(Err(error)),
            }
        }
        problem
    }

    /// Removes the oldest blocks while all of them have too many bytes.
    fn expire_bytes(&self, done: &mut Maintained) -> Result<(), Error> {
        let Some(bytes_max) = self.config.retention.bytes else {
            return Ok(());
        };
        let open = Arc::clone(&self.read_state().blocks);
        let mut by_age: Vec<&OpenBlock> = open.iter().collect();
        by_age.sort_by_key(|block| block.last_ms);
        let mut bytes: u64 = open.iter().map(|block| block.block.meta().bytes).sum();
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

    fn replace_blocks(&self, folder: usize, removed: &BTreeSet<u64>, added: Option<OpenBlock>) {
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
