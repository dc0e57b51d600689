use portique_jobs::{DeadFilter, JobId, Jobs};
use portique_journal::Journal;

use super::answers::Stopped;
use super::names::{LABELS, QUEUES, label, queue};
use super::world::World;

impl World {
    pub(super) async fn cancel(
        &mut self,
        jobs: &dyn Jobs,
        journal: &Journal,
    ) -> Result<(), Stopped> {
        let Some(id) = self.some_known() else {
            return Ok(());
        };
        self.ledger.ask(&[], [id]);
        let answer = self.patient(journal, jobs.cancel(&[id])).await;
        if let Some(answer) = self.answered(answer)? {
            self.ledger.cancelled(id, &answer[0]);
        }
        Ok(())
    }

    pub(super) async fn retry(
        &mut self,
        jobs: &dyn Jobs,
        journal: &Journal,
    ) -> Result<(), Stopped> {
        let Some(id) = self.some_known() else {
            return Ok(());
        };
        let answer = self.patient(journal, jobs.retry(&[id])).await;
        self.answered(answer).map(drop)
    }

    pub(super) async fn see_to_dead(
        &mut self,
        jobs: &dyn Jobs,
        journal: &Journal,
    ) -> Result<(), Stopped> {
        let filter = DeadFilter {
            queue: None,
            after: None,
            limit: 10,
        };
        let answer = self.patient(journal, jobs.dead(filter)).await;
        let letters = self.answered(answer)?.unwrap_or_default();
        if letters.is_empty() {
            return Ok(());
        }
        let id = letters[self.choose(letters.len())].id;
        match self.below(3) {
            0 => {
                self.ledger.edited(id);
                let edited = jobs.edit_dead(id, Self::payload("\"edited\""));
                let answer = self.patient(journal, edited).await;
                self.answered(answer)?;
            }
            1 => {
                self.ledger.ask(&[], [id]);
                let answer = self.patient(journal, jobs.drop_dead(&[id])).await;
                if let Some(answer) = self.answered(answer)? {
                    self.ledger.dropped(id, &answer[0]);
                }
            }
            _ => {
                let answer = self.patient(journal, jobs.retry(&[id])).await;
                self.answered(answer)?;
            }
        }
        Ok(())
    }

    pub(super) async fn control(
        &mut self,
        jobs: &dyn Jobs,
        journal: &Journal,
    ) -> Result<(), Stopped> {
        let name = queue(QUEUES[self.choose(4)]);
        let group = (name.as_str() == "fair").then(|| label(LABELS[self.choose(3)]));
        let answer = match self.below(5) {
            0 => {
                self.patient(journal, jobs.pause(&name, group.as_ref()))
                    .await
            }
            1 => self.patient(journal, jobs.drain(&name)).await,
            _ => {
                let resumed = self
                    .patient(journal, jobs.resume(&name, group.as_ref()))
                    .await;
                self.answered(resumed)?;
                self.patient(journal, jobs.resume(&name, None)).await
            }
        };
        self.answered(answer).map(drop)
    }

    pub(super) fn some_known(&mut self) -> Option<JobId> {
        let count = self.ledger.jobs.len();
        if count == 0 {
            return None;
        }
        let at = self.choose(count);
        self.ledger.jobs.keys().nth(at).copied()
    }
}
