use std::collections::HashMap;
use std::hash::Hash;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};

use super::BATCH_TRANSACTIONS_MAX;
use crate::{Amount, Currency, Iban, Kind, Text, Transaction};

/// Bytes of a transaction's numbers.
const NUMBERS_BYTES: usize = 22;
/// Stands for a time that was not said.
const NO_TIME: i64 = i64::MIN;

/// Transactions in columns: a line of each text for each of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// Ids.
    pub(super) ids: String,
    /// Keys; an empty line is the id, no lines at all are all ids.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) keys: String,
    /// References; an empty line is none, no lines at all are none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) references: String,
    /// What they refer to; as references.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) ofs: String,
    /// Every account once.
    pub(super) accounts: String,
    /// Every currency once.
    pub(super) currencies: String,
    /// Kinds, places of currencies and accounts, amounts, times; base64.
    pub(super) numbers: String,
}

/// Why something is no batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no batch of transactions: {problem}")]
pub struct BatchError {
    /// What is wrong with it.
    pub problem: String,
}

/// The numbers of one transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    pub(super) kind: u8,
    pub(super) currency: u8,
    pub(super) debtor: u16,
    pub(super) creditor: u16,
    pub(super) minor: i64,
    requested_ns: i64,
}

/// What stands in a batch once, in order, with its places.
struct Once<T> {
    places: HashMap<T, usize>,
    text: String,
}

impl<T: Hash + Eq> Once<T> {
    fn new() -> Self {
        Self {
            places: HashMap::new(),
            text: String::new(),
        }
    }

    fn place(&mut self, one: T, written: &str) -> usize {
        let next = self.places.len();
        *self.places.entry(one).or_insert_with(|| {
            line(&mut self.text, next, written);
            next
        })
    }
}

impl Columns {
    /// Writes transactions in columns; at most [`BATCH_TRANSACTIONS_MAX`].
    pub(super) fn new(transactions: &[Transaction]) -> Self {
        let mut columns = Self::default();
        let (mut accounts, mut currencies) = (Once::new(), Once::new());
        let mut numbers = Vec::with_capacity(transactions.len() * NUMBERS_BYTES);
        for (place, transaction) in transactions.iter().enumerate() {
            let Transaction {
                id,
                key,
                kind,
                debtor,
                creditor,
                amount,
                requested,
                reference,
            } = transaction;
            line(&mut columns.ids, place, id.as_str());
            let key = if key == id { "" } else { key.as_str() };
            line(&mut columns.keys, place, key);
            let reference = reference.as_ref().map_or("", Text::as_str);
            line(&mut columns.references, place, reference);
            line(&mut columns.ofs, place, kind.of().map_or("", Text::as_str));
            let currency = amount.currency();
            let currency = currencies.place(currency, &currency.to_string());
            let debtor = accounts.place(*debtor, debtor.as_str());
            let creditor = accounts.place(*creditor, creditor.as_str());
            let requested_ns = requested.map_or(NO_TIME, Timestamp::as_nanos);
            numbers.extend([kind.number(), currency as u8]);
            numbers.extend((debtor as u16).to_le_bytes());
            numbers.extend((creditor as u16).to_le_bytes());
            numbers.extend(amount.minor().to_le_bytes());
            numbers.extend(requested_ns.to_le_bytes());
        }
        for texts in [&mut columns.keys, &mut columns.references, &mut columns.ofs] {
            if texts.bytes().all(|byte| byte == b'\n') {
                texts.clear();
            }
        }
        columns.accounts = accounts.text;
        columns.currencies = currencies.text;
        columns.numbers = BASE64.encode(numbers);
        columns
    }

    /// Reads what [`cut`](super::cut) made and somebody wrote as JSON.
    ///
    /// # Errors
    /// [`BatchError`]; whether what is in its columns are transactions, [`decode`](Self::decode) says.
    pub fn from_json(bytes: &[u8]) -> Result<Self, BatchError> {
        serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))
    }

    /// As JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts are JSON")
    }

    /// Bytes of its texts.
    pub(crate) fn bytes(&self) -> usize {
        let texts = [
            &self.ids,
            &self.keys,
            &self.references,
            &self.ofs,
            &self.accounts,
            &self.numbers,
        ];
        texts.iter().map(|text| text.len()).sum()
    }

    /// How many transactions it has, as far as its numbers say.
    pub fn count(&self) -> usize {
        let padding = self.numbers.bytes().rev().take_while(|byte| *byte == b'=');
        (self.numbers.len() / 4 * 3).saturating_sub(padding.count()) / NUMBERS_BYTES
    }

    /// Its transactions, each of them checked.
    ///
    /// # Errors
    /// [`BatchError`].
    pub fn decode(&self) -> Result<Vec<Transaction>, BatchError> {
        let accounts: Vec<Iban> = all(self.accounts.lines())?;
        let currencies: Vec<Currency> = all(self.currencies.lines())?;
        let numbers = self.numbers()?;
        let ids = self.column(&self.ids, numbers.len())?;
        let keys = self.column(&self.keys, numbers.len())?;
        let references = self.column(&self.references, numbers.len())?;
        let ofs = self.column(&self.ofs, numbers.len())?;
        let texts = ids.into_iter().zip(keys).zip(references).zip(ofs);
        let mut transactions = Vec::with_capacity(numbers.len());
        for (numbers, (((id, key), reference), of)) in numbers.into_iter().zip(texts) {
            let id = text(id)?;
            let account = |place: u16| {
                let account = accounts.get(usize::from(place)).copied();
                account.ok_or_else(|| wrong(format!("there is no account {place}")))
            };
            let currency = currencies.get(usize::from(numbers.currency)).copied();
            let currency = currency.ok_or_else(|| wrong("a currency is missing".into()))?;
            let amount = Amount::from_minor(numbers.minor, currency);
            let of = maybe(of)?;
            transactions.push(Transaction {
                key: maybe(key)?.unwrap_or_else(|| id.clone()),
                kind: Kind::from_number(numbers.kind, of)
                    .ok_or_else(|| wrong(format!("kind {} is none", numbers.kind)))?,
                debtor: account(numbers.debtor)?,
                creditor: account(numbers.creditor)?,
                amount: amount.map_err(|error| wrong(error.to_string()))?,
                requested: numbers.requested(),
                reference: maybe(reference)?,
                id,
            });
        }
        Ok(transactions)
    }

    /// The numbers of each.
    pub(super) fn numbers(&self) -> Result<Vec<Numbers>, BatchError> {
        let bytes = BASE64.decode(&self.numbers);
        let bytes = bytes.map_err(|error| wrong(format!("numbers: {error}")))?;
        let (numbers, rest) = bytes.as_chunks::<NUMBERS_BYTES>();
        if !rest.is_empty() || numbers.is_empty() || numbers.len() > BATCH_TRANSACTIONS_MAX {
            let max = BATCH_TRANSACTIONS_MAX * NUMBERS_BYTES;
            return Err(wrong(format!(
                "{} bytes of numbers, not {NUMBERS_BYTES} for each of 1 to {max}",
                bytes.len()
            )));
        }
        Ok(numbers.iter().map(Numbers::read).collect())
    }

    /// The lines of a column, one for each transaction.
    pub(super) fn column<'a>(
        &self,
        texts: &'a str,
        count: usize,
    ) -> Result<Vec<&'a str>, BatchError> {
        if texts.is_empty() {
            return Ok(vec![""; count]);
        }
        let lines: Vec<&str> = texts.split('\n').collect();
        match lines.len() == count {
            true => Ok(lines),
            false => Err(wrong(format!("{} lines, not {count}", lines.len()))),
        }
    }
}

impl Numbers {
    fn read(bytes: &[u8; NUMBERS_BYTES]) -> Self {
        let two = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let eight = |at: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[at..at + 8]);
            i64::from_le_bytes(number)
        };
        Self {
            kind: bytes[0],
            currency: bytes[1],
            debtor: two(2),
            creditor: two(4),
            minor: eight(6),
            requested_ns: eight(14),
        }
    }

    pub(super) fn requested(&self) -> Option<Timestamp> {
        (self.requested_ns != NO_TIME).then(|| Timestamp::from_nanos(self.requested_ns))
    }
}

/// Bytes of a transaction in a batch at most: quotes and ends of lines are written with two.
pub(super) fn bytes_max(transaction: &Transaction) -> usize {
    let Transaction {
        id,
        key,
        kind,
        debtor,
        creditor,
        reference,
        ..
    } = transaction;
    let texts = [Some(id), Some(key), reference.as_ref(), kind.of()];
    let texts: usize = texts
        .into_iter()
        .flatten()
        .map(|it| it.as_str().len())
        .sum();
    let accounts = debtor.as_str().len() + creditor.as_str().len();
    2 * (texts + 7) + accounts + NUMBERS_BYTES * 4 / 3 + 2
}

fn line(texts: &mut String, place: usize, text: &str) {
    if place > 0 {
        texts.push('\n');
    }
    texts.push_str(text);
}

fn all<T: std::str::FromStr<Err: std::fmt::Display>>(
    lines: std::str::Lines<'_>,
) -> Result<Vec<T>, BatchError> {
    let parsed = lines.map(|line| {
        line.parse()
            .map_err(|error: T::Err| wrong(error.to_string()))
    });
    parsed.collect()
}

fn text(given: &str) -> Result<Text, BatchError> {
    Text::new(given).map_err(|error| wrong(error.to_string()))
}

fn maybe(given: &str) -> Result<Option<Text>, BatchError> {
    match given {
        "" => Ok(None),
        given => text(given).map(Some),
    }
}

pub(super) fn wrong(problem: String) -> BatchError {
    BatchError { problem }
}
