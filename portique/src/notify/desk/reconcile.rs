//! The dispatcher held against the queue: nothing that ended elsewhere stays on its way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_jobs::{DeadFilter, DeadLetter, JobId, JobState};
use portique_monitor::notify::{NotificationJob, Outcome};

use super::Desk;
use crate::notify::handle::Settlement;
use crate::notify::queue;
use crate::notify::setup::Setup;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(20);
/// A notification that is younger is left to the couriers.
const AGE_MIN: Duration = Duration::from_secs(10);
/// Notifications on their way that are asked after in one go, oldest first.
const LOOKED_AT_MAX: usize = 100;
/// Dead letters read at once: each may have three quarters of a megabyte.
const PAGE: usize = 20;
/// Notifications that were given up on and are kept to be looked at; the oldest go first.
const DEAD_KEPT: u64 = 1_000;

impl Desk {
    /// What has to be done now and then.
    pub(super) async fn tend(&mut self) {
        if self.shared.clock.monotonic() >= self.reconciled_at {
            self.reconciled_at = self.shared.clock.monotonic() + EVERY;
            if let Err(error) = self.reconcile().await {
                let problem = portique_fault::chain(&error);
                tracing::warn!(
                    problem,
                    "cannot look for notifications that were given up on"
                );
            }
        }
        if self.keeper.is_checkpoint_due() {
            self.checkpoint().await;
        }
    }

    pub(super) async fn checkpoint(&mut self) {
        let shared = Arc::clone(&self.shared);
        let facts = move || shared.read(|dispatcher| dispatcher.checkpoint());
        let Ok(facts) = tokio::task::spawn_blocking(facts).await else {
            return;
        };
        if let Err(error) = self.keeper.checkpoint(facts).await {
            let problem = portique_fault::chain(&error);
            tracing::warn!(
                problem,
                "no checkpoint of notifications: the next start reads more"
            );
        }
    }

    async fn reconcile(&mut self) -> Result<(), portique_jobs::Error> {
        let now = self.shared.clock.now();
        let waiting: BTreeMap<u64, Timestamp> = self.shared.read(|dispatcher| {
            let old = dispatcher
                .in_flight()
                .filter(|n| now.since(n.at) >= AGE_MIN);
            old.map(|notified| (notified.id, notified.at)).collect()
        });
        self.settle_cancelled(&waiting).await;
        let dead = self.jobs.queue(&queue::name()).await?.counts.dead;
        let mut surplus = dead.saturating_sub(DEAD_KEPT);
        if dead == 0 || (waiting.is_empty() && surplus == 0) {
            return Ok(());
        }
        let mut after: Option<JobId> = None;
        loop {
            let letters = self.jobs.dead(DeadFilter {
                queue: Some(queue::name()),
                after,
                limit: PAGE,
            });
            let letters = letters.await?;
            let Some(last) = letters.last() else {
                return Ok(());
            };
            after = Some(last.id);
            self.settle_dead(&letters, &waiting).await;
            let old = letters
                .iter()
                .take(usize::try_from(surplus).unwrap_or(usize::MAX));
            let old: Vec<JobId> = old.map(|letter| letter.id).collect();
            surplus -= old.len() as u64;
            if !old.is_empty() {
                self.jobs.drop_dead(&old).await?;
            }
        }
    }

    /// Settles what people have cancelled.
    async fn settle_cancelled(&mut self, waiting: &BTreeMap<u64, Timestamp>) {
        for id in waiting.keys().take(LOOKED_AT_MAX) {
            let Some(last) = self.shared.attempts.of(*id) else {
                continue;
            };
            let view = self.jobs.job(last.job).await;
            if !view.is_ok_and(|view| matches!(view.state, JobState::Cancelled { .. })) {
                continue;
            }
            let settlement = Settlement {
                id: *id,
                outcome: Outcome::Failed {
                    reason: Arc::from(format!("it was cancelled; before that, {}", last.reason)),
                },
                lease: None,
            };
            if let Err(error) = self.settle(&[&settlement]).await {
                self.complain(&error, "what became of a notification cannot be kept");
                return;
            }
        }
    }

    async fn settle_dead(&mut self, letters: &[DeadLetter], waiting: &BTreeMap<u64, Timestamp>) {
        for letter in letters {
            let payload = letter.payload.as_ref();
            let job = payload.and_then(|p| NotificationJob::decode(&p.body).ok());
            // Of an earlier hub on another folder, a number alone may be another notification's.
            let Some(job) = job.filter(|job| waiting.get(&job.id) == Some(&job.at)) else {
                continue;
            };
            let last = self.shared.attempts.of(job.id);
            let reason = match last {
                Some(last) => format!("{}; before that, {}", letter.reason, last.reason),
                None => letter.reason.clone(),
            };
            self.shared
                .figures
                .given_up(Setup::kind_of(&job.integration));
            let settlement = Settlement {
                id: job.id,
                outcome: Outcome::Failed {
                    reason: Arc::from(reason),
                },
                lease: None,
            };
            if let Err(error) = self.settle(&[&settlement]).await {
                self.complain(&error, "what became of a notification cannot be kept");
                return;
            }
        }
    }
}
