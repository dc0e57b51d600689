use std::time::Duration;

use portique_jobs::{
    Claim, Claimed, Completion, Failing, Failure, Jobs, Lease, Settled, WorkerName,
};
use portique_journal::Journal;

use super::answers::Stopped;
use super::names::{QUEUES, WORKERS, queue};
use super::world::World;

impl World {
    pub(super) async fn claim(
        &mut self,
        jobs: &dyn Jobs,
        journal: &Journal,
    ) -> Result<(), Stopped> {
        let name = WORKERS[self.choose(3)];
        let claim = Claim {
            queue: queue(QUEUES[self.choose(4)]),
            worker: WorkerName::new(name).unwrap(),
            limit: 1 + self.choose(5),
            wait: Duration::ZERO,
            lease: None,
        };
        let answer = self.patient(journal, jobs.claim(claim)).await;
        if let Some(claimed) = self.answered(answer)? {
            for job in &claimed {
                self.ledger.claimed(job);
            }
            self.held.entry(name).or_default().extend(claimed);
        }
        Ok(())
    }

    /// One worker's jobs, some of which it may have lost long ago.
    pub(super) fn take_held(&mut self, most: u64) -> Vec<Claimed> {
        let name = WORKERS[self.choose(3)];
        let count = 1 + self.below(most) as usize;
        let held = self.held.entry(name).or_default();
        let at = held.len().saturating_sub(count);
        held.split_off(at)
    }

    pub(super) async fn complete(
        &mut self,
        jobs: &dyn Jobs,
        journal: &Journal,
    ) -> Result<(), Stopped> {
        let held = self.take_held(4);
        let leases: Vec<Lease> = held.iter().map(|job| job.lease).collect();
        self.complete_leases(jobs, journal, &leases).await?;
        if self.below(8) == 0 {
            // An answer that got lost on its way: the client asks again.
            self.complete_leases(jobs, journal, &leases).await?;
        }
        Ok(())
    }

    pub(super) async fn complete_leases(
        &mut self,
        jobs: &dyn Jobs,
        journal: &Journal,
        leases: &[Lease],
    ) -> Result<(), Stopped> {
        let has_result = self.below(3) == 0;
        let completion = |lease: &Lease| Completion {
            lease: *lease,
            result: has_result.then(|| Self::payload("\"result\"")),
        };
        let completions = leases.iter().map(completion).collect();
        self.ledger.ask(&[], leases.iter().map(|lease| lease.id));
        let answer = self.patient(journal, jobs.complete(completions)).await;
        for (lease, settled) in leases.iter().zip(self.answered(answer)?.iter().flatten()) {
            self.reached.stale += u64::from(*settled == Settled::Stale);
            self.ledger.completed(*lease, settled);
        }
        Ok(())
    }

    pub(super) async fn fail(&mut self, jobs: &dyn Jobs, journal: &Journal) -> Result<(), Stopped> {
        let failures = [
            Failure::Policy,
            Failure::Policy,
            Failure::After(Duration::from_secs(3)),
            Failure::Reject,
        ];
        let failure = failures[self.choose(4)];
        let failing = |job: Claimed| Failing {
            lease: job.lease,
            reason: "it did not work".into(),
            failure,
        };
        let failings: Vec<_> = self.take_held(2).into_iter().map(failing).collect();
        let answer = self.patient(journal, jobs.fail(failings)).await;
        self.answered(answer).map(drop)
    }

    pub(super) async fn release(
        &mut self,
        jobs: &dyn Jobs,
        journal: &Journal,
    ) -> Result<(), Stopped> {
        let leases: Vec<Lease> = self.take_held(3).iter().map(|job| job.lease).collect();
        let delay = self.seconds(3);
        let answer = self.patient(journal, jobs.release(&leases, delay)).await;
        self.answered(answer).map(drop)
    }

    pub(super) async fn extend(&mut self, jobs: &dyn Jobs) -> Result<(), Stopped> {
        let leases = self.held.values().flatten().map(|job| job.lease);
        let leases: Vec<Lease> = leases.collect();
        let answer = jobs.extend(&leases).await;
        self.answered(answer).map(drop)
    }
}
