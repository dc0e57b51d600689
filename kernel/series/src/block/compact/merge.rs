//! One block for several.

use super::super::{Block, BlockFolder, BlockMeta};
use crate::{Error, Labels, Samples, Value};

/// The blocks that have a series, with its id there.
pub(super) type Found<'a> = Vec<(&'a Block, u32)>;

/// The series of some blocks, each with its ids, by ascending labels.
pub(super) struct SeriesOfBlocks<'a> {
    blocks: &'a [&'a Block],
    /// Of each block the next series, if there is one.
    heads: Vec<Option<(Labels, u32)>>,
}

impl<'a> SeriesOfBlocks<'a> {
    pub(super) fn open(blocks: &'a [&'a Block]) -> Result<Self, Error> {
        let head = |block: &&Block| series(block, 0);
        let heads = blocks.iter().map(head).collect::<Result<_, _>>()?;
        Ok(Self { blocks, heads })
    }

    /// The next labels, and the blocks that have them with the series' id there.
    pub(super) fn next(&mut self) -> Result<Option<(Labels, Found<'a>)>, Error> {
        let least = self
            .heads
            .iter()
            .flatten()
            .map(|(labels, _)| labels)
            .min()
            .cloned();
        let Some(least) = least else {
            return Ok(None);
        };
        let mut found = Vec::new();
        for (block, head) in self.blocks.iter().zip(&mut self.heads) {
            if let Some((_, id)) = head.take_if(|(labels, _)| *labels == least) {
                found.push((*block, id));
                *head = series(block, id + 1)?;
                if head.as_ref().is_some_and(|(labels, _)| *labels <= least) {
                    return Err(block.damaged(0, "its series are not sorted"));
                }
            }
        }
        Ok(Some((least, found)))
    }
}

fn series(block: &Block, id: u32) -> Result<Option<(Labels, u32)>, Error> {
    match id < block.meta().series {
        true => Ok(Some((block.labels(id)?, id))),
        false => Ok(None),
    }
}

/// Writes the block that stands for these, of which later ones count; nothing when no sample is left.
pub(super) fn merge(folder: &BlockFolder, blocks: &[&Block]) -> Result<Option<BlockMeta>, Error> {
    let replaces = blocks.iter().map(|block| block.meta().number).collect();
    let mut writer = folder.writer(0, replaces)?;
    let mut series = SeriesOfBlocks::open(blocks)?;
    let (mut one, mut merged) = (Samples::default(), Samples::default());
    while let Some((labels, found)) = series.next()? {
        read_merged(&found, (i64::MIN, i64::MAX), &mut one, &mut merged)?;
        if !merged.is_empty() {
            writer.add(&labels, &merged)?;
        }
    }
    match writer.is_empty() {
        true => Ok(None),
        false => writer.finish().map(Some),
    }
}

/// Reads one series of several blocks into `merged`; of one timestamp the last block's sample counts.
pub(super) fn read_merged(
    found: &[(&Block, u32)],
    (from_ms, to_ms): (i64, i64),
    one: &mut Samples,
    merged: &mut Samples,
) -> Result<(), Error> {
    merged.clear();
    for (block, id) in found {
        if merged.is_empty() {
            block.read(*id, from_ms, to_ms, merged)?;
            continue;
        }
        one.clear();
        block.read(*id, from_ms, to_ms, one)?;
        let before = std::mem::take(merged);
        merge_samples(&before, one, merged);
    }
    Ok(())
}

fn merge_samples(before: &Samples, after: &Samples, into: &mut Samples) {
    let (mut a, mut b) = (0, 0);
    while a < before.len() || b < after.len() {
        let first = before.timestamps.get(a);
        let second = after.timestamps.get(b);
        let is_second = match (first, second) {
            (Some(first), Some(second)) => second <= first,
            (None, _) => true,
            (_, None) => false,
        };
        if is_second {
            a += usize::from(first == second);
            push(into, after, b);
            b += 1;
        } else {
            push(into, before, a);
            a += 1;
        }
    }
}

fn push(into: &mut Samples, from: &Samples, index: usize) {
    match from.value(index) {
        Value::Float(float) => into.push_float(from.timestamps[index], float),
        Value::Histogram(histogram) => into.push_histogram(from.timestamps[index], histogram),
    }
    if let Some(start_ms) = from.starts.get(index) {
        into.set_last_start(*start_ms);
    }
}
