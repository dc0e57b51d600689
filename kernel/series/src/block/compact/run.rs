//! Doing one step.

use std::sync::Arc;

use super::super::{Block, BlockFolder, BlockMeta};
use super::merge::merge;
use super::plan::CompactionStep;
use super::thin::thin;
use crate::Error;

/// What a step did to the folder: who reads it drops some blocks and takes up another, in one move.
#[derive(Debug, Default)]
pub struct Compacted {
    /// The block that was written.
    pub added: Option<Arc<Block>>,
    /// The blocks that are no longer part of the folder; who has them open can read on.
    pub removed: Vec<u64>,
}

/// Does one step; `blocks` are all open blocks of the folder.
///
/// Nobody deletes samples of these blocks meanwhile: that deletion might be lost. A step whose blocks are no longer
/// there does nothing.
///
/// # Errors
/// [`Error::DamagedFile`] when a block cannot be read: it is left out of no merge silently, so whoever repairs it
/// removes its file. [`Error::Io`] when the disk refuses. The step is due again then.
pub fn run_compaction(
    folder: &BlockFolder,
    blocks: &[Arc<Block>],
    step: &CompactionStep,
) -> Result<Compacted, Error> {
    let numbers = match step {
        CompactionStep::Expire { blocks }
        | CompactionStep::Merge { blocks }
        | CompactionStep::Downsample { blocks, .. } => blocks,
    };
    let number_of = |block: &Arc<Block>| block.meta().number;
    let mut inputs: Vec<&Block> = Vec::new();
    for number in numbers {
        match blocks.iter().find(|block| number_of(block) == *number) {
            Some(block) => inputs.push(block),
            None => return Ok(Compacted::default()),
        }
    }
    // Of two that have a sample of one time, the newer block counts.
    inputs.sort_by_key(|block| block.meta().number);
    withdraw_replaced(folder, &inputs)?;
    let added = match step {
        CompactionStep::Expire { .. } => None,
        CompactionStep::Merge { .. } => merge(folder, &inputs)?,
        CompactionStep::Downsample {
            resolution_ms,
            after_ms,
            to_ms,
            ..
        } => {
            let written = thin(folder, &inputs, *resolution_ms, (*after_ms, *to_ms))?;
            return open(folder, Some(written), Vec::new());
        }
    };
    folder.remove(numbers.iter().copied())?;
    open(folder, added, numbers.clone())
}

/// A block that stands for others hides them as long as it is there: they go before it does.
fn withdraw_replaced(folder: &BlockFolder, inputs: &[&Block]) -> Result<(), Error> {
    folder.remove(inputs.iter().flat_map(|block| block.meta().replaces))
}

fn open(
    folder: &BlockFolder,
    written: Option<BlockMeta>,
    removed: Vec<u64>,
) -> Result<Compacted, Error> {
    let added = match written {
        Some(meta) => Some(Arc::new(Block::open(
            &folder.block_path(meta.number),
            meta.number,
        )?)),
        None => None,
    };
    Ok(Compacted { added, removed })
}
