//! How much went where, and whether anything is missing.

use std::time::Duration;

use portique_jobs::{Jobs, QueueState};
use serde::{Deserialize, Serialize};

use super::{Payments, queues};
use crate::Error;
use crate::batch::BATCH_TRANSACTIONS_MAX;

/// What is behind is asked again after this long.
const BEHIND_RETRY: Duration = Duration::from_secs(5);

/// One queue's backlog.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct QueueBacklog {
    /// Its name.
    pub name: String,
    /// Jobs that wait.
    pub waiting: u64,
    /// Jobs in a worker's hands.
    pub active: u64,
    /// Jobs that wait for their time, those that failed among them.
    pub delayed: u64,
    /// Jobs that people have to look at.
    pub dead: u64,
    /// Age of the oldest that waits, in seconds.
    pub oldest_s: f64,
}

/// How much went where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Counts {
    /// Transactions taken in.
    pub accepted: u64,
    /// Those that have their effect.
    pub posted: u64,
    /// Those that have none.
    pub rejected: u64,
    /// Those that came before.
    pub known: u64,
    /// Those that can be searched.
    pub journalled: u64,
    /// Those that are neither where they should be nor in the queue before it; 0 when nothing is lost or doubled.
    pub drift: u64,
    /// Accounts.
    pub accounts: u64,
    /// The three queues.
    pub queues: Vec<QueueBacklog>,
}

impl Payments {
    /// Counts.
    ///
    /// # Errors
    /// What the queues fail with.
    pub async fn counts(&self) -> Result<Counts, Error> {
        let jobs = self.parts.jobs.as_ref();
        // In the direction against the work: what is under way is then counted in a queue, or not yet.
        let journalled = self.shared.journalled();
        let journal = jobs.queue(&queues::name(queues::JOURNAL)).await?;
        let decided = self.shared.decided();
        let post = jobs.queue(&queues::name(queues::POST)).await?;
        let accepted = self.shared.accepted();
        let inject = jobs.queue(&queues::name(queues::INJECT)).await?;
        let drift = drift(accepted, decided.all(), unfinished(&post))
            + drift(decided.all(), journalled, unfinished(&journal));
        let accounts = self.look(|ledger| ledger.accounts().len()).await?;
        Ok(Counts {
            accepted,
            posted: decided.posted,
            rejected: decided.rejected,
            known: decided.known,
            journalled,
            drift,
            accounts: accounts as u64,
            queues: [&inject, &post, &journal].map(backlog).into(),
        })
    }

    /// Refuses more when what is there is not worked off.
    ///
    /// # Errors
    /// [`Error::Behind`].
    pub(super) async fn check_pace(&self) -> Result<(), Error> {
        let oldest_max = self.parts.config.oldest_max;
        for queue in [queues::POST, queues::JOURNAL] {
            let oldest = oldest(self.parts.jobs.as_ref(), queue).await?;
            if oldest > oldest_max {
                return Err(Error::Behind {
                    reason: format!(
                        "the oldest job of {queue} waits for {} s, which is over the limit of {} s",
                        oldest.as_secs(),
                        oldest_max.as_secs()
                    ),
                    after: BEHIND_RETRY,
                });
            }
        }
        Ok(())
    }
}

async fn oldest(jobs: &dyn Jobs, queue: &str) -> Result<Duration, Error> {
    Ok(jobs.queue(&queues::name(queue)).await?.oldest)
}

fn unfinished(queue: &QueueState) -> u64 {
    let counts = &queue.counts;
    counts.waiting
        + counts.prioritized
        + counts.delayed
        + counts.failed
        + counts.blocked
        + counts.active
        + counts.dead
}

/// By how much `before` less `after` is not what so many jobs can hold: 1 to 1,000 transactions each.
fn drift(before: u64, after: u64, jobs: u64) -> u64 {
    let between = i128::from(before) - i128::from(after);
    let (least, most) = (
        i128::from(jobs),
        i128::from(jobs) * BATCH_TRANSACTIONS_MAX as i128,
    );
    let off = (least - between).max(between - most).max(0);
    u64::try_from(off).unwrap_or(u64::MAX)
}

fn backlog(queue: &QueueState) -> QueueBacklog {
    let counts = &queue.counts;
    QueueBacklog {
        name: queue.name.as_str().to_owned(),
        waiting: counts.waiting + counts.prioritized,
        active: counts.active,
        delayed: counts.delayed + counts.failed + counts.blocked,
        dead: counts.dead,
        oldest_s: queue.oldest.as_secs_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::drift;

    #[test]
    fn what_jobs_can_hold_is_no_drift() {
        assert_eq!(drift(5_000, 5_000, 0), 0);
        assert_eq!(drift(5_000, 3_500, 2), 0);
        assert_eq!(drift(5_000, 4_999, 0), 1);
        assert_eq!(drift(5_000, 2_900, 2), 100);
        assert_eq!(drift(5_000, 5_002, 0), 2);
    }
}
