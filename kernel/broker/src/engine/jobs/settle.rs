//! Ending attempts: what workers and people say about jobs that are there.

use std::time::Duration;

use portique_jobs::{
    Completion, Error, Failing, Failure, JobId, JobRecord, Lease, RetryPolicy, SETTLE_MAX, Settled,
};

use crate::engine::Shared;
use crate::job_tail::Stored;

/// Bytes of records read to know the policies of one call.
const POLICIES_BYTES_MAX: usize = 64 * 1024 * 1024;

impl Shared {
    pub(super) async fn complete(
        &self,
        completions: Vec<Completion>,
    ) -> Result<Vec<Settled>, Error> {
        check_count(completions.len())?;
        self.settle(|core, now| {
            let settling = core
                .jobs
                .machine
                .decide_complete(completions.clone(), now)?;
            // Nobody will ask for them again; if the journal refuses now, they are read from it.
            for (completion, settled) in completions.iter().zip(&settling.settled) {
                if *settled == Settled::Done {
                    core.jobs.tail.forget(completion.lease.id.0);
                }
            }
            Ok(settling)
        })
        .await
    }

    pub(super) async fn fail(&self, failings: Vec<Failing>) -> Result<Vec<Settled>, Error> {
        check_count(failings.len())?;
        let own = self.own_policies(&failings).await?;
        self.fail_under(failings, own).await
    }

    /// As [`fail`](Self::fail), with the jobs' own policies, where they have some.
    pub(super) async fn fail_under(
        &self,
        failings: Vec<Failing>,
        own: Vec<Option<RetryPolicy>>,
    ) -> Result<Vec<Settled>, Error> {
        self.settle(|core, now| {
            let jobs = &mut core.jobs;
            let failings = failings.clone();
            jobs.machine
                .decide_fail(failings, &own, now, &mut jobs.random)
        })
        .await
    }

    pub(super) async fn release(
        &self,
        leases: &[Lease],
        delay: Duration,
    ) -> Result<Vec<Settled>, Error> {
        check_count(leases.len())?;
        self.settle(|core, now| core.jobs.machine.decide_release(leases, delay, now))
            .await
    }

    pub(super) async fn cancel(&self, ids: &[JobId]) -> Result<Vec<Settled>, Error> {
        check_count(ids.len())?;
        self.settle(|core, now| Ok(core.jobs.machine.decide_cancel(ids, now)))
            .await
    }

    pub(super) async fn retry(&self, ids: &[JobId]) -> Result<Vec<Settled>, Error> {
        check_count(ids.len())?;
        self.settle(|core, now| Ok(core.jobs.machine.decide_retry(ids, now)))
            .await
    }

    pub(super) async fn drop_dead(&self, ids: &[JobId]) -> Result<Vec<Settled>, Error> {
        check_count(ids.len())?;
        self.settle(|core, now| Ok(core.jobs.machine.decide_drop_dead(ids, now)))
            .await
    }

    /// The policies that jobs brought with them, which are in their records.
    async fn own_policies(&self, failings: &[Failing]) -> Result<Vec<Option<RetryPolicy>>, Error> {
        let wanted = failings.iter().map(|failing| match failing.failure {
            Failure::Reject => None,
            Failure::Policy | Failure::After(_) => Some(failing.lease.id),
        });
        let wanted: Vec<_> = wanted.collect();
        let records = self.load_jobs(&wanted, POLICIES_BYTES_MAX).await?;
        // What cannot be read fails by the queue's policy; a claim will say that it is damaged.
        let retry = |record: Option<JobRecord>| record.and_then(|record| record.retry());
        Ok(records.into_iter().map(retry).collect())
    }

    /// The records of jobs, side by side with their ids; none where there is no such job, it is
    /// damaged, or there are more bytes than asked for.
    pub(super) async fn load_jobs(
        &self,
        ids: &[Option<JobId>],
        bytes_max: usize,
    ) -> Result<Vec<Option<JobRecord>>, Error> {
        let mut found: Vec<(u64, Option<Stored>)> = Vec::with_capacity(ids.len());
        {
            let core = self.core();
            for id in ids {
                let place = id.and_then(|id| core.jobs.machine.location(id));
                let stored = place.and_then(|place| core.jobs.tail.find(place).cloned());
                found.push((place.unwrap_or(0), stored));
            }
        }
        let missing = found
            .iter()
            .filter(|(place, stored)| *place > 0 && stored.is_none());
        let mut places: Vec<u64> = missing.map(|(place, _)| *place).collect();
        if let Some(newest) = places.iter().max().copied() {
            self.wait_for(newest).await?;
            places.sort_unstable();
            places.dedup();
            let read = self.read_records(None, places, bytes_max).await?;
            for (place, stored) in found.iter_mut().filter(|(_, stored)| stored.is_none()) {
                if let Ok(index) = read.binary_search_by_key(place, |(read, _)| *read) {
                    *stored = read[index].1.clone().ok();
                }
            }
        }
        let decode = |(place, stored): (u64, Option<Stored>)| {
            let stored = stored?;
            JobRecord::decode(place, stored.kind, stored.body).ok()
        };
        Ok(found.into_iter().map(decode).collect())
    }
}

pub(crate) fn check_count(given: usize) -> Result<(), Error> {
    if given > SETTLE_MAX {
        return Err(Error::BatchTooLarge {
            given,
            max: SETTLE_MAX,
            unit: "jobs",
        });
    }
    Ok(())
}
