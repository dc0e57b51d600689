//! What is remembered of jobs that are finished: that they are, when, under which claim, and where the
//! result lies. Results themselves stay in the journal.

use std::collections::{BTreeMap, BTreeSet};

use portique_clock::Timestamp;

use super::codec::{Malformed, Parts, take, unzigzag, zigzag};

const WHAT: &str = "finished jobs";

/// How a job came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It was completed.
    Completed,
    /// It was cancelled.
    Cancelled,
    /// It was dead and its letter was dropped.
    Dropped,
}

/// A job that is finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FinishedJob {
    /// How.
    pub(crate) ending: Ending,
    /// When.
    pub(crate) at: Timestamp,
    /// Under which claim; 0 when under none.
    pub(crate) token: u64,
    /// The journal's record that says so, and holds the result.
    pub(crate) record: u64,
    /// Bytes of its result.
    pub(crate) result_bytes: u64,
    /// From when on it is forgotten.
    pub(crate) expires: Timestamp,
}

/// How much is remembered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FinishedLimits {
    /// Most jobs.
    pub(crate) jobs_max: usize,
    /// Most bytes of results.
    pub(crate) result_bytes_max: u64,
}

/// The finished jobs of a queue, within limits; those that finished first go first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Finished {
    jobs: BTreeMap<u64, Slot>,
    /// By when they finished: place, id.
    order: BTreeMap<u64, u64>,
    expiry: BTreeSet<(Timestamp, u64)>,
    next_place: u64,
    result_bytes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    place: u64,
    job: FinishedJob,
}

impl Finished {
    /// Nothing is remembered.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// How many jobs are remembered; some may have expired since the last [`evict`](Self::evict).
    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Remembers one more, as the latest, and [evicts](Self::evict) as of its end.
    pub(crate) fn insert(&mut self, id: u64, job: FinishedJob, limits: FinishedLimits) {
        self.remove(id);
        self.append(id, job);
        self.evict(limits, job.at);
    }

    /// What is remembered of a job.
    pub(crate) fn lookup(&self, id: u64, now: Timestamp) -> Option<&FinishedJob> {
        let job = &self.jobs.get(&id)?.job;
        (now < job.expires).then_some(job)
    }

    /// Forgets a job.
    pub(crate) fn remove(&mut self, id: u64) -> Option<FinishedJob> {
        let slot = self.jobs.remove(&id)?;
        self.order.remove(&slot.place);
        self.expiry.remove(&(slot.job.expires, id));
        self.result_bytes -= slot.job.result_bytes;
        Some(slot.job)
    }

    /// Forgets what has expired, then what finished first until the rest is within limits. Returns how many
    /// were forgotten.
    pub(crate) fn evict(&mut self, limits: FinishedLimits, now: Timestamp) -> usize {
        let before = self.jobs.len();
        while let Some((_, id)) = self.expiry.first().filter(|(expires, _)| *expires <= now) {
            self.remove(*id);
        }
        while self.jobs.len() > limits.jobs_max || self.result_bytes > limits.result_bytes_max {
            let (_, id) = self
                .order
                .first_key_value()
                .expect("over a limit, so not empty");
            self.remove(*id);
        }
        before - self.jobs.len()
    }

    /// When the next one expires.
    pub(crate) fn next_expiry(&self) -> Option<Timestamp> {
        self.expiry.first().map(|(expires, _)| *expires)
    }

    /// Jobs with ids greater than `after`, ascending; some may have expired.
    pub(crate) fn iter_from(&self, after: u64) -> impl Iterator<Item = (u64, &FinishedJob)> + '_ {
        let range = after.checked_add(1).map(|first| self.jobs.range(first..));
        range
            .into_iter()
            .flatten()
            .map(|(id, slot)| (*id, &slot.job))
    }

    /// Writes all of it into pieces of at most `bytes_max` bytes, to be [absorbed](Self::absorb) in order.
    pub(crate) fn encode(&self, bytes_max: usize) -> Vec<Vec<u8>> {
        let mut parts = Parts::new(bytes_max);
        for id in self.order.values() {
            let job = &self.jobs[id].job;
            let ending = match job.ending {
                Ending::Completed => 0,
                Ending::Cancelled => 1,
                Ending::Dropped => 2,
            };
            let lasts = job.expires.as_nanos().wrapping_sub(job.at.as_nanos());
            let bytes_and_ending = (job.result_bytes << 2) | ending;
            let (at, lasts) = (zigzag(job.at.as_nanos()), zigzag(lasts));
            parts.entry(&[*id, job.token, job.record, bytes_and_ending, at, lasts]);
        }
        parts.finish()
    }

    /// Adds what one piece holds, after what the pieces before it held.
    ///
    /// # Errors
    /// [`Malformed`] when it was not written by [`encode`](Self::encode).
    pub(crate) fn absorb(&mut self, mut piece: &[u8]) -> Result<(), Malformed> {
        let malformed = Malformed { what: WHAT };
        while !piece.is_empty() {
            let mut next = || take(&mut piece, WHAT);
            let (id, token, record, bytes_and_ending) = (next()?, next()?, next()?, next()?);
            let result_bytes = bytes_and_ending >> 2;
            let ending = match bytes_and_ending & 3 {
                0 => Ending::Completed,
                1 => Ending::Cancelled,
                2 => Ending::Dropped,
                _ => return Err(malformed),
            };
            let at = unzigzag(next()?);
            let expires = Timestamp::from_nanos(at.wrapping_add(unzigzag(next()?)));
            let all_bytes = self.result_bytes.checked_add(result_bytes);
            if self.jobs.contains_key(&id) || all_bytes.is_none() {
                return Err(malformed);
            }
            let job = FinishedJob {
                ending,
                at: Timestamp::from_nanos(at),
                token,
                record,
                result_bytes,
                expires,
            };
            self.append(id, job);
        }
        Ok(())
    }

    fn append(&mut self, id: u64, job: FinishedJob) {
        let place = self.next_place;
        self.next_place += 1;
        self.jobs.insert(id, Slot { place, job });
        self.order.insert(place, id);
        self.expiry.insert((job.expires, id));
        self.result_bytes += job.result_bytes;
    }
}

#[cfg(test)]
mod tests;
