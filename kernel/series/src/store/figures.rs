//! What the store says of itself.

use portique_journal::State as JournalState;

use super::Store;
use crate::{Error, LostBlock, RefusalKind};

/// Figures of a store, for metrics; those that count do so from its start.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Series in the head.
    pub series: usize,
    /// Names of labels in the head.
    pub labels: usize,
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
        let most = |sizes: &mut dyn Iterator<Item = (&str, usize)>| {
            let mut sizes: Vec<(String, usize)> =
                sizes.map(|(name, size)| (name.to_owned(), size)).collect();
            sizes.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            sizes.truncate(limit);
            sizes
        };
        Largest {
            series_by_metric: most(&mut state.head.index.value_sizes(crate::METRIC_NAME)),
            values_by_label: most(&mut state.head.index.label_sizes()),
        }
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
