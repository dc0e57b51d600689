//! Which events are held because they are the newest of their key.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hasher;

use bytes::Bytes;
use portique_bus::{CompactionName, CompactionState, Error};
use portique_event::{Event, Filter};
use prost::Message;
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::fact::{CheckpointedCompaction, Compacting, CompactionEnded, DecodeError, Indexed};

use super::keys::partition_key;

/// Most compactions: each looks at every event once.
const COMPACTIONS_MAX: usize = 16;
/// Most keys of all compactions together: about 100 bytes of memory each.
const KEYS_MAX: usize = 65_536;
/// Most bytes of the events held: they are carried forward with every turn of retention, and must stay
/// a fraction of what it keeps.
const HELD_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Entries in one piece of a checkpoint, which is then below 256 KiB.
const PIECE_ENTRIES: usize = 8_192;

/// One event that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    sequence: u64,
    size: u32,
}

/// A compaction: how far it has looked, and the newest event of each key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compaction {
    pub(crate) number: u64,
    pub(crate) name: CompactionName,
    pub(crate) filter: Filter,
    /// The first sequence it has not looked at.
    pub(crate) cursor: u64,
    refused: u64,
    held: HashMap<u128, Held>,
    by_sequence: BTreeMap<u64, u128>,
}

/// All compactions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Compactions {
    next: u64,
    all: BTreeMap<u64, Compaction>,
    keys: usize,
    bytes: u64,
}

/// What stands for an event's key in a compaction; none when it has no key.
pub(crate) fn compaction_key(event: &Event) -> Option<u128> {
    let mut hasher = SipHasher13::new();
    hasher.write(partition_key(event)?.as_bytes());
    Some(hasher.finish128().into())
}

impl Compactions {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Compaction> {
        self.all.values()
    }

    pub(crate) fn find(&self, name: &CompactionName) -> Option<&Compaction> {
        self.all
            .values()
            .find(|compaction| compaction.name == *name)
    }

    pub(crate) fn by_number(&self, number: u64) -> Option<&Compaction> {
        self.all.get(&number)
    }

    pub(crate) fn report(&self) -> Vec<CompactionState> {
        let mut states: Vec<_> = self.all.values().map(Compaction::report).collect();
        states.sort_by(|a, b| a.name.cmp(&b.name));
        states
    }

    /// The first record that a compaction needs, and which one.
    pub(crate) fn first_needed(&self) -> Option<(u64, &CompactionName)> {
        let needs = self
            .all
            .values()
            .map(|compaction| (compaction.needs(), &compaction.name));
        needs.min_by_key(|(needs, _)| *needs)
    }

    /// The events held below a sequence, in order, `limit` of them at most.
    pub(crate) fn held_before(&self, end: u64, limit: usize) -> Vec<u64> {
        let all = self.all.values();
        let held = all.flat_map(|compaction| compaction.by_sequence.range(..end).take(limit));
        let mut held: Vec<u64> = held.map(|(sequence, _)| *sequence).collect();
        held.sort_unstable();
        held.dedup();
        held.truncate(limit);
        held
    }

    pub(crate) fn holds(&self, sequence: u64) -> bool {
        let mut all = self.all.values();
        all.any(|compaction| compaction.by_sequence.contains_key(&sequence))
    }

    /// A new compaction; none when it is there already.
    pub(crate) fn decide_creation(
        &self,
        name: &CompactionName,
        filter: &Filter,
        cursor: u64,
    ) -> Result<Option<Compacting>, Error> {
        if let Some(existing) = self.find(name) {
            if existing.filter == *filter {
                return Ok(None);
            }
            return Err(Error::CompactionDiffers {
                name: name.clone(),
                existing: existing.filter.clone(),
                requested: filter.clone(),
            });
        }
        if self.all.len() >= COMPACTIONS_MAX {
            return Err(Error::Exhausted {
                resource: "compactions",
                remedy: format!("{COMPACTIONS_MAX} exist: remove one that is not used"),
            });
        }
        Ok(Some(Compacting::new(
            self.next.max(1),
            name,
            filter,
            cursor,
        )))
    }

    pub(crate) fn decide_removal(&self, name: &CompactionName) -> Result<CompactionEnded, Error> {
        let unknown = || Error::UnknownCompaction { name: name.clone() };
        let compaction = self.find(name).ok_or_else(unknown)?.number;
        Ok(CompactionEnded { compaction })
    }

    pub(super) fn make(&mut self, made: &Compacting) -> Result<(), DecodeError> {
        self.next = self.next.max(made.compaction + 1);
        let compaction = Compaction {
            number: made.compaction,
            name: made.name()?,
            filter: made.filter()?,
            cursor: made.cursor,
            refused: 0,
            held: HashMap::new(),
            by_sequence: BTreeMap::new(),
        };
        self.all.entry(made.compaction).or_insert(compaction);
        Ok(())
    }

    pub(super) fn end(&mut self, number: u64) {
        if let Some(ended) = self.all.remove(&number) {
            self.keys -= ended.held.len();
            self.bytes -= ended
                .held
                .values()
                .map(|held| u64::from(held.size))
                .sum::<u64>();
        }
    }

    /// Takes in what was looked at.
    pub(super) fn index(&mut self, indexed: &Indexed) {
        let Some(compaction) = self.all.get_mut(&indexed.compaction) else {
            return;
        };
        compaction.cursor = compaction.cursor.max(indexed.cursor);
        for (key, sequence, size) in indexed.rows() {
            if let Some(old) = compaction.let_go(key) {
                self.keys -= 1;
                self.bytes -= u64::from(old.size);
            }
            let bytes = self.bytes + u64::from(size);
            if self.keys >= KEYS_MAX || bytes > HELD_BYTES_MAX {
                compaction.refused += 1;
                continue;
            }
            self.keys += 1;
            self.bytes = bytes;
            compaction.hold(key, Held { sequence, size });
        }
        for sequence in &indexed.gone {
            let key = compaction.by_sequence.get(sequence).copied();
            if let Some(gone) = key.and_then(|key| compaction.let_go(key)) {
                self.keys -= 1;
                self.bytes -= u64::from(gone.size);
            }
        }
    }

    /// Takes in that a compaction looked up to `cursor` and found nothing. Replay would find the same,
    /// so it is not logged.
    pub(super) fn skip(&mut self, number: u64, cursor: u64) {
        if let Some(compaction) = self.all.get_mut(&number) {
            compaction.cursor = compaction.cursor.max(cursor);
        }
    }

    /// An event was carried forward.
    pub(super) fn carry(&mut self, previous: u64, sequence: u64) {
        for compaction in self.all.values_mut() {
            let Some(key) = compaction.by_sequence.get(&previous).copied() else {
                continue;
            };
            if let Some(held) = compaction.let_go(key) {
                compaction.hold(key, Held { sequence, ..held });
            }
        }
    }

    /// Everything in pieces, each below 256 KiB.
    pub(crate) fn checkpoint(&self) -> Vec<Bytes> {
        self.all
            .values()
            .flat_map(|compaction| compaction.checkpoint(self.next))
            .collect()
    }

    /// What the pieces of a checkpoint describe.
    ///
    /// # Errors
    /// When they hold what no version writes.
    pub(crate) fn restore(pieces: &[Bytes]) -> Result<Self, DecodeError> {
        let mut compactions = Self::default();
        for piece in pieces {
            let piece = CheckpointedCompaction::decode(piece.clone())?;
            let made = piece
                .made
                .ok_or(DecodeError::Shape("a compaction has no name"))?;
            compactions.make(&made)?;
            compactions.next = compactions.next.max(piece.next);
            let refused = piece.refused;
            compactions.index(&piece.held.unwrap_or_default().checked()?);
            if let Some(compaction) = compactions.all.get_mut(&made.compaction) {
                compaction.refused = refused;
            }
        }
        Ok(compactions)
    }
}

impl Compaction {
    fn report(&self) -> CompactionState {
        CompactionState {
            name: self.name.clone(),
            filter: self.filter.clone(),
            keys: self.held.len() as u64,
            refused: self.refused,
        }
    }

    fn needs(&self) -> u64 {
        let first = self.by_sequence.first_key_value().map(|(first, _)| *first);
        first.unwrap_or(self.cursor).min(self.cursor)
    }

    fn hold(&mut self, key: u128, held: Held) {
        self.by_sequence.insert(held.sequence, key);
        self.held.insert(key, held);
    }

    fn let_go(&mut self, key: u128) -> Option<Held> {
        let held = self.held.remove(&key)?;
        self.by_sequence.remove(&held.sequence);
        Some(held)
    }

    fn checkpoint(&self, next: u64) -> Vec<Bytes> {
        let rows: Vec<(u64, u128)> = self.by_sequence.iter().map(|(s, key)| (*s, *key)).collect();
        let pieces = rows.len().div_ceil(PIECE_ENTRIES).max(1);
        let piece = |index: usize| {
            let mut held = Indexed {
                compaction: self.number,
                cursor: self.cursor,
                ..Indexed::default()
            };
            for (sequence, key) in rows.iter().skip(index * PIECE_ENTRIES).take(PIECE_ENTRIES) {
                let size = self.held.get(key).map_or(0, |held| held.size);
                held.push(*key, *sequence, size);
            }
            let made = Compacting::new(self.number, &self.name, &self.filter, self.cursor);
            let piece = CheckpointedCompaction {
                made: Some(made),
                refused: self.refused,
                held: Some(held),
                next,
            };
            Bytes::from(piece.encode_to_vec())
        };
        (0..pieces).map(piece).collect()
    }
}
