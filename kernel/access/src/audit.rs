//! The journal of what was changed and refused, each record chained to the one before by its hash.
//!
//! A record's hash is the SHA-256 of its fields and of the hash before it, so that a record that is changed,
//! taken away, put in or moved breaks the chain at a place that can be named. The [`Head`] is kept beside the
//! records, so that the end cannot be cut off unseen. Whoever can rewrite the whole database can write another
//! chain: for that case, keep heads elsewhere, as `verify` prints them. See `docs/formats/audit.md`.

use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::hex;

/// Longest who, from and action.
const SHORT_BYTES_MAX: usize = 256;
/// Longest target and reason.
const LONG_BYTES_MAX: usize = 1_024;
/// What each hash begins with, so that no other bytes of the house have the same.
const DOMAIN: &[u8] = b"portique-audit-1\0";

/// What is said of an order beside its path, such as which it was: handlers put it on their answer, and the front door
/// writes it down. No secret is ever in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail(pub String);

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds from then on.
    Done,
    /// It was not allowed, or could not be.
    Refused,
}

impl Outcome {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

/// What is to be written down. No secret is ever in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who asked for it, such as `user:alice`.
    pub who: String,
    /// From which address, or by which way.
    pub from: String,
    /// What they wanted, such as `user.create`, or `GET /api/v1/events`.
    pub action: String,
    /// What it was to be done to; empty when the action says it.
    pub target: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it was refused; empty when it was not.
    pub reason: String,
}

impl Entry {
    /// What the hub does or says by itself.
    pub(crate) fn of_the_hub(action: &str, target: String, outcome: Outcome, reason: &str) -> Self {
        Self {
            who: "hub".into(),
            from: String::new(),
            action: action.into(),
            target,
            outcome,
            reason: reason.into(),
        }
    }

    /// That so many are not written down.
    pub(crate) fn left_out(target: String, reason: &str) -> Self {
        Self::of_the_hub("audit.left_out", target, Outcome::Refused, reason)
    }
}

/// Something that was changed or refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// From 1, without gaps.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// Who asked for it; at most 256 bytes.
    pub who: String,
    /// From where; at most 256 bytes.
    pub from: String,
    /// What they wanted; at most 256 bytes.
    pub action: String,
    /// What it was to be done to; at most 1,024 bytes.
    pub target: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it was refused; at most 1,024 bytes.
    pub reason: String,
    /// The hash of the record before; zeros before the first.
    #[serde(with = "hex")]
    pub previous: [u8; 32],
    /// This record's.
    #[serde(with = "hex")]
    pub hash: [u8; 32],
}

/// The end of a chain, or of what was taken off its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The last record's; zero before the first.
    pub sequence: u64,
    /// The last record's; zeros before the first.
    #[serde(with = "hex")]
    pub hash: [u8; 32],
}

impl Head {
    /// The hash in hexadecimal.
    pub fn hash_text(&self) -> String {
        hex::encode(&self.hash)
    }

    /// The record that comes next, cut to its bounds.
    pub fn next(&self, entry: Entry, at: Timestamp) -> Record {
        let mut record = Record {
            sequence: self.sequence + 1,
            at,
            who: bounded(entry.who, SHORT_BYTES_MAX),
            from: bounded(entry.from, SHORT_BYTES_MAX),
            action: bounded(entry.action, SHORT_BYTES_MAX),
            target: bounded(entry.target, LONG_BYTES_MAX),
            outcome: entry.outcome,
            reason: bounded(entry.reason, LONG_BYTES_MAX),
            previous: self.hash,
            hash: [0; 32],
        };
        record.hash = record.computed();
        record
    }
}

impl Record {
    /// The chain's head once this is its last record.
    pub fn head(&self) -> Head {
        Head {
            sequence: self.sequence,
            hash: self.hash,
        }
    }

    /// The hash that it should have.
    fn computed(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(self.sequence.to_be_bytes());
        hash.update(self.at.as_nanos().to_be_bytes());
        let (outcome, fields) = (self.outcome.as_str(), [&self.who, &self.from, &self.action]);
        let fields = fields.into_iter().chain([&self.target, &self.reason]);
        for field in fields.map(String::as_str).chain([outcome]) {
            // With its length, so that no byte can move from one field to the next.
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field.as_bytes());
        }
        hash.update(self.previous);
        hash.finalize().into()
    }
}

/// The first place where a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The record that is changed, missing or out of place.
    pub sequence: u64,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// What came of walking a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Records that hold, from the first that is kept.
    pub records: u64,
    /// The first that is kept; later than 1 where old ones were let go.
    pub first: u64,
    /// Where it ends, for keeping elsewhere.
    pub head: Head,
    /// The first that does not hold; none when all do.
    pub broken: Option<Broken>,
}

/// Walks a chain from its beginning.
#[derive(Debug, Clone)]
pub struct Verifier {
    at: Head,
}

impl Verifier {
    /// From what was taken off the beginning.
    pub fn new(anchor: Head) -> Self {
        Self { at: anchor }
    }

    /// The last record that holds.
    pub fn reached(&self) -> Head {
        self.at
    }

    /// # Errors
    /// What is wrong with this record, or with the one that should stand here.
    pub fn take(&mut self, record: &Record) -> Result<(), Broken> {
        let expected = self.at.sequence + 1;
        let broken = |sequence, reason| Err(Broken { sequence, reason });
        if record.sequence > expected {
            return broken(expected, "it is missing");
        }
        if record.sequence < expected {
            return broken(record.sequence, "it is out of its place");
        }
        if record.hash != record.computed() {
            return broken(expected, "it was changed: its hash is another");
        }
        if record.previous != self.at.hash {
            return broken(expected, "it does not follow the record before it");
        }
        self.at = record.head();
        Ok(())
    }

    /// # Errors
    /// When the chain does not end where it should.
    pub fn finish(&self, head: Head) -> Result<(), Broken> {
        if self.at.sequence < head.sequence {
            let (sequence, reason) = (self.at.sequence + 1, "it is missing");
            return Err(Broken { sequence, reason });
        }
        if self.at != head {
            let (sequence, reason) = (self.at.sequence, "it is not the last that was written");
            return Err(Broken { sequence, reason });
        }
        Ok(())
    }
}

/// One line, cut where it is too long.
fn bounded(text: String, bytes_max: usize) -> String {
    let mut kept = String::with_capacity(text.len().min(bytes_max));
    for letter in text.chars() {
        let letter = if letter.is_control() { ' ' } else { letter };
        if kept.len() + letter.len_utf8() > bytes_max {
            break;
        }
        kept.push(letter);
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(word: &str) -> Entry {
        Entry {
            who: format!("user:{word}"),
            from: "127.0.0.1".into(),
            action: "user.create".into(),
            target: word.into(),
            outcome: Outcome::Done,
            reason: String::new(),
        }
    }

    fn chain(words: &[String]) -> (Vec<Record>, Head) {
        let mut head = Head::default();
        let mut records = Vec::new();
        for (index, word) in words.iter().enumerate() {
            let record = head.next(entry(word), Timestamp::from_millis(index as i64));
            head = record.head();
            records.push(record);
        }
        (records, head)
    }

    fn verify(records: &[Record], head: Head) -> Result<(), Broken> {
        let mut verifier = Verifier::new(Head::default());
        for record in records {
            verifier.take(record)?;
        }
        verifier.finish(head)
    }

    #[test]
    fn what_is_written_down_is_one_line_of_bounded_length() {
        let long = "é".repeat(LONG_BYTES_MAX);
        let record =
            Head::default().next(entry(&format!("a\nb\u{1b}[31m{long}")), Timestamp::EPOCH);
        assert!(record.target.starts_with("a b [31mé"));
        assert!(record.target.len() <= LONG_BYTES_MAX && record.who.len() <= SHORT_BYTES_MAX);
    }

    #[test]
    fn a_byte_that_moves_to_the_next_field_is_seen() {
        let (mut records, head) = chain(&["ab".into()]);
        records[0].who.push('a');
        records[0].from.remove(0);
        assert_eq!(verify(&records, head).unwrap_err().sequence, 1);
    }

    /// The record as it is stored, with one byte of a value changed; none where that is no record any more.
    fn flipped(record: &Record, place: usize, mask: u8) -> Option<Record> {
        let mut bytes = serde_json::to_vec(record).unwrap();
        let place = place % bytes.len();
        bytes[place] ^= mask;
        serde_json::from_slice(&bytes).ok()
    }

    proptest! {
        #[test]
        fn whatever_is_done_to_a_chain_is_seen_and_named(
            words in proptest::collection::vec("[a-z]{0,8}", 2..12),
            (at, other, place) in (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<usize>()),
            mask in 1..=255_u8,
        ) {
            let (records, head) = chain(&words);
            prop_assert_eq!(verify(&records, head), Ok(()));
            let (at, other) = (at.index(words.len()), other.index(words.len()));

            let mut removed = records.clone();
            removed.remove(at);
            let broken = verify(&removed, head).unwrap_err();
            prop_assert_eq!(broken.sequence, at as u64 + 1, "removed");

            if at != other {
                let mut swapped = records.clone();
                swapped.swap(at, other);
                let first = at.min(other) as u64 + 1;
                let broken = verify(&swapped, head).unwrap_err();
                prop_assert!(broken.sequence == first, "swapped: {broken:?}");
            }

            let mut doubled = records.clone();
            doubled.insert(at, records[at].clone());
            prop_assert!(verify(&doubled, head).is_err());

            if let Some(record) = flipped(&records[at], place, mask).filter(|read| *read != records[at]) {
                let mut changed = records.clone();
                let moved = record.sequence != records[at].sequence;
                changed[at] = record;
                let broken = verify(&changed, head).unwrap_err();
                prop_assert!(moved || broken.sequence == at as u64 + 1, "flipped: {broken:?}");
            }
        }

        #[test]
        fn a_record_written_anew_breaks_the_one_behind_it(words in proptest::collection::vec("[a-z]{0,8}", 3..8)) {
            let (mut records, head) = chain(&words);
            let before = records[0].head();
            records[1] = before.next(entry("mallory"), records[1].at);
            prop_assert_eq!(verify(&records, head).unwrap_err().sequence, 3);
            let rewritten = chain(&words[..2]).0;
            prop_assert!(verify(&rewritten, head).is_err(), "cut off");
        }
    }
}
