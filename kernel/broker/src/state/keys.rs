use std::collections::{BTreeSet, HashMap};

use portique_event::Event;

/// The CloudEvents extension that holds an event's key.
const PARTITION_KEY: &str = "partitionkey";
/// The start and the factor of the 32-bit FNV-1a hash.
const FNV_START: u32 = 0x811c_9dc5;
const FNV_FACTOR: u32 = 0x0100_0193;

/// An event's key, as a hash that is on disk: two keys that share one only wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key(u32);

impl Key {
    /// What stands for an event without a key, which has no order.
    pub(crate) const NONE: Self = Self(0);

    pub(crate) fn of(event: &Event) -> Self {
        partition_key(event).map_or(Self::NONE, Self::new)
    }

    fn new(text: &str) -> Self {
        let step = |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(FNV_FACTOR);
        Self(text.bytes().fold(FNV_START, step).max(1))
    }

    pub(crate) fn from_disk(number: u32) -> Self {
        Self(number)
    }

    pub(crate) fn to_disk(self) -> u32 {
        self.0
    }
}

/// An event's key, if it has one.
pub(super) fn partition_key(event: &Event) -> Option<&str> {
    event.extension(PARTITION_KEY)
}

/// The events a keyed consumer holds, in lines: one for each key, oldest event first.
///
/// The first of a line is held, or *ready* to be delivered; the others are *parked* behind it. An
/// event without a key is in no line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lines {
    lines: HashMap<Key, BTreeSet<u64>>,
    keys: HashMap<u64, Key>,
    /// Those that were never delivered, the ready ones among them.
    parked: BTreeSet<u64>,
    ready: BTreeSet<u64>,
}

impl Lines {
    /// Whether an event with this key has to wait.
    pub(super) fn is_busy(&self, key: Key) -> bool {
        self.lines.contains_key(&key)
    }

    pub(super) fn is_ready(&self, sequence: u64) -> bool {
        self.ready.contains(&sequence)
    }

    pub(super) fn is_parked(&self, sequence: u64) -> bool {
        self.parked.contains(&sequence)
    }

    /// What may be delivered for the first time, in order.
    pub(super) fn ready(&self) -> impl Iterator<Item = u64> {
        self.ready.iter().copied()
    }

    /// What waits, with its keys, in order.
    pub(super) fn parked(&self) -> impl Iterator<Item = (u64, Key)> {
        self.parked
            .iter()
            .map(|sequence| (*sequence, self.key(*sequence)))
    }

    pub(super) fn parked_count(&self) -> usize {
        self.parked.len()
    }

    pub(super) fn key(&self, sequence: u64) -> Key {
        self.keys.get(&sequence).copied().unwrap_or(Key::NONE)
    }

    /// An event was delivered.
    pub(super) fn hold(&mut self, sequence: u64, key: Key) {
        self.parked.remove(&sequence);
        self.ready.remove(&sequence);
        self.join(sequence, key);
    }

    /// An event was passed over because its key is busy.
    pub(super) fn park(&mut self, sequence: u64, key: Key) {
        self.join(sequence, key);
        self.parked.insert(sequence);
        self.call(key);
    }

    /// An event is settled: the next of its line may go. False when it was not parked.
    pub(super) fn leave(&mut self, sequence: u64) -> bool {
        let was_parked = self.parked.remove(&sequence);
        self.ready.remove(&sequence);
        if let Some(key) = self.keys.remove(&sequence) {
            if let Some(line) = self.lines.get_mut(&key) {
                line.remove(&sequence);
            }
            self.call(key);
        }
        was_parked
    }

    fn join(&mut self, sequence: u64, key: Key) {
        if key != Key::NONE {
            self.keys.insert(sequence, key);
            self.lines.entry(key).or_default().insert(sequence);
        }
    }

    /// Makes the first of a line ready, when it was not delivered yet.
    fn call(&mut self, key: Key) {
        let Some(line) = self.lines.get(&key) else {
            return;
        };
        match line.first() {
            None => drop(self.lines.remove(&key)),
            Some(first) if self.parked.contains(first) => drop(self.ready.insert(*first)),
            Some(_) => {}
        }
    }

    /// Checks what makes them lines.
    #[cfg(test)]
    pub(super) fn check(&self) {
        let mut waiting = 0;
        for (key, line) in &self.lines {
            let (first, rest) = (line.first().unwrap(), line.iter().skip(1));
            assert_eq!(
                self.parked.contains(first),
                self.ready.contains(first),
                "the first of {key:?} is held or ready"
            );
            for sequence in rest {
                assert!(
                    self.parked.contains(sequence),
                    "{sequence} is not the first of {key:?}"
                );
                assert!(
                    !self.ready.contains(sequence),
                    "{sequence} waits for {first}"
                );
                waiting += 1;
            }
        }
        assert!(self.ready.is_subset(&self.parked));
        assert_eq!(self.parked.len(), waiting + self.ready.len());
    }
}
