use std::sync::Arc;

use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};

use super::log::Reason;
use super::message::Message;

/// Largest payload of a notification's job: it must fit into a job with room for its envelope.
pub const JOB_BYTES_MAX: usize = 768 * 1024;

/// One notification on its way, as a job carries it. It names the receiver and holds no secrets: who
/// sends looks the receiver up when it does, and renders the message then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotificationJob {
    /// Its number; [`Outcome`](super::Outcome) is told under it.
    pub id: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// The receiver's name.
    pub receiver: Arc<str>,
    /// The way, such as `webhook[0]`.
    pub integration: Arc<str>,
    /// Why.
    pub reason: Reason,
    /// What is told.
    pub message: Message,
}

impl NotificationJob {
    /// Names the telling: enqueued twice under this key, it is one job.
    pub fn idempotency_key(&self) -> String {
        let Self { id, at, .. } = self;
        format!("notification-{id}-{}-{}", at.as_nanos(), self.integration)
    }

    /// The job's payload: JSON of at most [`JOB_BYTES_MAX`]; alerts that do not fit are left out and counted.
    pub fn encode(&self) -> Vec<u8> {
        let mut job = self.clone();
        loop {
            let bytes = serde_json::to_vec(&job).expect("a job has text keys only");
            if bytes.len() <= JOB_BYTES_MAX || job.message.alerts.is_empty() {
                return bytes;
            }
            let kept = (job.message.alerts.len() / 2).max(1);
            job.message = match job.message.alerts.len() {
                1 => return without_alerts(job),
                _ => job.message.truncated(kept),
            };
        }
    }

    /// Reads a job's payload.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

fn without_alerts(mut job: NotificationJob) -> Vec<u8> {
    job.message.truncated_alerts += job.message.alerts.len();
    job.message.alerts.clear();
    serde_json::to_vec(&job).expect("a job has text keys only")
}
