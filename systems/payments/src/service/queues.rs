//! The three queues, and what is said of work that failed.

use std::time::Duration;

use portique_jobs::{
    Backoff, JobKind, Jobs, NewJob, Payload, QueueName, QueueOptions, RetryPolicy,
};

use crate::Error;

pub(super) const INJECT: &str = "payments.inject";
pub(super) const POST: &str = "payments.post";
pub(super) const JOURNAL: &str = "payments.journal";
/// The queues of payments, in the order of the work.
pub const ALL: [&str; 3] = [INJECT, POST, JOURNAL];

/// Workers that may die over one job: what they die of is rarely the job, and people can look at it then.
const LOSSES_MAX: u32 = 100;
/// About a day of trying, before people are asked.
const ATTEMPTS: u32 = 1_000;
const BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(1),
    factor: 2.0,
    max: Duration::from_secs(60),
    jitter: 0.2,
};

/// Makes the queues, or finds them.
pub(super) async fn define(jobs: &dyn Jobs) -> Result<(), Error> {
    for queue in ALL {
        let options = QueueOptions {
            losses_max: LOSSES_MAX,
            retry: RetryPolicy {
                attempts: ATTEMPTS,
                backoff: BACKOFF,
            },
            // In the order of age: what refers to another one comes after it.
            ageing: None,
            ..QueueOptions::default()
        };
        jobs.define_queue(&name(queue), options).await?;
    }
    Ok(())
}

pub(super) fn name(queue: &str) -> QueueName {
    QueueName::new(queue).expect("the names of these queues are right")
}

/// A job of one of the queues.
pub(super) fn job(queue: &str, body: Vec<u8>) -> NewJob {
    let kind = JobKind::new("batch").expect("a word is a kind");
    NewJob::new(name(queue), kind, Payload::json(body))
}
