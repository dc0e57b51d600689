//! Reading: the head and the blocks as one.

use std::cmp::Ordering;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::blocks::OpenBlock;
use super::{State, Store};
use crate::head::{HeadSeries, sort};
use crate::{Aggregate, Error, Labels, Matcher, Samples, Selected, Selection, Source};

/// Series as they were when they were selected.
pub(super) struct Found {
    blocks: Arc<Vec<OpenBlock>>,
    pub(super) series: Vec<FoundSeries>,
}

/// One of them.
pub(super) struct FoundSeries {
    pub(super) labels: Labels,
    head: Option<HeadSeries>,
    /// Nothing of the head before this is kept.
    oldest_ms: i64,
    /// By time.
    parts: Vec<Part>,
}

/// A series of a block.
#[derive(Clone, Copy)]
struct Part {
    block: u32,
    id: u32,
    /// From where the block counts: what is before is too old.
    from_ms: i64,
    /// Up to where: what follows is there in full.
    until_ms: i64,
}

/// A block to read, and what of it counts.
pub(super) struct Held {
    index: usize,
    from_ms: i64,
    until_ms: i64,
}

impl Source for Store {
    fn select(&self, selection: &Selection) -> Result<Box<dyn Selected>, Error> {
        let matchers = std::slice::from_ref(&selection.matchers);
        let found = self.find(matchers, selection.from_ms, selection.to_ms)?;
        Ok(Box::new(found))
    }
}

impl Store {
    /// The series that one of the sets of matchers accepts, sorted.
    pub(super) fn find(
        &self,
        any_of: &[Vec<Matcher>],
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Found, Error> {
        let (mut found, held) = {
            let state = self.read_state();
            let found = self.find_in_head(&state, any_of, from_ms, to_ms);
            (found, self.held_blocks(&state))
        };
        for held in held {
            let block = &found.blocks[held.index];
            let (from_ms, to_ms) = (from_ms.max(held.from_ms), to_ms.min(held.until_ms));
            if block.first_ms > to_ms || block.last_ms < from_ms {
                continue;
            }
            let ids = select_in(block, any_of, from_ms, to_ms)?;
            let labels = block.block.labels_of(&ids)?;
            let part = |id| Part {
                block: held.index as u32,
                id,
                from_ms: held.from_ms,
                until_ms: held.until_ms,
            };
            let parts = labels.into_iter().zip(ids.into_iter().map(part));
            found.series = merge(found.series, parts.collect());
        }
        Ok(Found {
            blocks: found.blocks,
            series: found.series,
        })
    }

    fn find_in_head(
        &self,
        state: &State,
        any_of: &[Vec<Matcher>],
        from_ms: i64,
        to_ms: i64,
    ) -> FoundInHead {
        let head = &state.head;
        let mut slots = RoaringBitmap::new();
        for matchers in any_of {
            slots |= head.select(matchers);
        }
        let may_have = |slot: &u32| head.may_have(*slot, from_ms, to_ms);
        let slots: RoaringBitmap = slots.into_iter().filter(may_have).collect();
        let found = head.sort(&slots).into_iter().filter_map(|slot| {
            let series = head.table.series(slot)?;
            Some(FoundSeries {
                labels: series.labels.clone(),
                head: Some(HeadSeries::new(series, head.table.last(slot))),
                oldest_ms: self.oldest_ms(series.class, head.newest_ms),
                parts: Vec::new(),
            })
        });
        FoundInHead {
            series: found.collect(),
            blocks: Arc::clone(&state.blocks),
        }
    }

    /// Where the samples of a class begin to be too old.
    pub(super) fn oldest_ms(&self, class: u8, newest_ms: i64) -> i64 {
        let age_ms = self.config.retention.age_ms(class);
        age_ms.map_or(i64::MIN, |age_ms| newest_ms.saturating_sub(age_ms))
    }
}

impl Store {
    /// The blocks to read; tiers count where nothing finer is kept.
    fn held_blocks(&self, state: &State) -> Vec<Held> {
        let (blocks, newest_ms) = (&state.blocks, state.head.newest_ms);
        let finer_from_ms = |tier: &OpenBlock| {
            let is_finer = |other: &&OpenBlock| {
                other.folder == tier.folder && other.resolution_ms < tier.resolution_ms
            };
            let kept_from_ms =
                |block: &OpenBlock| block.first_ms.max(self.oldest_of(block, newest_ms));
            let finer = blocks.iter().filter(is_finer).map(kept_from_ms);
            let head_ms = state
                .head
                .oldest_ms
                .max(self.oldest_ms(tier.class, newest_ms));
            finer.min().unwrap_or(i64::MAX).min(head_ms)
        };
        let held = blocks.iter().enumerate().map(|(index, block)| Held {
            index,
            from_ms: self.oldest_of(block, newest_ms),
            until_ms: match block.resolution_ms {
                0 => i64::MAX,
                _ => finer_from_ms(block).saturating_sub(1),
            },
        });
        held.collect()
    }

    /// Where what a block holds begins to be too old.
    pub(super) fn oldest_of(&self, block: &OpenBlock, newest_ms: i64) -> i64 {
        if block.resolution_ms == 0 {
            return self.oldest_ms(block.class, newest_ms);
        }
        let tiers = self.config.retention.compaction(block.class).tiers;
        let tier = tiers
            .iter()
            .find(|tier| tier.resolution_ms == block.resolution_ms);
        let age_ms = tier.and_then(|tier| tier.retention_ms);
        age_ms.map_or(i64::MIN, |age_ms| newest_ms.saturating_sub(age_ms))
    }
}

struct FoundInHead {
    series: Vec<FoundSeries>,
    blocks: Arc<Vec<OpenBlock>>,
}

/// The ids of series that one of the sets accepts, ascending.
pub(super) fn select_in(
    block: &OpenBlock,
    any_of: &[Vec<Matcher>],
    from_ms: i64,
    to_ms: i64,
) -> Result<Vec<u32>, Error> {
    if let [matchers] = any_of {
        return block.block.select(matchers, from_ms, to_ms);
    }
    let mut ids = Vec::new();
    for matchers in any_of {
        ids.extend(block.block.select(matchers, from_ms, to_ms)?);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Merges two sorted lists.
fn merge(found: Vec<FoundSeries>, parts: Vec<(Labels, Part)>) -> Vec<FoundSeries> {
    if parts.is_empty() {
        return found;
    }
    let mut merged = Vec::with_capacity(found.len().max(parts.len()));
    let mut found = found.into_iter().peekable();
    for (labels, part) in parts {
        while let Some(before) = found.next_if(|series| series.labels < labels) {
            merged.push(before);
        }
        let same = found.next_if(|series| series.labels.cmp(&labels) == Ordering::Equal);
        let mut series = same.unwrap_or(FoundSeries {
            labels,
            head: None,
            oldest_ms: i64::MIN,
            parts: Vec::new(),
        });
        series.parts.push(part);
        merged.push(series);
    }
    merged.extend(found);
    merged
}

impl Found {
    /// The newest sample if it is in the head and nothing has to be decoded for it.
    fn last_in_head(&self, index: usize, from_ms: i64, to_ms: i64) -> Option<(i64, f64)> {
        let series = &self.series[index];
        let last = series.head.as_ref()?.last(to_ms)?;
        let is_newest = |part: &Part| self.blocks[part.block as usize].last_ms <= last.timestamp_ms;
        let is_wanted = last.timestamp_ms >= from_ms.max(series.oldest_ms);
        let is_it = is_wanted && series.parts.iter().all(is_newest);
        is_it.then_some((last.timestamp_ms, last.value))
    }
}

impl Selected for Found {
    fn len(&self) -> usize {
        self.series.len()
    }

    fn labels(&self, index: usize) -> &Labels {
        &self.series[index].labels
    }

    fn read(
        &self,
        index: usize,
        from_ms: i64,
        to_ms: i64,
        into: &mut Samples,
    ) -> Result<(), Error> {
        self.read_as(index, Aggregate::Last, from_ms, to_ms, into)
    }

    fn read_as(
        &self,
        index: usize,
        aggregate: Aggregate,
        from_ms: i64,
        to_ms: i64,
        into: &mut Samples,
    ) -> Result<(), Error> {
        into.clear();
        let series = &self.series[index];
        for part in &series.parts {
            let block = &self.blocks[part.block as usize].block;
            let (from_ms, to_ms) = (from_ms.max(part.from_ms), to_ms.min(part.until_ms));
            block.read_aggregate(part.id, aggregate, from_ms, to_ms, into)?;
        }
        if let Some(head) = &series.head {
            head.read(from_ms.max(series.oldest_ms), to_ms, into)?;
        }
        if !series.parts.is_empty() {
            sort(into, 0);
        }
        Ok(())
    }

    fn read_last(
        &self,
        index: usize,
        from_ms: i64,
        to_ms: i64,
        into: &mut Samples,
    ) -> Result<(), Error> {
        if let Some((timestamp_ms, value)) = self.last_in_head(index, from_ms, to_ms) {
            into.clear();
            into.push_float(timestamp_ms, value);
            return Ok(());
        }
        self.read(index, from_ms, to_ms, into)?;
        into.keep_last();
        Ok(())
    }
}
