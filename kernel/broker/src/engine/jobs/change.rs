//! Deciding about jobs under the lock, and making it durable.

use portique_jobs::{Error, Fact, Now, Settled, Settling};
use portique_journal::{Error as JournalError, Lane, Pending, Sequence};

use crate::engine::commit::Draft;
use crate::engine::{Core, Shared};

use super::refusal::{in_doubt, jobs_error};

impl Shared {
    /// The moment, as the machine has it.
    pub(crate) fn now(&self) -> Now {
        Now {
            wall: self.clock.now(),
            monotonic: self.clock.monotonic(),
        }
    }

    pub(crate) fn check_jobs_open(&self) -> Result<(), Error> {
        if self.is_closed() {
            return Err(Error::Unavailable {
                reason: "the queues are being closed".into(),
            });
        }
        Ok(())
    }

    /// Decides under the lock, and submits and applies what was decided; waits while the journal's queue
    /// is full, and then decides again. None when nothing was decided.
    pub(crate) async fn change_jobs(
        &self,
        lane: Lane,
        mut decide: impl FnMut(&mut Core, Now) -> Result<Vec<Draft>, Error>,
    ) -> Result<Option<Pending>, Error> {
        loop {
            let submitted = {
                let mut core = self.core();
                self.check_jobs_open()?;
                let now = self.now();
                let drafts = decide(&mut core, now)?;
                if drafts.is_empty() {
                    return Ok(None);
                }
                core.submit(self, drafts, lane, now)
            };
            match submitted {
                Ok(pending) => return Ok(Some(pending)),
                Err(JournalError::Full { wanted_bytes, .. }) => {
                    let room = self.journal.room(lane, wanted_bytes).await;
                    room.map_err(jobs_error)?;
                }
                Err(error) => return Err(jobs_error(error)),
            }
        }
    }

    /// As [`change_jobs`](Self::change_jobs), for what has no answer; durable on return, also when somebody
    /// else did it a moment ago.
    pub(super) async fn make(
        &self,
        lane: Lane,
        mut decide: impl FnMut(&mut Core, Now) -> Result<Vec<Fact>, Error>,
    ) -> Result<(), Error> {
        let mut last = 0;
        let pending = self.change_jobs(lane, |core, now| {
            last = core.last;
            Ok(drafts(decide(core, now)?))
        });
        let pending = pending.await?;
        self.settle_down(pending, last).await
    }

    /// Ends jobs, even when the disk is nearly full; durable on return.
    pub(super) async fn settle(
        &self,
        mut decide: impl FnMut(&mut Core, Now) -> Result<Settling, Error>,
    ) -> Result<Vec<Settled>, Error> {
        let mut answers = Vec::new();
        let mut last = 0;
        let pending = self.change_jobs(Lane::Drain, |core, now| {
            last = core.last;
            let settling = decide(core, now)?;
            answers = settling.settled;
            Ok(drafts(settling.facts))
        });
        let pending = pending.await?;
        self.settle_down(pending, last).await?;
        Ok(answers)
    }

    /// Waits until a change is durable; where nothing was changed, until that is what it was found to be.
    pub(crate) async fn settle_down(
        &self,
        pending: Option<Pending>,
        last: u64,
    ) -> Result<(), Error> {
        match pending {
            Some(pending) => pending.await.map(drop).map_err(in_doubt),
            None => self.wait_for(last).await,
        }
    }

    /// Waits until a record is durable that was submitted before.
    pub(crate) async fn wait_for(&self, sequence: u64) -> Result<(), Error> {
        if self.durable() >= sequence {
            return Ok(());
        }
        let durable = self.journal.wait_durable(Sequence(sequence)).await;
        durable.map_err(jobs_error)
    }
}

pub(crate) fn drafts(facts: Vec<Fact>) -> Vec<Draft> {
    facts.into_iter().map(Draft::jobs).collect()
}
