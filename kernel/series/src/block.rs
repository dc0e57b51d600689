//! Blocks: immutable files with the samples of many series over a stretch of time.
//!
//! A [`BlockFolder`] holds the blocks of one retention class; a [`BlockWriter`] takes series by
//! ascending labels and publishes a block with one rename; a [`Block`] reads one through a read-only
//! map. `compact` merges, thins and expires them. The file is described in `docs/formats/block.md`.
//!
//! # Invariants
//! - What is read has the bits that were written, or is refused with file and offset.
//! - A block is there wholly or not at all, and never together with one that it replaces.
//! - A file with a block's name is never written to again.

mod column;
mod compact;
mod contents;
mod deleted;
mod dictionary;
mod folder;
mod map;
mod packed;
mod page;
mod postings;
mod reader;
mod register;
#[cfg(test)]
mod tests;
mod tier;
mod writer;

pub use compact::{
    Compacted, CompactionConfig, CompactionStep, TierConfig, plan_compaction, run_compaction,
};
pub use contents::BlockMeta;
pub use deleted::Deletion;
pub use folder::{BlockFolder, LostBlock, OpenedBlocks};
pub use reader::Block;
pub use tier::Aggregate;
pub use writer::BlockWriter;

/// A page has at most so many samples: reading one sample decodes at most one page.
pub const PAGE_SAMPLES_MAX: usize = 1_024;
