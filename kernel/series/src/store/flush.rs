//! Samples that leave the head for blocks.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::blocks::{OpenBlock, sort};
use super::{Flushed, Store};
use crate::config::millis;
use crate::head::{HeadSeries, Last, NEVER_MS, PARTITION_MS, Series, Table, partition};
use crate::{Block, BlockFolder, BlockMeta, Error, Samples, SealedChunk};

/// Late samples beyond this are not waited for: they make a block of their own.
const SETTLE_MS: i64 = 60 * 60 * 1000;

/// How often samples older than what was flushed are flushed, too: each time makes a block.
const SIDE_FLUSH_MS: i64 = 10 * 60 * 1000;

/// So many slots are looked at under one lock: appends wait no longer than that takes.
const SLOTS_AT_ONCE: usize = 4096;

/// One flush makes at most so many blocks for a class: samples that are further apart share one.
const WINDOWS_MAX: usize = 64;

/// A series with the chunks that leave.
#[derive(Debug)]
pub(super) struct Leaving {
    slot: u32,
    class: u8,
    series: Series,
}

impl Store {
    /// Up to where samples leave, when some are due.
    pub(super) fn flush_is_due(&self, flushed: &Flushed) -> Option<i64> {
        if self.folders.folders.is_empty() {
            return None;
        }
        let state = self.read_state();
        let settle_ms = millis(self.config.out_of_order_window).min(SETTLE_MS);
        let settled_ms = state.head.newest_ms.checked_sub(settle_ms)?;
        let to_ms = partition(settled_ms).checked_mul(PARTITION_MS)?;
        let now_ms = self.clock.now().as_millis();
        let is_time = to_ms > flushed.to_ms || now_ms - flushed.at_ms >= SIDE_FLUSH_MS;
        let is_due = state.head.newest_ms != NEVER_MS && state.head.oldest_ms < to_ms && is_time;
        is_due.then_some(to_ms)
    }

    /// Writes samples before a time to blocks, and takes them out of the head.
    pub(super) fn flush(&self, to_ms: i64) -> Result<usize, Error> {
        let leaving = self.gather(to_ms);
        let mut added = Vec::new();
        if let Err(error) = self.write_all(&leaving, &mut added) {
            self.take_back(&leaving, &added);
            return Err(error);
        }
        let count = added.len();
        self.publish(added);
        self.take_out(&leaving, to_ms);
        Ok(count)
    }

    fn write_all(&self, leaving: &[Leaving], added: &mut Vec<OpenBlock>) -> Result<(), Error> {
        for class in 0..=self.config.retention.classes.len() as u8 {
            let Some((index, folder)) = self.folders.of_class(class) else {
                continue;
            };
            let series: Vec<&Leaving> = leaving.iter().filter(|l| l.class == class).collect();
            write_blocks(&folder.folder, &series, |meta| {
                let block = Arc::new(open(&folder.folder, &meta)?);
                added.push(OpenBlock::new(block, index, class));
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Leaves everything in the head: the next try would write it once more.
    fn take_back(&self, leaving: &[Leaving], added: &[OpenBlock]) {
        for block in added {
            let number = block.block.meta().number;
            // The error that led here is the one to tell; what cannot be removed is read twice, as one.
            let _ = self.folders.folders[block.folder].folder.remove([number]);
        }
        let oldest_ms = leaving
            .iter()
            .filter_map(|leaving| leaving.series.first_ms())
            .min();
        let head = &mut self.write_state().head;
        head.oldest_ms = head.oldest_ms.min(oldest_ms.unwrap_or(i64::MAX));
    }

    /// Shares what leaves; samples that come later than this stay.
    fn gather(&self, to_ms: i64) -> Vec<Leaving> {
        let mut leaving = Vec::new();
        let mut begin = 0;
        loop {
            let mut state = self.write_state();
            if begin == 0 {
                state.head.oldest_ms = i64::MAX;
            }
            let slots = state.head.table.slots();
            for slot in begin..slots.min(begin + SLOTS_AT_ONCE) {
                let gathered = gather_series(&mut state.head.table, slot as u32, to_ms);
                let Some((stays_ms, leaves)) = gathered else {
                    continue;
                };
                state.head.oldest_ms = state.head.oldest_ms.min(stays_ms);
                leaving.extend(leaves);
            }
            begin += SLOTS_AT_ONCE;
            if begin >= slots {
                break;
            }
        }
        leaving.sort_unstable_by(|a, b| a.series.labels.cmp(&b.series.labels));
        leaving
    }

    fn publish(&self, added: Vec<OpenBlock>) {
        let mut state = self.write_state();
        let mut blocks = state.blocks.as_ref().clone();
        blocks.extend(added);
        sort(&mut blocks);
        state.blocks = Arc::new(blocks);
    }

    fn take_out(&self, leaving: &[Leaving], to_ms: i64) {
        for some in leaving.chunks(SLOTS_AT_ONCE) {
            let mut state = self.write_state();
            for left in some {
                let Some(series) = state.head.table.series_mut(left.slot) else {
                    continue;
                };
                let gone = left.series.sealed.iter().flat_map(|sealed| sealed.iter());
                let gone: BTreeSet<*const u8> = gone.map(address).collect();
                series.retain_sealed(|chunk| {
                    chunk.last_ms() >= to_ms || !gone.contains(&address(chunk))
                });
                if series.is_empty() {
                    state.head.remove(left.slot);
                }
            }
        }
    }

    /// Writes all samples of the head as blocks into another folder.
    pub(super) fn write_head_into(&self, class: u8, folder: &BlockFolder) -> Result<(), Error> {
        let mut series: Vec<Leaving> = {
            let state = self.read_state();
            let of_class = state
                .head
                .table
                .iter()
                .filter(|(_, series)| series.class == class);
            let leaving = of_class.map(|(slot, series)| Leaving {
                slot,
                class,
                series: series.clone(),
            });
            leaving.collect()
        };
        series.retain(|leaving| !leaving.series.is_empty());
        series.sort_unstable_by(|a, b| a.series.labels.cmp(&b.series.labels));
        write_blocks(folder, &series.iter().collect::<Vec<_>>(), |_| Ok(()))
    }
}

pub(super) fn open(folder: &BlockFolder, meta: &BlockMeta) -> Result<Block, Error> {
    let name = format!("{:020}.block", meta.number);
    Block::open(&folder.path().join(name), meta.number)
}

/// Closes the chunks of a series that lie before a time and shares them; beside them the oldest timestamp that stays.
fn gather_series(table: &mut Table, slot: u32, to_ms: i64) -> Option<(i64, Option<Leaving>)> {
    let series = table.series_mut(slot)?;
    // A series without a sample, made for one that blocks had already, leaves too.
    let first_ms = series.first_ms().unwrap_or(i64::MIN);
    if first_ms >= to_ms {
        return Some((first_ms, None));
    }
    series.seal_late();
    if series
        .open
        .as_ref()
        .is_some_and(|open| open.first_ms() < to_ms)
    {
        series.seal_open();
    }
    let mut leaves = Series::new(series.labels.clone(), series.class);
    leaves.sealed = series.sealed.clone();
    leaves.retain_sealed(|chunk| chunk.first_ms() < to_ms);
    let sealed = series.sealed.iter().flat_map(|sealed| sealed.iter());
    let stays = sealed
        .map(SealedChunk::first_ms)
        .filter(|first| *first >= to_ms);
    let open = series.open.iter().map(|open| open.first_ms());
    let stays_ms = stays.chain(open).min().unwrap_or(i64::MAX);
    let class = series.class;
    let leaving = Leaving {
        slot,
        class,
        series: leaves,
    };
    Some((stays_ms, Some(leaving)))
}

fn address(chunk: &SealedChunk) -> *const u8 {
    chunk.as_bytes().as_ptr()
}

/// Writes series, sorted by labels, to a block for each window of time.
fn write_blocks(
    folder: &BlockFolder,
    leaving: &[&Leaving],
    mut written: impl FnMut(BlockMeta) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut samples = Samples::default();
    let (window_ms, windows) = windows(leaving);
    for window in windows {
        let from_ms = window.saturating_mul(window_ms);
        let to_ms = from_ms.saturating_add(window_ms - 1);
        let mut writer = folder.writer(0, Vec::new())?;
        for left in leaving {
            samples.clear();
            let series = HeadSeries::new(&left.series, Last::default());
            series.read(from_ms, to_ms, &mut samples)?;
            if !samples.is_empty() {
                writer.add(&left.series.labels, &samples)?;
            }
        }
        if !writer.is_empty() {
            written(writer.finish()?)?;
        }
    }
    Ok(())
}

/// Windows with samples, each a multiple of the length that makes them few enough.
fn windows(leaving: &[&Leaving]) -> (i64, BTreeSet<i64>) {
    let mut window_ms = PARTITION_MS;
    loop {
        let mut windows = BTreeSet::new();
        for left in leaving {
            let begins = left
                .series
                .partitions()
                .map(|p| p.saturating_mul(PARTITION_MS));
            windows.extend(begins.map(|begin| begin.div_euclid(window_ms)));
        }
        if windows.len() <= WINDOWS_MAX {
            return (window_ms, windows);
        }
        window_ms = window_ms.saturating_mul(4);
    }
}
