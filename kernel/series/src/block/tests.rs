//! Blocks as their users see them.

mod compaction;
mod damage;
mod identity;
mod register;
mod selection;
mod shapes;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tempfile::TempDir;

use super::*;
use crate::{Error, Labels, Samples};

/// Ends the work of a folder after so many steps that change the disk.
#[derive(Debug)]
pub(super) struct Crash(AtomicI64);

impl Default for Crash {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MAX))
    }
}

impl Crash {
    fn after(&self, steps: i64) {
        self.0.store(steps, Ordering::Relaxed);
    }

    pub(super) fn step(&self) -> io::Result<()> {
        match self.0.fetch_sub(1, Ordering::Relaxed) {
            1.. => Ok(()),
            _ => Err(io::Error::other("the process ends here")),
        }
    }
}

type Series = Vec<(Labels, Samples)>;

/// Timestamp, bits, histogram and start of a sample.
type Exact = (i64, u64, Option<String>, i64);

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

fn floats(samples: &[(i64, f64)]) -> Samples {
    let mut column = Samples::default();
    samples
        .iter()
        .for_each(|(time, float)| column.push_float(*time, *float));
    column
}

fn folder() -> (TempDir, BlockFolder) {
    let root = tempfile::tempdir().unwrap();
    let opened = BlockFolder::open(root.path()).unwrap();
    assert!(opened.blocks.is_empty() && opened.damaged.is_empty());
    (root, opened.folder)
}

fn write(folder: &BlockFolder, series: &Series) -> Result<BlockMeta, Error> {
    let mut writer = folder.writer(0, Vec::new())?;
    for (labels, samples) in series {
        writer.add(labels, samples)?;
    }
    writer.finish()
}

fn written(series: &Series) -> (TempDir, Arc<Block>) {
    let (root, folder) = folder();
    let meta = write(&folder, series).unwrap();
    let block = Block::open(&folder.block_path(meta.number), meta.number).unwrap();
    assert_eq!(block.meta(), meta);
    (root, Arc::new(block))
}

fn read_all(block: &Block, id: u32) -> Samples {
    let mut samples = Samples::default();
    block.read(id, i64::MIN, i64::MAX, &mut samples).unwrap();
    samples
}

/// Samples so that they can be compared bit by bit.
fn exactly(samples: &Samples) -> Vec<Exact> {
    let exact = |i: usize| {
        let histogram = samples.histograms.get(i).and_then(Option::as_ref).map(|h| {
            let numbers = [h.count, h.sum, h.zero_count, h.zero_threshold];
            let numbers = numbers
                .iter()
                .chain(&h.positive_buckets)
                .chain(&h.negative_buckets);
            format!(
                "{h:?} {:?}",
                numbers.map(|n| n.to_bits()).collect::<Vec<_>>()
            )
        });
        let start = samples.starts.get(i).copied().unwrap_or(0);
        (
            samples.timestamps[i],
            samples.floats[i].to_bits(),
            histogram,
            start,
        )
    };
    (0..samples.len()).map(exact).collect()
}

/// Everything that blocks hand out, merged by labels: what a reader of the folder sees.
fn content(blocks: &[Arc<Block>]) -> Vec<(String, Vec<(i64, u64)>)> {
    let mut all = std::collections::BTreeMap::<String, Vec<(i64, u64)>>::new();
    for block in blocks
        .iter()
        .filter(|block| block.meta().resolution_ms == 0)
    {
        for id in block.select(&[], i64::MIN, i64::MAX).unwrap() {
            let samples = read_all(block, id);
            let pairs = samples
                .timestamps
                .iter()
                .zip(&samples.floats)
                .map(|(t, f)| (*t, f.to_bits()));
            all.entry(block.labels(id).unwrap().to_string())
                .or_default()
                .extend(pairs);
        }
    }
    all.values_mut().for_each(|samples| samples.sort_unstable());
    all.into_iter()
        .filter(|(_, samples)| !samples.is_empty())
        .collect()
}
