//! Handing jobs to workers.
//!
//! A claim is decided, submitted and applied in one locked step. Its answer waits until the jobs are
//! durable, and where they were tried before, until this attempt is: a job that takes the machine down
//! with it must have been counted.

use std::sync::Arc;
use std::time::Duration;

use portique_jobs::{
    Claim, Claimed, Error, Failing, Failure, JobRecord, Lease, PickedJob, QueueName,
};
use portique_journal::{Error as JournalError, Lane, Sequence};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::engine::Shared;
use crate::engine::commit::Draft;
use crate::job_tail::Stored;

use super::change::drafts;
use super::refusal::jobs_error;

/// Longest wait of one call: the caller asks again, so that a lost caller is forgotten.
const CLAIM_WAIT_MAX: Duration = Duration::from_secs(60);
/// Bytes of records in one answer, or one record; jobs beyond it are given back. With what is said beside
/// them they fit into the 4 MiB that programs take as one message unless told otherwise.
const ANSWER_BYTES_MAX: usize = 3 * 1024 * 1024;

/// What one attempt to claim came to.
enum Attempt<'a> {
    Taken(Taken<'a>),
    /// There is nothing to be had now.
    Nothing,
    /// The journal's queue has no room for so many bytes.
    Full(usize),
}

/// Jobs that were claimed and not handed out yet.
struct Taken<'a> {
    hold: Hold<'a>,
    queue: &'a QueueName,
    jobs: Vec<(PickedJob, Option<Stored>)>,
    /// The record that must be durable before anything is handed out.
    durable_first: u64,
}

/// Leases that are given back when nobody takes them.
struct Hold<'a> {
    shared: &'a Shared,
    leases: Vec<Lease>,
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        if !self.leases.is_empty() {
            self.shared.give_back(std::mem::take(&mut self.leases));
        }
    }
}

/// A place in the line of those who wait for jobs of a queue.
struct Place<'a> {
    shared: &'a Shared,
    queue: &'a QueueName,
    notify: Arc<Notify>,
}

impl<'a> Place<'a> {
    fn new(shared: &'a Shared, queue: &'a QueueName) -> Result<Self, Error> {
        let notify = shared.core().jobs.waiting.join(queue)?;
        Ok(Self {
            shared,
            queue,
            notify,
        })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.shared.core().jobs.waiting.leave(self.queue);
    }
}

impl Shared {
    pub(super) async fn claim(&self, claim: &Claim) -> Result<Vec<Claimed>, Error> {
        let deadline = Instant::now() + claim.wait.min(CLAIM_WAIT_MAX);
        let claimed = self.claim_now(claim).await?;
        if !claimed.is_empty() || claim.wait.is_zero() {
            return Ok(claimed);
        }
        let place = Place::new(self, &claim.queue)?;
        loop {
            // Listening begins before the look, so that nothing is missed in between; dropping it
            // passes a wake that was not needed on to the next in line.
            let mut woken = std::pin::pin!(place.notify.notified());
            woken.as_mut().enable();
            let claimed = self.claim_now(claim).await?;
            let left = deadline.saturating_duration_since(Instant::now());
            if !claimed.is_empty() || left.is_zero() {
                return Ok(claimed);
            }
            tokio::select! {
                () = woken => {}
                () = tokio::time::sleep(left) => {}
            }
        }
    }

    /// None of them when there is nothing to be had now.
    async fn claim_now(&self, claim: &Claim) -> Result<Vec<Claimed>, Error> {
        loop {
            match self.attempt_claim(claim)? {
                Attempt::Nothing => return Ok(Vec::new()),
                Attempt::Full(bytes) => {
                    let room = self.journal.room(Lane::Drain, bytes).await;
                    room.map_err(jobs_error)?;
                }
                Attempt::Taken(taken) => {
                    let claimed = taken.hand_out().await?;
                    // Else every one of them was damaged, and there may be others.
                    if !claimed.is_empty() {
                        return Ok(claimed);
                    }
                }
            }
        }
    }

    fn attempt_claim<'a>(&'a self, claim: &'a Claim) -> Result<Attempt<'a>, Error> {
        let mut core = self.core();
        self.check_jobs_open()?;
        let now = self.now();
        let picked = core.jobs.machine.claim(claim, now)?;
        let Some(picked) = picked else {
            core.jobs.pass_on(&self.jobs, now);
            if core.jobs.machine.is_kept_free(claim) {
                core.jobs.waiting.pass(&claim.queue);
            }
            core.jobs.expect(&claim.queue, now, &self.jobs);
            return Ok(Attempt::Nothing);
        };
        let draft = Draft::jobs(picked.fact.clone());
        let pending = match core.submit(self, vec![draft], Lane::Drain, now) {
            Ok(pending) => pending,
            Err(error) => {
                core.jobs.machine.unclaim(&picked.fact, now);
                core.jobs.pass_on(&self.jobs, now);
                return match error {
                    JournalError::Full { wanted_bytes, .. } => Ok(Attempt::Full(wanted_bytes)),
                    error => Err(jobs_error(error)),
                };
            }
        };
        let is_full = picked.jobs.len() >= claim.limit;
        if is_full || picked.jobs.iter().any(|job| job.losses > 0) {
            // What is left is for the next in line.
            core.jobs.waiting.wake(&claim.queue);
        }
        core.jobs.expect(&claim.queue, now, &self.jobs);
        let newest = picked.jobs.iter().map(|job| job.location).max();
        let durable_first = match picked.is_durable_first {
            true => pending.sequences().end().0,
            false => newest.unwrap_or(0),
        };
        let leases = picked.jobs.iter().map(|job| job.lease).collect();
        let find = |job: PickedJob| (job, core.jobs.tail.find(job.location).cloned());
        let jobs = picked.jobs.into_iter().map(find).collect();
        Ok(Attempt::Taken(Taken {
            hold: Hold {
                shared: self,
                leases,
            },
            queue: &claim.queue,
            jobs,
            durable_first,
        }))
    }

    /// Gives leases back at once, without waiting for anything; housekeeping sees to what the journal
    /// does not take now.
    fn give_back(&self, leases: Vec<Lease>) {
        let mut core = self.core();
        let now = self.now();
        let released = core
            .jobs
            .machine
            .decide_release(&leases, Duration::ZERO, now);
        let facts = released.map_or_else(|_| Vec::new(), |settling| settling.facts);
        if !facts.is_empty() && core.submit(self, drafts(facts), Lane::Drain, now).is_err() {
            core.jobs.given_back.extend(leases);
        }
    }
}

impl Taken<'_> {
    /// The jobs with their payloads. What cannot be read is dead; what is over the limit of an answer is
    /// given back.
    async fn hand_out(mut self) -> Result<Vec<Claimed>, Error> {
        let shared = self.hold.shared;
        if shared.durable() < self.durable_first {
            let first = Sequence(self.durable_first);
            shared
                .journal
                .wait_durable(first)
                .await
                .map_err(jobs_error)?;
        }
        let mut damaged = self.read_missing().await?;
        let mut claimed = Vec::with_capacity(self.jobs.len());
        let mut left = Vec::new();
        let mut bytes = 0;
        for (job, stored) in std::mem::take(&mut self.jobs) {
            let fits =
                |stored: &Stored| bytes == 0 || bytes + stored.body.len() <= ANSWER_BYTES_MAX;
            let Some(stored) = stored.filter(fits) else {
                left.push(job.lease);
                continue;
            };
            bytes += stored.body.len();
            match claimed_job(self.queue, job, stored) {
                Ok(job) => claimed.push(job),
                Err(reason) => {
                    left.push(job.lease);
                    damaged.push((job.lease, reason));
                }
            }
        }
        if !damaged.is_empty() {
            shared.give_up_damaged(&damaged).await?;
            left.retain(|lease| damaged.iter().all(|(other, _)| other != lease));
        }
        self.hold.leases = left;
        Ok(claimed)
    }

    /// Reads the records that left memory; those that cannot be read, and why.
    async fn read_missing(&mut self) -> Result<Vec<(Lease, String)>, Error> {
        let missing = self.jobs.iter().filter(|(_, stored)| stored.is_none());
        let mut places: Vec<u64> = missing.map(|(job, _)| job.location).collect();
        if places.is_empty() {
            return Ok(Vec::new());
        }
        places.sort_unstable();
        let shared = self.hold.shared;
        let read = shared.read_records(Some(self.queue), places, ANSWER_BYTES_MAX);
        let read = read.await?;
        let mut damaged = Vec::new();
        for (job, stored) in self.jobs.iter_mut().filter(|(_, stored)| stored.is_none()) {
            let index = read.binary_search_by_key(&job.location, |(place, _)| *place);
            match index.map(|index| &read[index].1) {
                Ok(Ok(found)) => *stored = Some(found.clone()),
                Ok(Err(reason)) => damaged.push((job.lease, reason.clone())),
                Err(_) => {}
            }
        }
        Ok(damaged)
    }
}

impl Shared {
    /// Makes jobs dead whose records cannot be read.
    async fn give_up_damaged(&self, damaged: &[(Lease, String)]) -> Result<(), Error> {
        let failing = |(lease, reason): &(Lease, String)| {
            tracing::error!(job = %lease.id, reason, "a job's record is damaged");
            Failing {
                lease: *lease,
                reason: format!("its record is damaged: {reason}"),
                failure: Failure::Reject,
            }
        };
        let failings = damaged.iter().map(failing).collect();
        self.fail_under(failings, Vec::new()).await?;
        Ok(())
    }
}

fn claimed_job(queue: &QueueName, job: PickedJob, stored: Stored) -> Result<Claimed, String> {
    let record = JobRecord::decode(job.location, stored.kind, stored.body);
    let record = record.map_err(|error| portique_fault::chain(&error))?;
    if record.id != job.lease.id {
        return Err(format!("it is the record of job {}", record.id));
    }
    Ok(Claimed {
        lease: job.lease,
        queue: queue.clone(),
        payload: record.payload(),
        attempt: job.attempt,
        failures: job.failures,
        losses: job.losses,
        lease_time: job.lease_time,
        group: record.group(),
        key: record.key(),
        headers: record.headers().clone(),
        enqueued: record.enqueued(),
        deadline: record.deadline(),
        after: record.after(),
        kind: record.kind,
    })
}
