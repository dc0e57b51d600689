//! The workers that run inside: claim, do, claim again.

use std::time::Duration;

use portique_jobs::{
    Claim, Claimed, Failing, Failure, JobFilter, JobState, JobView, Jobs, Lease, WorkerName,
};
use tokio::task::JoinSet;

use super::work::ClaimedJob;
use super::{Payments, queues};
use crate::Error;

/// How long one claim waits for work.
const CLAIM_WAIT: Duration = Duration::from_secs(5);
/// How long a lease holds: many times what the work takes, and as long as work waits after the hub was killed.
const LEASE: Duration = Duration::from_secs(10);
/// After a queue that could not be asked, or a ledger that takes nothing.
const PAUSE: Duration = Duration::from_secs(1);
/// Workers of each queue: while one has its work written, the other reads its own.
const WORKERS: usize = 2;
/// What their names begin with, before the name of their queue; no worker of a pool is called so, as names of pools have
/// no point.
const NAMES: &str = "inside-";
/// Jobs that are looked at in one go.
const PAGE_JOBS: usize = 1_000;

/// One kind of worker.
#[derive(Debug, Clone, Copy)]
enum Hand {
    Inject,
    Post,
    Journal,
}

impl Hand {
    fn queue(self) -> &'static str {
        match self {
            Self::Inject => queues::INJECT,
            Self::Post => queues::POST,
            Self::Journal => queues::JOURNAL,
        }
    }

    /// Jobs of one claim: what a frame of the ledger takes, or one write of the journal.
    fn limit(self) -> usize {
        match self {
            Self::Inject => 4,
            Self::Post => 12,
            Self::Journal => 24,
        }
    }
}

pub(super) fn spawn(tasks: &mut JoinSet<()>, payments: &Payments) {
    for hand in [Hand::Inject, Hand::Post, Hand::Journal] {
        for number in 0..WORKERS {
            tasks.spawn(run(payments.clone(), hand, number));
        }
    }
}

/// Gives back what the workers inside had in hand when the hub ended: they ended with it. What was lost by a worker
/// goes to one with empty hands only, job by job; what is given back is as if nobody had had it.
///
/// # Errors
/// What the queues fail with.
pub(super) async fn give_back(jobs: &dyn Jobs) -> Result<(), Error> {
    for queue in queues::ALL {
        let mut filter = JobFilter {
            queue: queues::name(queue),
            state: Some("active".into()),
            after: None,
            limit: PAGE_JOBS,
        };
        let mut left = Vec::new();
        loop {
            let page = jobs.list(filter.clone()).await?;
            left.extend(page.jobs.iter().filter_map(held_inside));
            filter.after = page.next;
            if filter.after.is_none() {
                break;
            }
        }
        if !left.is_empty() {
            tracing::info!(
                queue,
                jobs = left.len(),
                "given back: the hub ended before them"
            );
            jobs.release(&left, Duration::ZERO).await?;
        }
    }
    Ok(())
}

fn held_inside(job: &JobView) -> Option<Lease> {
    match &job.state {
        JobState::Active { worker, token, .. } if worker.as_str().starts_with(NAMES) => {
            Some(Lease {
                id: job.id,
                token: *token,
            })
        }
        _ => None,
    }
}

async fn run(payments: Payments, hand: Hand, number: usize) {
    // Each has a name of its own: what a crash left is given only to who has nothing else in hand.
    let name = format!("{NAMES}{}-{number}", hand.queue());
    let worker = WorkerName::new(name).expect("letters and digits are a name");
    loop {
        let claim = Claim {
            queue: queues::name(hand.queue()),
            worker: worker.clone(),
            limit: hand.limit(),
            wait: CLAIM_WAIT,
            lease: Some(LEASE),
        };
        let claimed = match payments.parts.jobs.claim(claim).await {
            Ok(claimed) => claimed,
            Err(error) => {
                let problem = portique_fault::chain(&error);
                tracing::warn!(queue = hand.queue(), problem, "cannot ask for work");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        if !claimed.is_empty() {
            do_all(&payments, hand, claimed).await;
        }
    }
}

async fn do_all(payments: &Payments, hand: Hand, claimed: Vec<Claimed>) {
    let leases: Vec<Lease> = claimed.iter().map(|claimed| claimed.lease).collect();
    let jobs = claimed.into_iter().map(|claimed| ClaimedJob {
        lease: claimed.lease,
        body: claimed.payload.body,
    });
    let jobs = jobs.collect();
    let outcomes: Vec<Result<(), Error>> = match hand {
        Hand::Inject => payments
            .inject_jobs(jobs)
            .await
            .into_iter()
            .map(drop_count)
            .collect(),
        Hand::Post => payments
            .post_jobs(jobs)
            .await
            .into_iter()
            .map(drop_count)
            .collect(),
        Hand::Journal => payments
            .journal_jobs(jobs)
            .await
            .into_iter()
            .map(drop_count)
            .collect(),
    };
    let failed = leases.into_iter().zip(outcomes);
    let failed = failed.filter_map(|(lease, outcome)| Some((lease, outcome.err()?)));
    settle(payments, hand, failed.collect()).await;
}

fn drop_count<T>(outcome: Result<T, Error>) -> Result<(), Error> {
    outcome.map(drop)
}

/// Ends what failed: for good when it can never be done, and soon again when something else is in the way.
async fn settle(payments: &Payments, hand: Hand, failed: Vec<(Lease, Error)>) {
    let (mut failings, mut released) = (Vec::new(), Vec::new());
    for (lease, error) in failed {
        match error {
            Error::StaleLease { .. } => {}
            Error::Input { problem } => failings.push(Failing {
                lease,
                reason: problem,
                failure: Failure::Reject,
            }),
            error => {
                tracing::warn!(queue = hand.queue(), %error, "work cannot be done now");
                released.push(lease);
            }
        }
    }
    let jobs = &payments.parts.jobs;
    if !failings.is_empty() {
        complain(hand, jobs.fail(failings).await);
    }
    if !released.is_empty() {
        complain(hand, jobs.release(&released, PAUSE).await);
        tokio::time::sleep(PAUSE).await;
    }
}

fn complain<T>(hand: Hand, settled: Result<T, portique_jobs::Error>) {
    if let Err(error) = settled {
        let problem = portique_fault::chain(&error);
        tracing::warn!(queue = hand.queue(), problem, "cannot say that work failed");
    }
}
