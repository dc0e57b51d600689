//! What became of the newest transactions, in some sixty bytes each.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};

use super::Slot;
use crate::{Text, Transaction};

/// Where a transaction stands that was posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Posted,
    Reversed,
    Authorised,
    Captured,
    Released,
    /// It did something to another one, and is over.
    Done,
}

impl Standing {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Posted => "posted",
            Self::Reversed => "reversed",
            Self::Authorised => "authorised",
            Self::Captured => "captured",
            Self::Released => "released",
            Self::Done => "a reversal, a capture or a release",
        }
    }
}

/// What stands for a text: no two texts of one process have the same, and nobody outside can make them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark([u64; 2]);

impl Hash for Mark {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[0]);
    }
}

/// What is found by marks: they are hashes, and are not hashed again.
type ByMark = HashMap<Mark, u64, BuildHasherDefault<AsIs>>;

/// The last number written, as it is.
#[derive(Debug, Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What is remembered of a posted transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    id: Mark,
    key: Mark,
    /// Of all that was asked for.
    print: u64,
    pub(super) debtor: Slot,
    pub(super) creditor: Slot,
    pub(super) minor: i64,
    pub(super) standing: Standing,
}

/// What is to be remembered of a transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Remember {
    pub(super) debtor: Slot,
    pub(super) creditor: Slot,
    pub(super) standing: Standing,
}

/// The newest transactions; their marks are of this process only, and made anew after a restart.
#[derive(Debug)]
pub(super) struct Memory {
    max: usize,
    /// The number of the oldest that is kept.
    first: u64,
    kept: VecDeque<Kept>,
    /// Numbers by id.
    ids: ByMark,
    /// Numbers by key, where that is not the id.
    keys: ByMark,
    hashers: [RandomState; 2],
}

impl Memory {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            first: 0,
            kept: VecDeque::new(),
            ids: ByMark::default(),
            keys: ByMark::default(),
            hashers: [RandomState::new(), RandomState::new()],
        }
    }

    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether something with this key was posted; then whether it was the same.
    pub(super) fn known(&self, transaction: &Transaction) -> Option<bool> {
        let key = self.mark(&transaction.key);
        let number = self.keys.get(&key).or_else(|| self.ids.get(&key))?;
        let kept = self.at(*number);
        (kept.key == key).then(|| kept.print == self.print(transaction))
    }

    /// What became of the transaction with this id, with its number.
    pub(super) fn by_id(&self, id: &Text) -> Option<(u64, &Kept)> {
        let number = *self.ids.get(&self.mark(id))?;
        Some((number, self.at(number)))
    }

    /// Keeps a transaction as the newest one.
    pub(super) fn push(&mut self, transaction: &Transaction, remember: Remember) {
        let id = self.mark(&transaction.id);
        let key = match transaction.key == transaction.id {
            true => id,
            false => self.mark(&transaction.key),
        };
        let number = self.first + self.kept.len() as u64;
        self.kept.push_back(Kept {
            id,
            key,
            print: self.print(transaction),
            debtor: remember.debtor,
            creditor: remember.creditor,
            minor: transaction.amount.minor(),
            standing: remember.standing,
        });
        self.ids.insert(id, number);
        if key != id {
            self.keys.insert(key, number);
        }
    }

    /// Gives a transaction another standing; the one before, if it is still kept.
    pub(super) fn move_on(&mut self, number: u64, to: Standing) -> Option<Standing> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let kept = self.kept.get_mut(index)?;
        Some(std::mem::replace(&mut kept.standing, to))
    }

    /// Forgets the newest.
    pub(super) fn pop(&mut self) {
        if let Some(kept) = self.kept.pop_back() {
            self.forget(&kept, self.first + self.kept.len() as u64);
        }
    }

    /// Forgets the oldest that are too many.
    pub(super) fn shorten(&mut self) {
        while self.kept.len() > self.max {
            if let Some(kept) = self.kept.pop_front() {
                self.forget(&kept, self.first);
                self.first += 1;
            }
        }
    }

    fn forget(&mut self, kept: &Kept, number: u64) {
        if self.ids.get(&kept.id) == Some(&number) {
            self.ids.remove(&kept.id);
        }
        if self.keys.get(&kept.key) == Some(&number) {
            self.keys.remove(&kept.key);
        }
    }

    fn at(&self, number: u64) -> &Kept {
        &self.kept[(number - self.first) as usize]
    }

    fn mark(&self, text: &Text) -> Mark {
        Mark(self.hashers.each_ref().map(|hasher| hasher.hash_one(text)))
    }

    fn print(&self, transaction: &Transaction) -> u64 {
        let Transaction {
            id,
            key: _,
            kind,
            debtor,
            creditor,
            amount,
            requested,
            reference,
        } = transaction;
        let asked = (id, kind, debtor, creditor, amount, requested, reference);
        self.hashers[0].hash_one(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transaction(id: &str, key: &str) -> Transaction {
        let json = format!(
            r#"{{"id":"{id}","key":"{key}","kind":"transfer","debtor":"DE89370400440532013000","creditor":"GB82WEST12345698765432","amount":{{"minor":1,"currency":"EUR"}}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn push(memory: &mut Memory, id: &str, key: &str) {
        let remember = Remember {
            debtor: 0,
            creditor: 1,
            standing: Standing::Posted,
        };
        memory.push(&transaction(id, key), remember);
    }

    #[test]
    fn the_oldest_are_forgotten_wholly() {
        let mut memory = Memory::new(2);
        for number in 0..5 {
            push(
                &mut memory,
                &format!("t{number}"),
                &format!("k{}", number % 2),
            );
            memory.shorten();
        }
        assert_eq!(
            (memory.len(), memory.ids.len(), memory.keys.len()),
            (2, 2, 2)
        );
        assert_eq!(memory.known(&transaction("t4", "k0")), Some(true));
        assert_eq!(memory.known(&transaction("t2", "k0")), Some(false));
        assert_eq!(memory.known(&transaction("t2", "k2")), None);
        assert!(memory.by_id(&Text::new("t2").unwrap()).is_none());
        memory.pop();
        assert_eq!(memory.known(&transaction("t4", "k0")), None);
        assert_eq!(memory.known(&transaction("t3", "k1")), Some(true));
    }

    #[test]
    fn an_id_is_not_the_key_of_another() {
        let mut memory = Memory::new(9);
        push(&mut memory, "a", "k");
        assert_eq!(memory.known(&transaction("b", "a")), None);
        push(&mut memory, "b", "b");
        assert_eq!(memory.known(&transaction("b", "b")), Some(true));
    }
}
