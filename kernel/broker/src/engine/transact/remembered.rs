use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use bytes::Bytes;
use portique_bus::Sequence;
use portique_clock::Timestamp;
use portique_jobs::{Committed, Enqueued, Error, JobId};
use prost::Message;

use crate::fact::{CheckpointedTransaction, DecodeError, Hash, RememberedPart, Transacted};

/// How long a transaction's key is remembered: a day covers every retry of a client worth having.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// Most transactions remembered, about 200 bytes each.
const TRANSACTIONS_MAX: usize = 200_000;
/// Most jobs of them together, 8 bytes each.
const JOBS_MAX: usize = 4_000_000;
/// Most bytes of a part of a checkpoint.
const PART_BYTES_MAX: usize = 256 * 1024;

/// The bit of a job in an answer that is set when its id follows, not how far back its record is.
pub(super) const IS_EARLIER: u64 = 1;
/// The bit of a job in an answer that is set when the transaction made it.
pub(super) const IS_NEW: u64 = 2;

/// The answers of transactions that were given a key.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    by_key: HashMap<Hash, CheckpointedTransaction>,
    by_time: BTreeSet<(i64, Hash)>,
    jobs: usize,
}

/// What a key was used for.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) content: Hash,
    pub(crate) committed: Committed,
    /// Its record, which may not be durable yet.
    pub(crate) sequence: u64,
}

impl Remembered {
    pub(crate) fn find(&self, key: &Hash, now: Timestamp) -> Option<Answer> {
        let kept = self.by_key.get(key)?;
        let is_known = now.as_nanos() < expiry(&kept.transacted);
        is_known.then(|| Answer {
            content: kept.transacted.content,
            committed: committed(kept.sequence, &kept.transacted),
            sequence: kept.sequence,
        })
    }

    /// # Errors
    /// [`Error::Exhausted`] when no more are remembered.
    pub(crate) fn check_room(&self, jobs: usize) -> Result<(), Error> {
        if self.by_key.len() < TRANSACTIONS_MAX && self.jobs + jobs <= JOBS_MAX {
            return Ok(());
        }
        Err(Error::Exhausted {
            resource: "remembered transactions",
            remedy: format!(
                "{} are remembered for a day each: commit without a key, or put more into one",
                self.by_key.len()
            ),
        })
    }

    pub(crate) fn apply(&mut self, sequence: u64, transacted: &Transacted) {
        self.forget(&transacted.key);
        self.jobs += transacted.jobs.len();
        self.by_time.insert((expiry(transacted), transacted.key));
        let kept = CheckpointedTransaction {
            sequence,
            transacted: transacted.clone(),
        };
        self.by_key.insert(transacted.key, kept);
    }

    /// Forgets those whose time is over; nothing is logged, since a start finds the same.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        while let Some((at, key)) = self.by_time.first().copied()
            && at <= now.as_nanos()
        {
            self.forget(&key);
        }
    }

    pub(crate) fn checkpoint(&self) -> Vec<Bytes> {
        let mut parts = Vec::new();
        let (mut part, mut bytes) = (RememberedPart::default(), 0);
        for (_, key) in &self.by_time {
            let Some(kept) = self.by_key.get(key) else {
                continue;
            };
            bytes += kept.encoded_len();
            if bytes > PART_BYTES_MAX && !part.transactions.is_empty() {
                parts.push(std::mem::take(&mut part).encode_to_vec().into());
                bytes = kept.encoded_len();
            }
            part.transactions.push(kept.clone());
        }
        if !part.transactions.is_empty() {
            parts.push(part.encode_to_vec().into());
        }
        parts
    }

    pub(crate) fn restore(parts: &[Bytes]) -> Result<Self, DecodeError> {
        let mut remembered = Self::default();
        for part in parts {
            let part = RememberedPart::decode(part.clone())?;
            for kept in &part.transactions {
                remembered.apply(kept.sequence, &kept.transacted);
            }
        }
        Ok(remembered)
    }

    fn forget(&mut self, key: &Hash) {
        if let Some(kept) = self.by_key.remove(key) {
            self.jobs -= kept.transacted.jobs.len();
            self.by_time.remove(&(expiry(&kept.transacted), *key));
        }
    }
}

fn expiry(transacted: &Transacted) -> i64 {
    let after = i64::try_from(REMEMBERED.as_nanos()).unwrap_or(i64::MAX);
    transacted.at.saturating_add(after)
}

/// What a transaction whose record stands at `sequence` came to.
pub(crate) fn committed(sequence: u64, transacted: &Transacted) -> Committed {
    let first = sequence.saturating_sub(transacted.events_back);
    let sequences = (0..transacted.events).map(|index| Sequence(first + index));
    let jobs = transacted.jobs.iter().map(|job| {
        let id = match job & IS_EARLIER == 0 {
            true => sequence.saturating_sub(job >> 2),
            false => job >> 2,
        };
        Enqueued {
            id: JobId(id),
            is_new: job & IS_NEW != 0,
        }
    });
    Committed {
        sequences: sequences.collect(),
        jobs: jobs.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transacted(key: u64, at: Timestamp) -> Transacted {
        Transacted {
            key: Hash { low: key, high: 0 },
            content: Hash { low: 1, high: 2 },
            at: at.as_nanos(),
            events_back: 5,
            events: 2,
            jobs: vec![(2 << 2) | IS_NEW, (7 << 2) | IS_EARLIER],
        }
    }

    #[test]
    fn answers_are_kept_for_a_day_and_across_checkpoints() {
        let at = Timestamp::from_millis(1_000);
        let mut remembered = Remembered::default();
        for key in 0..10_000 {
            remembered.apply(100 + key, &transacted(key, at));
        }
        let parts = remembered.checkpoint();
        assert!(parts.len() > 1, "{} parts", parts.len());
        let mut again = Remembered::restore(&parts).unwrap();
        let key = Hash { low: 3, high: 0 };
        let answer = again.find(&key, at).unwrap();
        assert_eq!(answer, remembered.find(&key, at).unwrap());
        assert_eq!(answer.committed.sequences, [Sequence(98), Sequence(99)]);
        let jobs: Vec<_> = answer
            .committed
            .jobs
            .iter()
            .map(|job| (job.id.0, job.is_new))
            .collect();
        assert_eq!(jobs, [(101, true), (7, false)]);
        let later = Timestamp::from_nanos(at.as_nanos() + REMEMBERED.as_nanos() as i64);
        assert_eq!(again.find(&key, later), None);
        again.expire(later);
        assert!(again.by_key.is_empty() && again.by_time.is_empty() && again.jobs == 0);
    }
}
