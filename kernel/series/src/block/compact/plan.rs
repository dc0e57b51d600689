//! What is due.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::BlockMeta;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Blocks are merged into a larger one when they have a twentieth of its size, or when so many are waiting: rewriting a
/// week for a handful of late samples is dearer than reading two blocks.
const LATE_BYTES_SHARE: u64 = 20;
const LATE_BLOCKS_MAX: usize = 8;

/// How the blocks of a folder are kept.
#[derive(Debug, Clone)]
pub struct CompactionConfig {
    /// Lengths of the windows that blocks grow to, ascending, each a multiple of the one before; default a day and a
    /// week. A window begins at a multiple of its length since 1970.
    pub windows_ms: Vec<i64>,
    /// How long after its end a window is left alone, because late samples are still expected; default 1 h.
    pub settle_ms: i64,
    /// How long samples are kept, and until the tiers of their window are written; default `None`, for ever.
    pub retention_ms: Option<i64>,
    /// Downsampled tiers that are kept beside the samples; default none.
    pub tiers: Vec<TierConfig>,
}

/// A downsampled tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierConfig {
    /// Length of its intervals, which divides the longest window; 300,000 and 3,600,000 are usual.
    pub resolution_ms: u32,
    /// How long it is kept; `None` for ever.
    pub retention_ms: Option<i64>,
}

impl Default for CompactionConfig {
    fn default() -> Self {
        Self {
            windows_ms: vec![DAY_MS, 7 * DAY_MS],
            settle_ms: HOUR_MS,
            retention_ms: None,
            tiers: Vec::new(),
        }
    }
}

/// One thing to do in a folder; steps of one plan touch different blocks and may be done in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompactionStep {
    /// The blocks are past their age: unlink them.
    Expire {
        /// Which.
        blocks: Vec<u64>,
    },
    /// Write one block for several, or for one without what is deleted of it.
    Merge {
        /// Which.
        blocks: Vec<u64>,
    },
    /// Write the tier of a window; its blocks stay.
    Downsample {
        /// The blocks with samples of the window, or of the hour before it.
        blocks: Vec<u64>,
        /// Length of the tier's intervals.
        resolution_ms: u32,
        /// The window's beginning, which does not belong to it.
        after_ms: i64,
        /// Its end, which does.
        to_ms: i64,
    },
}

impl fmt::Display for CompactionStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, blocks) = match self {
            Self::Expire { blocks } => ("removing", blocks),
            Self::Merge { blocks } => ("merging", blocks),
            Self::Downsample {
                blocks,
                resolution_ms,
                ..
            } => {
                write!(f, "downsampling to {resolution_ms} ms: ")?;
                ("reading", blocks)
            }
        };
        let numbers: Vec<String> = blocks.iter().map(u64::to_string).collect();
        write!(f, "{what} {}", numbers.join(", "))
    }
}

/// What is due at a time, by what blocks say of themselves.
pub fn plan_compaction(
    blocks: &[BlockMeta],
    config: &CompactionConfig,
    now_ms: i64,
) -> Vec<CompactionStep> {
    let mut plan = Plan {
        config,
        now_ms,
        steps: Vec::new(),
        used: BTreeSet::new(),
    };
    let mut raw: Vec<&BlockMeta> = blocks
        .iter()
        .filter(|block| block.resolution_ms == 0)
        .collect();
    raw.sort_by_key(|block| (block.first_ms, block.number));
    plan.expire(blocks, &raw);
    plan.downsample(blocks, &raw);
    plan.merge_overlapping(&raw);
    plan.merge_windows(&raw);
    plan.rewrite(blocks);
    plan.steps
}

struct Plan<'a> {
    config: &'a CompactionConfig,
    now_ms: i64,
    steps: Vec<CompactionStep>,
    used: BTreeSet<u64>,
}

impl Plan<'_> {
    fn expire(&mut self, blocks: &[BlockMeta], raw: &[&BlockMeta]) {
        let mut held = BTreeSet::new();
        for tier in &self.config.tiers {
            held.extend(self.windows_without(tier, blocks, raw));
        }
        let is_held = |block: &BlockMeta| {
            block.resolution_ms == 0 && self.windows_of(block).iter().any(|w| held.contains(w))
        };
        let expired = blocks
            .iter()
            .filter(|block| self.is_expired(block) && !is_held(block));
        let expired: Vec<u64> = expired.map(|block| block.number).collect();
        if !expired.is_empty() {
            self.used.extend(&expired);
            self.steps.push(CompactionStep::Expire { blocks: expired });
        }
    }

    fn is_expired(&self, block: &BlockMeta) -> bool {
        let retention = match block.resolution_ms {
            0 => self.config.retention_ms,
            resolution => self.tier(resolution).and_then(|tier| tier.retention_ms),
        };
        retention.is_some_and(|retention| block.last_ms < self.now_ms.saturating_sub(retention))
    }

    fn tier(&self, resolution_ms: u32) -> Option<&TierConfig> {
        self.config
            .tiers
            .iter()
            .find(|tier| tier.resolution_ms == resolution_ms)
    }

    /// The length of the windows that tiers are written for.
    fn tier_window_ms(&self) -> i64 {
        self.config
            .windows_ms
            .last()
            .copied()
            .unwrap_or(7 * DAY_MS)
            .max(1)
    }

    /// The windows that a block has samples of. A sample at a window's beginning belongs to the one before, as
    /// the end of an interval does.
    fn windows_of(&self, block: &BlockMeta) -> [i64; 3] {
        let length = self.tier_window_ms();
        let first = block.first_ms.saturating_sub(1).div_euclid(length);
        let last = block.last_ms.saturating_sub(1).div_euclid(length);
        // A block is a window or two long; of one that claims more, the middle is left out.
        [first, first.saturating_add(1).min(last), last]
    }

    /// Windows of which there are samples and no tier yet, as long as the tier would be kept.
    fn windows_without(
        &self,
        tier: &TierConfig,
        blocks: &[BlockMeta],
        raw: &[&BlockMeta],
    ) -> BTreeSet<i64> {
        let of_tier = blocks
            .iter()
            .filter(|block| block.resolution_ms == tier.resolution_ms);
        let done: BTreeSet<i64> = of_tier.map(|block| self.windows_of(block)[2]).collect();
        let mut windows: BTreeSet<i64> = raw
            .iter()
            .flat_map(|block| self.windows_of(block))
            .collect();
        let oldest_ms = tier.retention_ms.map(|age| self.now_ms.saturating_sub(age));
        windows.retain(|window| {
            let end_ms = window
                .saturating_add(1)
                .saturating_mul(self.tier_window_ms());
            !done.contains(window) && oldest_ms.is_none_or(|oldest| end_ms >= oldest)
        });
        windows
    }

    fn downsample(&mut self, blocks: &[BlockMeta], raw: &[&BlockMeta]) {
        for tier in &self.config.tiers {
            for window in self.windows_without(tier, blocks, raw) {
                self.downsample_window(raw, tier, window);
            }
        }
    }

    fn downsample_window(&mut self, raw: &[&BlockMeta], tier: &TierConfig, window: i64) {
        let length = self.tier_window_ms();
        let after_ms = window.saturating_mul(length);
        let to_ms = after_ms.saturating_add(length);
        let needed = |block: &&&BlockMeta| {
            block.last_ms > after_ms.saturating_sub(HOUR_MS) && block.first_ms <= to_ms
        };
        let blocks: Vec<u64> = raw
            .iter()
            .filter(needed)
            .map(|block| block.number)
            .collect();
        if !self.is_settled(to_ms) || blocks.iter().any(|number| self.used.contains(number)) {
            return;
        }
        // Not merged in this plan: a step finds its blocks whatever the order.
        self.used.extend(&blocks);
        self.steps.push(CompactionStep::Downsample {
            blocks,
            resolution_ms: tier.resolution_ms,
            after_ms,
            to_ms,
        });
    }

    /// Groups of blocks of which each overlaps another.
    fn merge_overlapping(&mut self, raw: &[&BlockMeta]) {
        let mut group: Vec<&BlockMeta> = Vec::new();
        let mut end = i64::MIN;
        for block in raw {
            if !group.is_empty() && block.first_ms > end {
                self.merge_group(&group);
                group.clear();
                end = i64::MIN;
            }
            end = end.max(block.last_ms);
            group.push(block);
        }
        self.merge_group(&group);
    }

    fn merge_group(&mut self, group: &[&BlockMeta]) {
        let last_ms = group
            .iter()
            .map(|block| block.last_ms)
            .max()
            .unwrap_or(i64::MAX);
        if is_worth_it(group) && self.is_settled(last_ms) {
            self.merge(group.iter().map(|block| block.number).collect());
        }
    }

    /// Blocks that lie in one window, of the shortest windows first.
    fn merge_windows(&mut self, raw: &[&BlockMeta]) {
        for length in self
            .config
            .windows_ms
            .iter()
            .copied()
            .filter(|length| *length > 0)
        {
            let mut windows: BTreeMap<i64, Vec<&BlockMeta>> = BTreeMap::new();
            for block in raw
                .iter()
                .filter(|block| !self.used.contains(&block.number))
            {
                let window = block.first_ms.div_euclid(length);
                if block.last_ms.div_euclid(length) == window {
                    windows.entry(window).or_default().push(block);
                }
            }
            for (window, blocks) in windows {
                let end = window.saturating_add(1).saturating_mul(length);
                if is_worth_it(&blocks) && self.is_settled(end) {
                    self.merge(blocks.iter().map(|block| block.number).collect());
                }
            }
        }
    }

    /// Blocks with deleted samples, to give their space back.
    fn rewrite(&mut self, blocks: &[BlockMeta]) {
        for block in blocks
            .iter()
            .filter(|block| block.has_deleted && block.resolution_ms == 0)
        {
            self.merge(vec![block.number]);
        }
    }

    fn merge(&mut self, blocks: Vec<u64>) {
        if blocks.iter().any(|number| self.used.contains(number)) {
            return;
        }
        self.used.extend(&blocks);
        self.steps.push(CompactionStep::Merge { blocks });
    }

    fn is_settled(&self, end_ms: i64) -> bool {
        self.now_ms >= end_ms.saturating_add(self.config.settle_ms)
    }
}

/// Whether merging blocks is worth writing the largest of them again.
fn is_worth_it(blocks: &[&BlockMeta]) -> bool {
    let largest = blocks.iter().map(|block| block.bytes).max().unwrap_or(0);
    let others = blocks.iter().map(|block| block.bytes).sum::<u64>() - largest;
    let is_large = others.saturating_mul(LATE_BYTES_SHARE) >= largest;
    blocks.len() > 1 && (is_large || blocks.len() > LATE_BLOCKS_MAX)
}
