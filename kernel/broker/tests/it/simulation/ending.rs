use std::time::Duration;

use portique_broker::Broker;
use portique_clock::Clock;
use portique_jobs::{Claim, JobId, Jobs, Lease, WorkerName};
use portique_journal::Journal;

use super::answers::Stopped;
use super::names::{LABELS, QUEUES, label, queue, schedule_name};
use super::world::World;

/// Rounds in which everything must come to its end.
const ROUNDS_MAX: usize = 400;

impl World {
    /// Lets everything come to its end: due, claimed, completed; the dead are retried once more.
    pub(super) async fn work_off(
        &mut self,
        broker: &Broker,
        journal: &Journal,
    ) -> Result<(), Stopped> {
        let jobs = &*broker.jobs();
        let removed = jobs.remove_schedule(&schedule_name("often")).await;
        self.answered(removed)?;
        for name in QUEUES {
            for group in LABELS.map(label) {
                let resumed = jobs.resume(&queue(name), Some(&group)).await;
                self.answered(resumed)?;
            }
            let resumed = jobs.resume(&queue(name), None).await;
            self.answered(resumed)?;
        }
        // What is due by a wall clock that was set back would wait for longer than there are rounds.
        self.clock.jump_to(self.clock.now().plus(self.set_back));
        for round in 0..ROUNDS_MAX {
            self.clock.advance(Duration::from_secs(30));
            self.tick(broker, journal).await?;
            let left = self.work_once(jobs, journal, round).await?;
            if left == 0 {
                return Ok(());
            }
        }
        panic!(
            "seed {}: jobs are left after {ROUNDS_MAX} rounds",
            self.seed
        );
    }

    /// How many jobs are left that are not finished.
    async fn work_once(
        &mut self,
        jobs: &dyn Jobs,
        journal: &Journal,
        round: usize,
    ) -> Result<u64, Stopped> {
        let mut left = 0;
        for name in QUEUES {
            let claim = Claim {
                queue: queue(name),
                worker: WorkerName::new(format!("last-{round}")).unwrap(),
                limit: 100,
                wait: Duration::ZERO,
                lease: None,
            };
            let claimed = jobs.claim(claim).await;
            let claimed = self.answered(claimed)?.unwrap_or_default();
            claimed.iter().for_each(|job| self.ledger.claimed(job));
            let leases: Vec<Lease> = claimed.iter().map(|job| job.lease).collect();
            self.complete_leases(jobs, journal, &leases).await?;
            // A job whose child was cancelled waits for good; one that is past its deadline dies again.
            for state in ["dead", "blocked"] {
                let ids = self.ids(jobs, name, Some(state)).await?;
                if state == "dead" && round.is_multiple_of(10) && round < ROUNDS_MAX / 2 {
                    let retried = jobs.retry(&ids).await;
                    self.answered(retried)?;
                } else if round >= ROUNDS_MAX / 2 {
                    self.give_up(jobs, state, &ids).await?;
                }
            }
            let counts = jobs.queue(&queue(name)).await;
            let counts = self.answered(counts)?.expect("the queue is there").counts;
            left += counts.waiting + counts.prioritized + counts.delayed + counts.failed;
            left += counts.active + counts.blocked + counts.dead;
        }
        Ok(left)
    }

    async fn give_up(
        &mut self,
        jobs: &dyn Jobs,
        state: &str,
        ids: &[JobId],
    ) -> Result<(), Stopped> {
        let answer = match state {
            "dead" => jobs.drop_dead(ids).await,
            _ => jobs.cancel(ids).await,
        };
        let answer = self.answered(answer)?.unwrap_or_default();
        for (id, settled) in ids.iter().zip(&answer) {
            match state {
                "dead" => self.ledger.dropped(*id, settled),
                _ => self.ledger.cancelled(*id, settled),
            }
        }
        Ok(())
    }
}
