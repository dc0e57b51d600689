//! Which batches may have which words: a Bloom filter for each batch, in memory.
//!
//! A filter never denies a word that is there; of the words that are not, it lets about one in two thousand pass, and
//! the batch is then read in vain. It takes two bytes for each word of a batch: some ten kilobytes.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{PoisonError, RwLock};

use super::matching;
use crate::batch::PostedBatch;

/// Bits for each word, and how many of them it sets.
const BITS_PER_WORD: usize = 16;
const PROBES: u64 = 8;

/// What a batch is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::service) struct Filter {
    at_ns: i64,
    amount_max: i64,
    bits: Box<[u64]>,
}

/// What batches are looked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Sought {
    /// Posted then or later.
    pub(super) from_ns: Option<i64>,
    /// Posted before.
    pub(super) to_ns: Option<i64>,
    /// Posted then or before.
    pub(super) until_ns: Option<i64>,
    pub(super) amount_min: Option<i64>,
    pub(super) words: Vec<String>,
}

/// The filters of all batches that are in the journal.
#[derive(Debug, Default)]
pub(in crate::service) struct Filters(RwLock<BTreeMap<u64, Filter>>);

impl Filter {
    /// Of a batch.
    pub(in crate::service) fn of(batch: &PostedBatch) -> Self {
        let texts = batch.texts();
        let words = texts.iter().flat_map(|text| matching::split(text));
        let hashes: HashSet<u64> = words.map(|word| hash(&word.to_lowercase())).collect();
        let length = (hashes.len() * BITS_PER_WORD).div_ceil(64).max(1);
        let mut filter = Self {
            at_ns: batch.at_ns,
            amount_max: batch.amount_max,
            bits: vec![0; length].into(),
        };
        for hash in hashes {
            for bit in filter.probes(hash) {
                filter.bits[bit / 64] |= 1 << (bit % 64);
            }
        }
        filter
    }

    fn may_have(&self, hash: u64) -> bool {
        let mut probes = self.probes(hash);
        probes.all(|bit| self.bits[bit / 64] & (1 << (bit % 64)) != 0)
    }

    fn probes(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let bits = self.bits.len() as u64 * 64;
        // Odd, so that the steps do not fall together.
        let step = hash.rotate_left(32) | 1;
        (0..PROBES).map(move |probe| (hash.wrapping_add(probe.wrapping_mul(step)) % bits) as usize)
    }
}

impl Filters {
    pub(in crate::service) fn add(&self, number: u64, filter: Filter) {
        let mut filters = self.0.write().unwrap_or_else(PoisonError::into_inner);
        filters.insert(number, filter);
    }

    /// The numbers of the newest batches that may have all that is sought, `limit` at most.
    pub(super) fn newest(&self, sought: &Sought, limit: usize) -> Vec<u64> {
        let hashes: Vec<u64> = sought.words.iter().map(|word| hash(word)).collect();
        let filters = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let fits = |filter: &Filter| {
            sought.to_ns.is_none_or(|to| filter.at_ns < to)
                && sought.until_ns.is_none_or(|until| filter.at_ns <= until)
                && sought
                    .amount_min
                    .is_none_or(|least| filter.amount_max >= least)
                && hashes.iter().all(|hash| filter.may_have(*hash))
        };
        let recent = filters
            .iter()
            .rev()
            .take_while(|(_, filter)| sought.from_ns.is_none_or(|from| filter.at_ns >= from));
        let found = recent.filter(|(_, filter)| fits(filter));
        found.map(|(number, _)| *number).take(limit).collect()
    }
}

fn hash(word: &str) -> u64 {
    // With keys that are always the same: who makes words that fall together makes his own search slow.
    let mut hasher = DefaultHasher::new();
    word.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_there_are_never_denied_and_few_others_pass() {
        let words: Vec<u64> = (0..5_000)
            .map(|word| hash(&format!("word{word}")))
            .collect();
        let mut filter = Filter {
            at_ns: 0,
            amount_max: 0,
            bits: vec![0; (words.len() * BITS_PER_WORD).div_ceil(64)].into(),
        };
        for word in &words {
            for bit in filter.probes(*word) {
                filter.bits[bit / 64] |= 1 << (bit % 64);
            }
        }
        assert!(words.iter().all(|word| filter.may_have(*word)));
        let others = (0..100_000).map(|word| hash(&format!("other{word}")));
        let passed = others.filter(|word| filter.may_have(*word)).count();
        assert!(passed < 200, "{passed} of 100,000 passed");
    }
}
