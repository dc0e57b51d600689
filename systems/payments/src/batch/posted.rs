use std::collections::BTreeSet;

use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};

use super::columns::wrong;
use super::{BatchError, Columns, Hash, Status};
use crate::{Kind, Verdict};

/// How many transactions came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// They have their effect.
    pub posted: u64,
    /// They have none.
    pub rejected: u64,
    /// They came before.
    pub known: u64,
}

impl Counted {
    /// All of them.
    pub fn all(self) -> u64 {
        self.posted + self.rejected + self.known
    }

    /// These and those.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            posted: self.posted + other.posted,
            rejected: self.rejected + other.rejected,
            known: self.known + other.known,
        }
    }
}

/// What became of a batch: the fact that is kept of it, on the bus and in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostedBatch {
    /// From 1, without gaps.
    pub number: u64,
    /// When it was posted, in nanoseconds since 1970; later than the one before.
    pub at_ns: i64,
    /// Proves the one before.
    pub previous: Hash,
    /// Proves this one.
    pub hash: Hash,
    /// All transactions up to its end.
    pub totals: Counted,
    /// Its largest amount, in whatever smallest unit.
    pub amount_max: i64,
    /// Words that can be searched: what kinds and what verdicts it has.
    pub(super) marks: String,
    /// What was asked for.
    pub(super) columns: Columns,
    /// A letter for each transaction.
    pub(super) verdicts: String,
    /// A line for each that was rejected: a word, a tab, and the reason for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) reasons: String,
}

/// What stood before a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The newest batch; 0 when there is none.
    pub(crate) number: u64,
    pub(crate) at_ns: i64,
    pub(crate) hash: Hash,
    pub(crate) totals: Counted,
}

impl PostedBatch {
    /// What became of a batch after `head`, at `at` or, when that is not later, just after.
    pub(crate) fn new(columns: Columns, verdicts: &[Verdict], head: &Head, at: Timestamp) -> Self {
        let (letters, reasons) = written(verdicts);
        let mut batch = Self {
            number: head.number + 1,
            at_ns: at.as_nanos().max(head.at_ns.saturating_add(1)),
            previous: head.hash,
            hash: Hash::default(),
            totals: head.totals,
            amount_max: 0,
            marks: String::new(),
            columns,
            verdicts: letters,
            reasons,
        };
        batch.totals = head.totals.with(batch.counted());
        if let Ok((amount_max, marks)) = batch.derived() {
            (batch.amount_max, batch.marks) = (amount_max, marks);
        }
        batch.hash = Hash::of(&batch);
        batch
    }

    /// Reads what was written as JSON.
    ///
    /// # Errors
    /// [`BatchError`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, BatchError> {
        serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))
    }

    /// As [`from_json`](Self::from_json), of a value.
    ///
    /// # Errors
    /// [`BatchError`].
    pub fn from_value(value: serde_json::Value) -> Result<Self, BatchError> {
        serde_json::from_value(value).map_err(|error| wrong(error.to_string()))
    }

    /// What was asked for.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// As [`columns`](Self::columns), and the rest let go.
    pub(crate) fn into_columns(self) -> Columns {
        self.columns
    }

    /// What became of each.
    ///
    /// # Errors
    /// [`BatchError`] for a letter that says nothing.
    pub fn statuses(&self) -> Result<Vec<Status>, BatchError> {
        let statuses = self.verdicts.chars().map(Status::from_letter);
        let statuses: Option<Vec<Status>> = statuses.collect();
        statuses.ok_or_else(|| wrong("a verdict is none of p, r and k".into()))
    }

    /// Whether its hash is that of its contents.
    pub fn is_whole(&self) -> bool {
        self.hash == Hash::of(self)
    }

    /// How many of its transactions came to what.
    pub fn counted(&self) -> Counted {
        let count = |letter| self.verdicts.chars().filter(|it| *it == letter).count() as u64;
        Counted {
            posted: count('p'),
            rejected: count('r'),
            known: count('k'),
        }
    }

    /// Where the next one goes on.
    pub(crate) fn head(&self) -> Head {
        Head {
            number: self.number,
            at_ns: self.at_ns,
            hash: self.hash,
            totals: self.totals,
        }
    }

    /// Checks that it follows on `head` and was not altered.
    ///
    /// # Errors
    /// What does not fit.
    pub(crate) fn verify(&self, head: &Head) -> Result<(), String> {
        let derived = self.derived().map_err(|error| error.to_string())?;
        let checks = [
            (self.number == head.number + 1, "its number does not follow"),
            (self.at_ns > head.at_ns, "its time does not follow"),
            (
                self.previous == head.hash,
                "the hash of the one before is another one",
            ),
            (self.is_whole(), "its hash is not that of its contents"),
            (
                self.totals == head.totals.with(self.counted()),
                "its counts do not add up",
            ),
            (
                derived == (self.amount_max, self.marks.clone()),
                "what it is searched by is not what it contains",
            ),
        ];
        let wrong = checks.into_iter().find(|(is_right, _)| !is_right);
        wrong.map_or(Ok(()), |(_, problem)| Err(problem.to_owned()))
    }

    /// Its largest amount, and its marks.
    fn derived(&self) -> Result<(i64, String), BatchError> {
        let numbers = self.columns.numbers()?;
        let amount_max = numbers.iter().map(|it| it.minor).max().unwrap_or_default();
        let kinds: BTreeSet<u8> = numbers.iter().map(|it| it.kind).collect();
        let kinds = kinds.into_iter().filter_map(Kind::word_of).map(kind_mark);
        let statuses: BTreeSet<char> = self.verdicts.chars().collect();
        let statuses = statuses.into_iter().filter_map(Status::from_letter);
        let marks: Vec<String> = kinds.chain(statuses.map(status_mark)).collect();
        Ok((amount_max, marks.join(" ")))
    }
}

/// The word by which batches with a kind are found; nobody writes it by accident.
pub(crate) fn kind_mark(word: &str) -> String {
    format!("zzkind{}", word.replace('_', ""))
}

/// As [`kind_mark`], for a status.
pub(crate) fn status_mark(status: Status) -> String {
    format!("zzstatus{}", status.word())
}

fn written(verdicts: &[Verdict]) -> (String, String) {
    let mut letters = String::with_capacity(verdicts.len());
    let mut reasons = String::new();
    for verdict in verdicts {
        match verdict {
            Verdict::Posted => letters.push('p'),
            Verdict::Known => letters.push('k'),
            Verdict::Rejected(rejection) => {
                letters.push('r');
                if !reasons.is_empty() {
                    reasons.push('\n');
                }
                reasons += &format!("{}\t{rejection}", rejection.word());
            }
        }
    }
    (letters, reasons)
}
