//! Steps of compaction, each in its turn, also when one of them fails every time.

use std::sync::Arc;

use super::blocks::{ClassFolder, OpenBlock};
use super::{Maintained, Store};
use crate::block::CompactionStep;
use crate::{BlockMeta, Error, plan_compaction, run_compaction};

/// A step that failed is tried again after this, as it may have read much until then; then twice as
/// long each time.
const RETRY_MS: i64 = 10 * 60 * 1000;
/// At most so long: a disk that was repaired is noticed on the same day.
const RETRY_MS_MAX: i64 = 6 * 60 * 60 * 1000;

/// A step of compaction that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingStep {
    /// The class whose blocks it is about; `default` for series of none.
    pub class: String,
    /// What it would do, with the numbers of the blocks.
    pub step: String,
    /// What the last try said.
    pub problem: String,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried again, Unix milliseconds.
    pub not_before_ms: i64,
}

/// The same while it is kept.
#[derive(Debug, Clone)]
pub(super) struct Failing {
    folder: usize,
    step: CompactionStep,
    shown: FailingStep,
}

impl Store {
    /// Does the first step in each folder that is due and does not wait for another try.
    pub(super) fn compact(&self, now_ms: i64, done: &mut Maintained) -> Result<(), Error> {
        let mut problem = Ok(());
        for (index, class) in self.folders.folders.iter().enumerate() {
            let compacted = self.compact_folder((index, class), now_ms, done);
            problem = problem.and(compacted);
        }
        problem
    }

    fn compact_folder(
        &self,
        (index, class): (usize, &ClassFolder),
        now_ms: i64,
        done: &mut Maintained,
    ) -> Result<(), Error> {
        let (open, newest_ms) = {
            let state = self.read_state();
            (Arc::clone(&state.blocks), state.head.newest_ms)
        };
        let of_folder = open.iter().filter(|block| block.folder == index);
        let blocks: Vec<_> = of_folder.map(|block| Arc::clone(&block.block)).collect();
        let metas: Vec<BlockMeta> = blocks.iter().map(|block| block.meta()).collect();
        let config = self.config.retention.compaction(class.class);
        let plan = plan_compaction(&metas, &config, newest_ms);
        let mut failing = self.troubles().failing.clone();
        // What is no longer due cannot fail any more.
        failing.retain(|failing| failing.folder != index || plan.contains(&failing.step));
        let waits = |step: &&CompactionStep| {
            let of = |failing: &&Failing| failing.folder == index && failing.step == **step;
            let failing = failing.iter().find(of);
            failing.is_some_and(|failing| now_ms < failing.shown.not_before_ms)
        };
        let Some(step) = plan.iter().find(|step| !waits(step)) else {
            self.troubles().failing = failing;
            return self.forget_lost(class, config.retention_ms, newest_ms);
        };
        let ran = run_compaction(&class.folder, &blocks, step);
        let compacted = match ran {
            Ok(ran) => {
                failing.retain(|failing| failing.folder != index || failing.step != *step);
                let added = ran.added;
                let added = added.map(|block| OpenBlock::new(block, index, class.class));
                self.replace_blocks(index, &ran.removed.into_iter().collect(), added);
                done.compacted += 1;
                Ok(())
            }
            Err(error) => {
                note(&mut failing, (index, class), step, &error, now_ms);
                Err(error)
            }
        };
        self.troubles().failing = failing;
        compacted
    }

    /// Lost blocks are missed as long as their samples would be kept.
    fn forget_lost(
        &self,
        class: &ClassFolder,
        retention_ms: Option<i64>,
        newest_ms: i64,
    ) -> Result<(), Error> {
        let Some(retention_ms) = retention_ms.filter(|_| !self.troubles().lost.is_empty()) else {
            return Ok(());
        };
        class
            .folder
            .forget_lost(newest_ms.saturating_sub(retention_ms))?;
        let lost = self.folders.lost();
        self.troubles().lost = lost;
        Ok(())
    }

    /// Steps of compaction that fail and wait for another try; the blocks they are about stay as
    /// they are.
    pub fn failing_steps(&self) -> Vec<FailingStep> {
        let troubles = self.troubles();
        troubles
            .failing
            .iter()
            .map(|failing| failing.shown.clone())
            .collect()
    }
}

fn note(
    failing: &mut Vec<Failing>,
    (folder, class): (usize, &ClassFolder),
    step: &CompactionStep,
    error: &Error,
    now_ms: i64,
) {
    let is_it = |failing: &Failing| failing.folder == folder && failing.step == *step;
    let before = failing.iter().position(is_it);
    let before = before.map(|at| failing.swap_remove(at));
    let tries = before
        .map_or(0, |failing| failing.shown.tries)
        .saturating_add(1);
    let doubled = RETRY_MS.saturating_mul(1 << (tries - 1).min(16));
    failing.push(Failing {
        folder,
        step: step.clone(),
        shown: FailingStep {
            class: class.name.clone(),
            step: step.to_string(),
            problem: portique_fault::chain(error),
            tries,
            not_before_ms: now_ms.saturating_add(doubled.min(RETRY_MS_MAX)),
        },
    });
}
