//! What is due when.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

/// Keys with one due time each; `T` is a wall or a monotonic time.
#[derive(Debug, Clone)]
pub(crate) struct Timers<T, K> {
    by_time: BTreeSet<(T, K)>,
    by_key: HashMap<K, T>,
}

impl<T, K> Default for Timers<T, K> {
    fn default() -> Self {
        Self {
            by_time: BTreeSet::new(),
            by_key: HashMap::new(),
        }
    }
}

impl<T: Copy + Ord, K: Copy + Ord + Hash> Timers<T, K> {
    /// Nothing is due.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// How many keys have a time.
    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Gives a key its time, instead of any it had.
    pub(crate) fn set(&mut self, key: K, due: T) {
        if let Some(earlier) = self.by_key.insert(key, due) {
            self.by_time.remove(&(earlier, key));
        }
        self.by_time.insert((due, key));
    }

    /// Takes a key's time away, and tells it.
    pub(crate) fn remove(&mut self, key: K) -> Option<T> {
        let due = self.by_key.remove(&key)?;
        self.by_time.remove(&(due, key));
        Some(due)
    }

    /// A key's time.
    pub(crate) fn due(&self, key: K) -> Option<T> {
        self.by_key.get(&key).copied()
    }

    /// The earliest; of equal times the lowest key.
    pub(crate) fn first(&self) -> Option<(T, K)> {
        self.by_time.first().copied()
    }

    /// Takes out the earliest if it is due by `now`.
    pub(crate) fn pop(&mut self, now: T) -> Option<(T, K)> {
        let (due, key) = self.first().filter(|(due, _)| *due <= now)?;
        self.remove(key);
        Some((due, key))
    }

    /// All of them, earliest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (T, K)> + '_ {
        self.by_time.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_agrees_with_a_plain_map(steps in prop::collection::vec((0_u8..3, 0_u8..20, 0_u8..50), 0..200)) {
            let mut timers = Timers::new();
            let mut plain = BTreeMap::new();
            for (step, key, time) in steps {
                match step {
                    0 => { timers.set(key, time); plain.insert(key, time); }
                    1 => prop_assert_eq!(timers.remove(key), plain.remove(&key)),
                    _ => {
                        let first = plain.iter().map(|(key, due)| (*due, *key)).min();
                        let expected = first.filter(|(due, _)| *due <= time);
                        prop_assert_eq!(timers.pop(time), expected);
                        if let Some((_, key)) = expected { plain.remove(&key); }
                    }
                }
                prop_assert_eq!(timers.len(), plain.len());
                prop_assert_eq!(timers.due(key), plain.get(&key).copied());
                prop_assert_eq!(timers.first(), plain.iter().map(|(key, due)| (*due, *key)).min());
                prop_assert_eq!(timers.iter().count(), plain.len());
            }
        }
    }
}
