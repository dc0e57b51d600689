//! Taking jobs in.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use portique_jobs::{EnqueuePlan, Enqueued, Error, NewJob, PlannedJob};
use portique_journal::{Lane, Pending};

use crate::engine::Shared;

use super::change::drafts;
use super::refusal::jobs_error;

/// Most jobs of one batch: with the queues they make, their records fit into one frame.
pub(crate) const ENQUEUE_MAX: usize = 8_000;
/// Most bytes of one batch: they fit into one frame of 4 MiB, with room for what stands beside them.
pub(crate) const ENQUEUE_BYTES_MAX: usize = 3 * 1024 * 1024;
/// More than what a record needs beside its texts: its header, numbers and their tags.
const ENVELOPE_BYTES: usize = 256;
/// More than what a job to wait for needs.
const DEPENDENCY_BYTES: usize = 10;

/// A batch on its way.
struct Sent {
    plan: EnqueuePlan,
    pending: Option<Pending>,
}

impl Shared {
    pub(super) async fn enqueue(&self, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>, Error> {
        let wanted_bytes = check_batch(&jobs)?;
        let mut jobs = Some(jobs).filter(|jobs| !jobs.is_empty());
        while let Some(batch) = jobs.take() {
            match self.try_enqueue(batch, wanted_bytes)? {
                Ok(sent) => return self.enqueued(sent).await,
                Err(batch) => jobs = Some(batch),
            }
            let room = self.journal.room(Lane::Work, wanted_bytes).await;
            room.map_err(jobs_error)?;
        }
        Ok(Vec::new())
    }

    /// The batch again when there is no room for it now.
    fn try_enqueue(
        &self,
        batch: Vec<NewJob>,
        wanted_bytes: usize,
    ) -> Result<Result<Sent, Vec<NewJob>>, Error> {
        let mut core = self.core();
        self.check_jobs_open()?;
        // Whoever else submits needs the lock, so that there is room still when it comes to that.
        if !self.has_room(Lane::Work, wanted_bytes)? {
            return Ok(Err(batch));
        }
        let now = self.now();
        let mut plan = core.jobs.machine.decide_enqueue(batch, now)?;
        let facts = std::mem::take(&mut plan.facts);
        let pending = match facts.is_empty() {
            true => None,
            false => {
                let submitted = core.submit(self, drafts(facts), Lane::Work, now);
                Some(submitted.map_err(jobs_error)?)
            }
        };
        Ok(Ok(Sent { plan, pending }))
    }

    async fn enqueued(&self, sent: Sent) -> Result<Vec<Enqueued>, Error> {
        let Sent { plan, pending } = sent;
        let first = pending
            .as_ref()
            .map_or(0, |pending| pending.sequences().start().0);
        let known = plan.jobs.iter().map(|job| match job {
            PlannedJob::Existing(id) => id.0,
            PlannedJob::New(_) | PlannedJob::Same(_) => 0,
        });
        self.settle_down(pending, known.max().unwrap_or(0)).await?;
        Ok(plan.enqueued(first))
    }

    fn has_room(&self, lane: Lane, bytes: usize) -> Result<bool, Error> {
        let room = pin!(self.journal.room(lane, bytes));
        match room.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => Ok(true),
            Poll::Ready(Err(error)) => Err(jobs_error(error)),
            Poll::Pending => Ok(false),
        }
    }
}

/// At least the bytes of the batch's records.
pub(crate) fn check_batch(jobs: &[NewJob]) -> Result<usize, Error> {
    let refuse = |given, max, unit| Err(Error::BatchTooLarge { given, max, unit });
    if jobs.len() > ENQUEUE_MAX {
        return refuse(jobs.len(), ENQUEUE_MAX, "jobs");
    }
    for job in jobs {
        job.payload.check()?;
    }
    let bytes = jobs.iter().map(record_bytes).sum();
    let content = jobs.iter().map(content_bytes).sum::<usize>();
    if content > ENQUEUE_BYTES_MAX {
        return refuse(content, ENQUEUE_BYTES_MAX, "bytes");
    }
    Ok(bytes)
}

fn record_bytes(job: &NewJob) -> usize {
    ENVELOPE_BYTES + content_bytes(job)
}

fn content_bytes(job: &NewJob) -> usize {
    let options = &job.options;
    let headers = options.headers.iter();
    let texts = [
        Some(job.payload.content_type.len()),
        options.group.as_ref().map(|label| label.as_str().len()),
        options.key.as_ref().map(|label| label.as_str().len()),
        options.idempotency_key.as_ref().map(String::len),
        options.unique.as_ref().map(|unique| unique.key.len()),
    ];
    job.payload.body.len()
        + job.kind.as_str().len()
        + texts.iter().flatten().sum::<usize>()
        + headers
            .map(|(name, value)| name.len() + value.len() + 8)
            .sum::<usize>()
        + options.after.len() * DEPENDENCY_BYTES
}
