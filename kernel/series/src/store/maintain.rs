//! Work that nobody waits for.

use std::collections::BTreeSet;
use std::sync::{Arc, MutexGuard, PoisonError};

use super::blocks::{OpenBlock, sort};
use super::{Flushed, Maintenance, Store};
use crate::{BlockMeta, Error, plan_compaction, run_compaction};

/// A checkpoint that failed is tried again after this: a full disk is not written to every second.
const CHECKPOINT_RETRY_MS: i64 = 30_000;

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
    /// What the disk says; the work is due again then.
    pub fn maintain(&self) -> Result<Maintained, Error> {
        let mut last = self.maintenance();
        let mut done = Maintained::default();
        let now_ms = self.clock.now().as_millis();
        if let Some(to_ms) = self.flush_is_due(&last.flushed) {
            // A flush that failed is as dear as one that did not: the next try waits as long.
            last.flushed = Flushed {
                to_ms,
                at_ms: now_ms,
            };
            done.flushed = self.flush(to_ms)?;
        }
        self.read_state().head.sort_known();
        done.compacted = self.compact()?;
        done.expired = self.expire_bytes()?;
        let is_due = done.flushed > 0 || self.checkpoint_is_due(&last.checkpoint);
        if is_due && now_ms >= last.checkpoint.not_before_ms {
            last.checkpoint.not_before_ms = now_ms.saturating_add(CHECKPOINT_RETRY_MS);
            self.write_checkpoint(&mut last.checkpoint)?;
            done.checkpoint = true;
        }
        Ok(done)
    }

    /// Writes a checkpoint now, for a quick start after an orderly end.
    ///
    /// # Errors
    /// What the disk says; the next start replays the log then.
    pub fn checkpoint(&self) -> Result<(), Error> {
        self.write_checkpoint(&mut self.maintenance().checkpoint)
    }

    /// Nothing else changes blocks or takes samples out of the head while this is held.
    pub(super) fn maintenance(&self) -> MutexGuard<'_, Maintenance> {
        // Each change is complete in itself: what a panic left is sound.
        self.maintenance
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Does the first step that is due in each folder.
    fn compact(&self) -> Result<usize, Error> {
        let mut steps = 0;
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
            if let Some(step) = plan.first() {
                let done = run_compaction(&class.folder, &blocks, step)?;
                let added = done
                    .added
                    .map(|block| OpenBlock::new(block, index, class.class));
                self.replace_blocks(index, &done.removed.into_iter().collect(), added);
                steps += 1;
            }
        }
        Ok(steps)
    }

    /// Removes the oldest blocks while all of them have too many bytes.
    fn expire_bytes(&self) -> Result<usize, Error> {
        let Some(bytes_max) = self.config.retention.bytes else {
            return Ok(0);
        };
        let open = Arc::clone(&self.read_state().blocks);
        let mut by_age: Vec<&OpenBlock> = open.iter().collect();
        by_age.sort_by_key(|block| block.last_ms);
        let mut bytes: u64 = open.iter().map(|block| block.block.meta().bytes).sum();
        let mut expired = 0;
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
            expired += 1;
        }
        Ok(expired)
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
