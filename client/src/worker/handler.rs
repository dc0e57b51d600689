use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use portique_jobs::{Claimed, Lease, Payload, Progress};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Does jobs.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Does one job; what it returns is kept as the job's result.
    ///
    /// # Errors
    /// A [`JobError`] when the attempt came to nothing.
    async fn handle(&self, job: Job) -> Result<Option<Payload>, JobError>;
}

#[async_trait]
impl<F, Fut> Handler for F
where
    F: Fn(Job) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<Payload>, JobError>> + Send + 'static,
{
    async fn handle(&self, job: Job) -> Result<Option<Payload>, JobError> {
        self(job).await
    }
}

/// Why an attempt came to nothing here, and what is to become of the job.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Its policy says when it is tried again.
    #[error("{0}")]
    Retry(String),
    /// It is tried again after this long, if the policy leaves an attempt.
    #[error("{reason}")]
    RetryAfter {
        /// Why it failed, for people.
        reason: String,
        /// How long to wait.
        delay: Duration,
    },
    /// Trying again cannot help: it is dead.
    #[error("{0}")]
    Reject(String),
    /// Nothing is said of it. What somebody has settled under its lease, such as the hub on this worker's behalf, stays
    /// settled; what nobody has is given back, without costing an attempt.
    #[error("it is settled elsewhere")]
    SettledElsewhere,
}

/// A job in a handler's hands.
#[derive(Debug)]
pub struct Job {
    pub(super) claimed: Claimed,
    pub(super) cancelled: CancellationToken,
    pub(super) progress: mpsc::Sender<(Lease, Progress)>,
}

impl Job {
    /// All that is known of it: payload, kind, attempt, headers, and the token that fences off
    /// whoever held it before.
    pub fn claimed(&self) -> &Claimed {
        &self.claimed
    }

    /// Ends when working on is of no use: the job was cancelled, its lease was lost, or the worker
    /// ends and waits no longer.
    pub async fn cancelled(&self) {
        self.cancelled.cancelled().await;
    }

    /// Whether working on is of no use.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }

    /// Says how far it is, for people: `share` is 0 to 1, `note` has at most 1 KiB. Left out while
    /// much is waiting to be sent: the next one says more.
    pub fn progress(&self, share: f64, note: impl Into<String>) {
        let note = note.into();
        let said = (self.claimed.lease, Progress { share, note });
        if self.progress.try_send(said).is_err() {
            tracing::debug!(id = %self.claimed.lease.id, "progress is left out");
        }
    }
}
