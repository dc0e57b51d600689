//! Which records of the journal are still needed, and which jobs are to be carried forward.

use super::Machine;
use super::fact::{Decided, Fact, JobRecord, Rewritten};
use crate::JobId;

impl Machine {
    /// The first record that a job needs that is not finished; none when there is no such job. Takes time
    /// by the number of jobs that are not plain waiting ones.
    pub fn oldest_needed(&self) -> Option<u64> {
        let entries = self.entries.values().map(|entry| entry.location);
        let backlogs = self.queues.values();
        let backlogs = backlogs.filter_map(|queue| {
            let mut ids = queue.backlog.iter_from(0);
            ids.find(|id| !self.moved.contains_key(id))
        });
        let moved = self.moved.values().copied();
        entries.chain(backlogs).chain(moved).min()
    }

    /// Up to `limit` jobs that are not finished and whose records stand before `before`, with where they
    /// stand. Once all of them are [carried](Self::decide_carry), what is before is not needed.
    pub fn to_carry(&self, before: u64, limit: usize) -> Vec<(JobId, u64)> {
        let entries = self.entries.iter().map(|(id, entry)| (*id, entry.location));
        let moved = self.moved.iter().map(|(id, location)| (*id, *location));
        let with_location = entries.chain(moved);
        let stale = with_location.filter(|(_, location)| *location < before);
        let backlogs = self.queues.values().flat_map(|queue| {
            let ids = queue.backlog.iter_from(0).take_while(|id| *id < before);
            ids.filter(|id| !self.moved.contains_key(id))
                .take(limit)
                .map(|id| (id, id))
        });
        let all = stale.chain(backlogs).take(limit);
        all.map(|(id, location)| (JobId(id), location)).collect()
    }

    /// Writes a job again, as its record has it. None when it is finished by now, or stands elsewhere than
    /// at `location`.
    pub fn decide_carry(&self, record: JobRecord, location: u64) -> Option<Fact> {
        if self.location(record.id)? != location {
            return None;
        }
        Some(Fact(Decided::Carried(Rewritten {
            id: record.id.0,
            job: record.record,
            at: 0,
        })))
    }
}
