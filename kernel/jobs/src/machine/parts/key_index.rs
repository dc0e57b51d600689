//! Keys that name an earlier job: idempotency keys, which expire, and keys of uniqueness, which are
//! removed when the job is finished.
//!
//! Only hashes are kept: 128 bits of SipHash-2-4 under a fixed key, which is the same in every version
//! and on every machine, because checkpoints hold them. Expiry is by whole hours, each dropped at once;
//! between, a key past its time is not found.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hasher;
use std::time::Duration;

use portique_clock::Timestamp;
use siphasher::sip128::{Hasher128, SipHasher24};

use super::codec::{Malformed, Parts, take, unzigzag, zigzag};

/// How the hash is keyed; part of the format of checkpoints.
const HASH_KEY: &[u8; 16] = b"portique job key";
/// Keys that expire together.
const BUCKET: Duration = Duration::from_secs(60 * 60);
/// Removed keys whose places in the buckets are left there, beyond as many as there are keys.
const STALE_MAX: usize = 1_024;
const WHAT: &str = "keys";

/// The hash of a key within its scope; equal for equal texts only, for all that can be expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct KeyHash([u64; 2]);

impl KeyHash {
    /// Of texts or bytes in order; where one ends and the next begins counts.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = SipHasher24::new_with_key(HASH_KEY);
        for part in parts {
            hasher.write(&(part.len() as u64).to_le_bytes());
            hasher.write(part);
        }
        let (low, high) = hasher.finish128().as_u64();
        Self([low, high])
    }

    /// Its two words, which are the same in every version.
    pub(crate) fn to_words(self) -> [u64; 2] {
        self.0
    }

    /// What [`to_words`](Self::to_words) gave.
    pub(crate) fn from_words(words: [u64; 2]) -> Self {
        Self(words)
    }

    /// Half of the hash: enough to tell two payloads of one key apart.
    pub(crate) fn short(self) -> u64 {
        self.0[0]
    }
}

/// What a key was used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyUse {
    /// The job.
    pub(crate) id: u64,
    /// What tells its payload from another, such as [`KeyHash::short`] of it.
    pub(crate) payload: u64,
    /// From when on the key is free again; none: until it is removed.
    pub(crate) expires: Option<Timestamp>,
}

/// Keys and their jobs: at most as many as it was made for, about 100 bytes each.
#[derive(Debug, Clone)]
pub(crate) struct KeyIndex {
    keys_max: usize,
    uses: HashMap<KeyHash, KeyUse>,
    /// By the hour in which they expire; may hold keys that were removed or used anew since.
    buckets: BTreeMap<i64, Vec<KeyHash>>,
    /// How many places the buckets have.
    places: usize,
}

impl KeyIndex {
    /// Room for this many keys.
    pub(crate) fn new(keys_max: usize) -> Self {
        Self {
            keys_max,
            uses: HashMap::new(),
            buckets: BTreeMap::new(),
            places: 0,
        }
    }

    /// No key that it does not hold would be remembered.
    pub(crate) fn is_full(&self) -> bool {
        self.uses.len() >= self.keys_max
    }

    /// What the key was used for, if that still counts.
    pub(crate) fn lookup(&self, key: KeyHash, now: Timestamp) -> Option<KeyUse> {
        let found = self.uses.get(&key).copied()?;
        found
            .expires
            .is_none_or(|expires| now < expires)
            .then_some(found)
    }

    /// Remembers a use, instead of any earlier one. False when it [is full](Self::is_full) and the
    /// key is new: then it is not remembered.
    pub(crate) fn insert(&mut self, key: KeyHash, used: KeyUse) -> bool {
        if self.is_full() && !self.uses.contains_key(&key) {
            return false;
        }
        let earlier = self.uses.insert(key, used);
        let bucket = used.expires.map(bucket_of);
        if let Some(bucket) = bucket
            && earlier.and_then(|earlier| earlier.expires).map(bucket_of) != Some(bucket)
        {
            self.buckets.entry(bucket).or_default().push(key);
            self.places += 1;
            self.forget_stale_places();
        }
        true
    }

    /// Forgets a key; `id` is the job that it must name, so that a later use stays.
    pub(crate) fn remove(&mut self, key: KeyHash, id: u64) -> bool {
        let is_it = self.uses.get(&key).is_some_and(|found| found.id == id);
        if is_it {
            self.uses.remove(&key);
        }
        is_it
    }

    /// Drops the hours that are over. The next call is of use an hour later.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        let current = bucket_of(now);
        while let Some(entry) = self.buckets.first_entry()
            && *entry.key() < current
        {
            let bucket = *entry.key();
            let keys = entry.remove();
            self.places -= keys.len();
            for key in keys {
                if is_place(&self.uses, key, bucket) {
                    self.uses.remove(&key);
                }
            }
        }
    }

    /// Writes all keys into pieces of at most `bytes_max` bytes, the same for the same keys.
    pub(crate) fn encode(&self, bytes_max: usize) -> Vec<Vec<u8>> {
        let mut uses: Vec<_> = self.uses.iter().collect();
        uses.sort_unstable_by_key(|(key, used)| (used.id, **key));
        let mut parts = Parts::new(bytes_max);
        for (key, used) in uses {
            let has_expiry = u64::from(used.expires.is_some());
            let expires = zigzag(used.expires.unwrap_or_default().as_nanos());
            parts.entry(&[
                key.0[0],
                key.0[1],
                used.id,
                used.payload,
                has_expiry,
                expires,
            ]);
        }
        parts.finish()
    }

    /// Adds what one piece holds.
    ///
    /// # Errors
    /// [`Malformed`] when it was not written by [`encode`](Self::encode).
    pub(crate) fn absorb(&mut self, mut piece: &[u8]) -> Result<(), Malformed> {
        while !piece.is_empty() {
            let mut next = || take(&mut piece, WHAT);
            let key = KeyHash([next()?, next()?]);
            let (id, payload) = (next()?, next()?);
            let (has_expiry, expires) = (next()? == 1, unzigzag(next()?));
            let expires = has_expiry.then(|| Timestamp::from_nanos(expires));
            let used = KeyUse {
                id,
                payload,
                expires,
            };
            self.insert(key, used);
        }
        Ok(())
    }

    /// Keys that are removed and used again and again must not grow the buckets.
    fn forget_stale_places(&mut self) {
        if self.places <= 2 * self.uses.len() + STALE_MAX {
            return;
        }
        let uses = &self.uses;
        self.buckets.retain(|bucket, keys| {
            keys.retain(|key| is_place(uses, *key, *bucket));
            keys.sort_unstable();
            keys.dedup();
            !keys.is_empty()
        });
        self.places = self.buckets.values().map(Vec::len).sum();
    }
}

fn bucket_of(time: Timestamp) -> i64 {
    let hour = i64::try_from(BUCKET.as_nanos()).expect("an hour of nanoseconds fits");
    time.as_nanos().div_euclid(hour)
}

fn is_place(uses: &HashMap<KeyHash, KeyUse>, key: KeyHash, bucket: i64) -> bool {
    uses.get(&key)
        .and_then(|used| used.expires)
        .is_some_and(|expires| bucket_of(expires) == bucket)
}

#[cfg(test)]
mod tests;
