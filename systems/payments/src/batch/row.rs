use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};

use super::columns::wrong;
use super::{BatchError, PostedBatch};
use crate::{Currency, Kind};

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has its effect.
    Posted,
    /// It has none.
    Rejected,
    /// It came before, and had its effect then.
    Known,
}

impl Status {
    pub(super) fn from_letter(letter: char) -> Option<Self> {
        match letter {
            'p' => Some(Self::Posted),
            'r' => Some(Self::Rejected),
            'k' => Some(Self::Known),
            _ => None,
        }
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Posted => "posted",
            Self::Rejected => "rejected",
            Self::Known => "known",
        }
    }
}

/// A transaction of a batch as it lies there, and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the fields of a transaction")]
pub struct Row<'a> {
    pub id: &'a str,
    pub key: &'a str,
    pub kind: &'static str,
    pub of: Option<&'a str>,
    pub debtor: &'a str,
    pub creditor: &'a str,
    pub minor: i64,
    pub currency: Currency,
    pub requested: Option<Timestamp>,
    pub reference: Option<&'a str>,
    pub status: Status,
    /// Why it was rejected: a word, and a text for people.
    pub reason: Option<(&'a str, &'a str)>,
}

impl Row<'_> {
    /// What it brought an account, in the smallest unit; below nothing for what it took. Nothing when it was not
    /// posted.
    pub fn effect_minor(&self, account: &str) -> i64 {
        let moved = match (self.status, self.kind) {
            (Status::Rejected | Status::Known, _) | (_, "authorise" | "release") => 0,
            (_, "reversal") => -self.minor,
            _ => self.minor,
        };
        match account {
            account if account == self.debtor => -moved,
            account if account == self.creditor => moved,
            _ => 0,
        }
    }
}

impl PostedBatch {
    /// Its transactions, in order.
    ///
    /// # Errors
    /// [`BatchError`] when it is damaged.
    pub fn rows(&self) -> Result<Vec<Row<'_>>, BatchError> {
        let columns = &self.columns;
        let numbers = columns.numbers()?;
        let count = numbers.len();
        let accounts: Vec<&str> = columns.accounts.lines().collect();
        let currencies: Result<Vec<Currency>, _> =
            columns.currencies.lines().map(str::parse).collect();
        let currencies = currencies.map_err(|error| wrong(format!("{error}")))?;
        let statuses = self.statuses()?;
        if statuses.len() != count {
            return Err(wrong("there is not a verdict for each".into()));
        }
        let mut reasons = self.reasons.lines();
        let ids = columns.column(&columns.ids, count)?;
        let keys = columns.column(&columns.keys, count)?;
        let references = columns.column(&columns.references, count)?;
        let ofs = columns.column(&columns.ofs, count)?;
        let texts = ids
            .into_iter()
            .zip(keys)
            .zip(references.into_iter().zip(ofs));
        let mut rows = Vec::with_capacity(count);
        for ((numbers, status), ((id, key), (reference, of))) in
            numbers.into_iter().zip(statuses).zip(texts)
        {
            let account = |place: u16| accounts.get(usize::from(place)).copied();
            let parts = (
                Kind::word_of(numbers.kind),
                account(numbers.debtor),
                account(numbers.creditor),
                currencies.get(usize::from(numbers.currency)).copied(),
            );
            let (Some(kind), Some(debtor), Some(creditor), Some(currency)) = parts else {
                return Err(wrong(format!("the numbers of {id} are out of range")));
            };
            let reason = match status {
                Status::Rejected => reasons.next().and_then(|line| line.split_once('\t')),
                _ => None,
            };
            rows.push(Row {
                id,
                key: if key.is_empty() { id } else { key },
                kind,
                of: Some(of).filter(|of| !of.is_empty()),
                debtor,
                creditor,
                minor: numbers.minor,
                currency,
                requested: numbers.requested(),
                reference: Some(reference).filter(|it| !it.is_empty()),
                status,
                reason,
            });
        }
        Ok(rows)
    }
}
