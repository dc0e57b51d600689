//! What the store says of itself.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use portique_journal::State as JournalState;

use super::Store;
use super::blocks::OpenBlock;
use crate::{Error, LostBlock, RefusalKind};

/// Figures of a store, for metrics; those that count do so from its start.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Series in the head.
    pub series: usize,
    /// Names of labels in the head.
    pub labels: usize,
    /// Pairs of label and value in the head.
    pub label_pairs: usize,
    /// Exemplars kept.
    pub exemplars: usize,
    /// Metrics something is said about.
    pub metadata: usize,
    /// Samples taken.
    pub samples_total: u64,
    /// Of these, those before the newest of their series.
    pub out_of_order_total: u64,
    /// Series made.
    pub created_total: u64,
    /// Samples refused, by reason.
    pub refused_total: Vec<(RefusalKind, u64)>,
    /// Bytes given to the log.
    pub logged_bytes_total: u64,
    /// Bytes of the last checkpoint.
    pub checkpoint_bytes: u64,
    /// Bytes of log that a start now would replay.
    pub replay_bytes: u64,
    /// Blocks that readers see.
    pub blocks: usize,
    /// Their bytes.
    pub block_bytes: u64,
    /// Their samples.
    pub block_samples: u64,
    /// Blocks with deleted samples, whose space comes back when they are written again.
    pub deleted_blocks: usize,
    /// Blocks that could not be opened.
    pub damaged_blocks: usize,
    /// The oldest and the newest timestamp; `None` when there is no sample.
    pub range_ms: Option<(i64, i64)>,
    /// Blocks that should be there and are not.
    pub lost_blocks: usize,
    /// Steps of compaction that fail; see [`Store::failing_steps`].
    pub failing_steps: usize,
    /// How often the log was opened again after a write or a sync of it had failed.
    pub reopened_total: u64,
    /// Why no appends are taken now; `None` while they are.
    pub refuses: Option<String>,
}

/// What takes the most room in the head, for whoever looks for a label gone wrong.
#[derive(Debug, Clone, Default)]
pub struct Largest {
    /// Series by metric, most first.
    pub series_by_metric: Vec<(String, usize)>,
    /// Values by label, most first.
    pub values_by_label: Vec<(String, usize)>,
    /// Series by label and value, as `name=value`, most first.
    pub series_by_pair: Vec<(String, usize)>,
}

impl Store {
    /// The figures of the moment.
    pub fn figures(&self) -> Figures {
        let (failing_steps, lost_blocks) = {
            let troubles = self.troubles();
            (troubles.failing.len(), troubles.lost.len())
        };
        let state = self.read_state();
        let checkpoint = state.checkpoint;
        let has_deleted = |block: &&OpenBlock| block.block.meta().has_deleted;
        let deleted_blocks = state.blocks.iter().filter(has_deleted).count();
        let metas = state.blocks.iter().map(|block| block.block.meta());
        let (bytes, samples) = metas.fold((0, 0), |(bytes, samples), meta| {
            (bytes + meta.bytes, samples + meta.samples)
        });
        let oldest_ms = state.blocks.iter().map(|block| block.first_ms);
        let oldest_ms = oldest_ms
            .chain([state.head.oldest_ms])
            .min()
            .unwrap_or(i64::MAX);
        let newest_ms = state.head.newest_ms;
        Figures {
            series: state.head.table.len(),
            labels: state.head.index.names().count(),
            label_pairs: state
                .head
                .index
                .label_sizes()
                .map(|(_, values)| values)
                .sum(),
            exemplars: state.head.exemplars.len(),
            metadata: state.head.metadata.len(),
            samples_total: state.counts.samples,
            out_of_order_total: state.counts.out_of_order,
            created_total: state.counts.created,
            refused_total: RefusalKind::ALL
                .into_iter()
                .zip(state.counts.refused)
                .collect(),
            logged_bytes_total: state.logged_bytes,
            checkpoint_bytes: checkpoint.bytes,
            replay_bytes: state.logged_bytes - checkpoint.logged_bytes,
            blocks: state.blocks.len(),
            block_bytes: bytes,
            block_samples: samples,
            deleted_blocks,
            damaged_blocks: self.folders.damaged.len(),
            range_ms: (oldest_ms <= newest_ms).then_some((oldest_ms, newest_ms)),
            lost_blocks,
            failing_steps,
            reopened_total: state.counts.reopened,
            refuses: refusal(state.journal.state()),
        }
    }

    /// The metrics and labels that take the most room, at most so many of each.
    pub fn largest(&self, limit: usize) -> Largest {
        let state = self.read_state();
        let index = &state.head.index;
        let named = |(name, size): (&str, usize)| (name.to_owned(), size);
        let metrics = most(index.value_sizes(crate::METRIC_NAME), limit);
        let pairs = index.names().flat_map(|name| {
            let values = index.value_sizes(name);
            values.map(move |(value, size)| ((name, value), size))
        });
        let pairs = most(pairs, limit).into_iter();
        Largest {
            series_by_metric: metrics.into_iter().map(named).collect(),
            values_by_label: most(index.label_sizes(), limit)
                .into_iter()
                .map(named)
                .collect(),
            series_by_pair: pairs
                .map(|((name, value), size)| (format!("{name}={value}"), size))
                .collect(),
        }
    }

    /// Samples refused because their series would have been one too many, by metric, most first;
    /// those of the metrics beyond the first hundred together under an empty name.
    pub fn refused_metrics(&self) -> Vec<(String, u64)> {
        let refused = self.read_state().plan.refused_metrics.clone();
        let mut refused: Vec<(String, u64)> = refused.into_iter().collect();
        refused.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        refused
    }

    /// Bytes of the blocks of each class that has some, `default` first, by the class's name.
    pub fn class_bytes(&self) -> Vec<(String, u64)> {
        let blocks = Arc::clone(&self.read_state().blocks);
        let of = |index: usize| {
            let of_class = blocks.iter().filter(move |block| block.folder == index);
            of_class.map(|block| block.block.meta().bytes).sum()
        };
        let folders = self.folders.folders.iter().enumerate();
        folders
            .map(|(index, class)| (class.name.clone(), of(index)))
            .collect()
    }

    /// Blocks that should be there and are not: somebody took their files away.
    pub fn lost_blocks(&self) -> Vec<LostBlock> {
        self.troubles().lost.clone()
    }

    /// Why blocks could not be opened; their files are left where they are.
    pub fn damaged_blocks(&self) -> &[Error] {
        &self.folders.damaged
    }
}

/// The largest, by size and then by name; no more than those are held.
fn most<K: Ord + Copy>(sizes: impl Iterator<Item = (K, usize)>, limit: usize) -> Vec<(K, usize)> {
    let mut largest: BinaryHeap<Reverse<(usize, Reverse<K>)>> = BinaryHeap::new();
    for (name, size) in sizes {
        largest.push(Reverse((size, Reverse(name))));
        if largest.len() > limit {
            largest.pop();
        }
    }
    let sorted = largest.into_sorted_vec().into_iter();
    sorted
        .map(|Reverse((size, Reverse(name)))| (name, size))
        .collect()
}

fn refusal(state: JournalState) -> Option<String> {
    match state {
        JournalState::Open => None,
        JournalState::DrainOnly {
            free_bytes,
            reserve_bytes,
        } => Some(format!(
            "the disk is nearly full: {free_bytes} bytes are free, {reserve_bytes} are kept in reserve"
        )),
        JournalState::Poisoned { reason } => Some(reason),
        JournalState::Closed => Some("the store is closing".to_owned()),
    }
}
