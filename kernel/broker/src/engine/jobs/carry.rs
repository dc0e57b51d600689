//! Carrying jobs forward, so that a few old ones do not keep whole segments.

use portique_fault::chain;
use portique_jobs::{Error, JobId};
use portique_journal::Lane;

use crate::engine::commit::Draft;
use crate::engine::retention::{KeptBy, first_needed};
use crate::engine::{Core, Shared};

/// Most jobs carried in one turn: they are read, and written again, beside all other work.
const CARRY_MAX: usize = 1_000;
/// Bytes of records carried in one turn, a quarter of a frame.
const CARRY_BYTES: usize = 1024 * 1024;
/// A segment is carried off when one in so many of its records, or fewer, is a job that is not finished;
/// else copying would cost more than it frees, and its jobs are worked off soon or are a backlog.
const LIVE_SHARE: u64 = 4;

impl Shared {
    /// Carries some jobs out of the oldest segment, when nothing else keeps it.
    pub(crate) async fn carry(&self) {
        let stale = self.to_carry();
        if stale.is_empty() {
            return;
        }
        match self.carry_all(&stale).await {
            Ok(carried) => tracing::debug!(carried, "jobs were carried out of the oldest segment"),
            Err(error) => {
                let reason = chain(&error);
                tracing::warn!(reason, "old jobs keep the oldest segment");
            }
        }
    }

    fn to_carry(&self) -> Vec<(JobId, u64)> {
        let oldest = self.journal.oldest();
        let Some(next) = oldest.next.filter(|_| oldest.is_over) else {
            return Vec::new();
        };
        let core = self.core();
        let is_checkpointed = core.checkpoint.needed_from >= next.0;
        let is_kept = matches!(first_needed(&core), (KeptBy::Jobs { needs }, _) if needs < next.0);
        if !is_checkpointed || !is_kept {
            return Vec::new();
        }
        let live_max = (next.0 - oldest.first.0) / LIVE_SHARE;
        let limit = usize::try_from(live_max)
            .unwrap_or(usize::MAX)
            .saturating_add(1);
        let mut stale = core.jobs.machine.to_carry(next.0, limit);
        if stale.len() == limit {
            return Vec::new();
        }
        stale.truncate(CARRY_MAX);
        stale
    }

    async fn carry_all(&self, stale: &[(JobId, u64)]) -> Result<usize, Error> {
        let ids: Vec<_> = stale.iter().map(|(id, _)| Some(*id)).collect();
        let records = self.load_jobs(&ids, CARRY_BYTES).await?;
        let places = stale.iter().map(|(_, place)| *place);
        let whole: Vec<_> = records.into_iter().zip(places).collect();
        let mut carried = 0;
        let carry = |core: &mut Core, _| {
            let machine = &core.jobs.machine;
            let mut drafts = Vec::new();
            let mut bytes = 0;
            for (record, place) in &whole {
                let Some(record) = record.as_ref().filter(|_| bytes <= CARRY_BYTES) else {
                    continue;
                };
                let fact = machine.decide_carry(record.clone(), *place);
                drafts.extend(fact.map(Draft::jobs));
                bytes += drafts.last().map_or(0, Draft::bytes);
            }
            carried = drafts.len();
            Ok(drafts)
        };
        // Nobody waits for it: what it frees goes once it is durable.
        drop(self.change_jobs(Lane::Drain, carry).await?);
        Ok(carried)
    }
}
