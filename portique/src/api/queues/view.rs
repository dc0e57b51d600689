use std::collections::BTreeMap;

use portique_jobs::{Label, QueueCounts, QueueState};
use serde::Serialize;

use super::settings::QueueSettings;

/// A queue as it is now.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct QueueView {
    /// Its name.
    name: String,
    /// How it behaves.
    options: QueueSettings,
    /// Nothing is claimed.
    paused: bool,
    /// Nothing is taken in.
    draining: bool,
    /// Groups of which nothing is claimed.
    paused_groups: Vec<String>,
    /// How many jobs are in which state.
    counts: CountsView,
    /// Due jobs that a worker would be given now.
    ready: u64,
    /// Age of the oldest due job, in seconds.
    oldest_s: f64,
    /// Jobs becoming due per second, over about the last half minute.
    arrival_rate: f64,
    /// Jobs completed per second, over about the last half minute.
    completion_rate: f64,
    /// Due jobs per reason that keeps them.
    waits: BTreeMap<&'static str, u64>,
    /// Since it was made.
    totals: TotalsView,
}

/// How many jobs are in which state.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub(crate) struct CountsView {
    /// Due, in order of age.
    waiting: u64,
    /// Due, with a priority other than 0.
    prioritized: u64,
    /// Not due yet.
    delayed: u64,
    /// Waiting for the next attempt after a failure.
    failed: u64,
    /// Waiting for other jobs.
    blocked: u64,
    /// In a worker's hands.
    active: u64,
    /// Given up on, waiting for people.
    dead: u64,
    /// Finished and remembered.
    finished: u64,
}

/// What happened since the queue was made.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub(crate) struct TotalsView {
    /// Jobs taken in.
    enqueued: u64,
    /// Jobs done.
    completed: u64,
    /// Attempts that failed.
    failures: u64,
    /// Leases lost.
    losses: u64,
    /// Jobs given up on.
    dead: u64,
    /// Jobs cancelled.
    cancelled: u64,
}

impl From<QueueState> for QueueView {
    fn from(queue: QueueState) -> Self {
        let totals = &queue.totals;
        Self {
            name: queue.name.to_string(),
            options: QueueSettings::of(&queue.options),
            paused: queue.is_paused,
            draining: queue.is_draining,
            paused_groups: queue.paused_groups.iter().map(Label::to_string).collect(),
            counts: queue.counts.into(),
            ready: queue.ready,
            oldest_s: queue.oldest.as_secs_f64(),
            arrival_rate: queue.arrival_rate,
            completion_rate: queue.completion_rate,
            totals: TotalsView {
                enqueued: totals.enqueued,
                completed: totals.completed,
                failures: totals.failures,
                losses: totals.losses,
                dead: totals.dead,
                cancelled: totals.cancelled,
            },
            waits: queue.waits,
        }
    }
}

impl From<QueueCounts> for CountsView {
    fn from(counts: QueueCounts) -> Self {
        Self {
            waiting: counts.waiting,
            prioritized: counts.prioritized,
            delayed: counts.delayed,
            failed: counts.failed,
            blocked: counts.blocked,
            active: counts.active,
            dead: counts.dead,
            finished: counts.finished,
        }
    }
}
