//! The tier of a window.

use super::super::tier::Aggregates;
use super::super::{Block, BlockFolder, BlockMeta};
use super::merge::{SeriesOfBlocks, read_merged};
use crate::{Error, Samples};

/// So far before a window lies, at most, the sample that a counter grew from.
const BEFORE_MS: i64 = 3_600_000;

/// Writes the tier of the window after one time and up to another; without a series when it has no floats, so
/// that it is known to be done.
pub(super) fn thin(
    folder: &BlockFolder,
    blocks: &[&Block],
    resolution_ms: u32,
    (after_ms, to_ms): (i64, i64),
) -> Result<BlockMeta, Error> {
    let mut writer = folder.writer(resolution_ms, Vec::new())?;
    let mut series = SeriesOfBlocks::open(blocks)?;
    let (mut one, mut samples) = (Samples::default(), Samples::default());
    let mut aggregates = Aggregates::default();
    let from_ms = after_ms.saturating_sub(BEFORE_MS);
    while let Some((labels, found)) = series.next()? {
        read_merged(&found, (from_ms, to_ms), &mut one, &mut samples)?;
        aggregates.gather(&samples, i64::from(resolution_ms), after_ms, to_ms);
        if !aggregates.timestamps.is_empty() {
            writer.add_aggregates(&labels, &aggregates.timestamps, &aggregates.columns)?;
        }
    }
    writer.finish_at(to_ms)
}
