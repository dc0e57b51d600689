//! Whether a transaction is one that is searched for.

use crate::batch::{Row, Status, kind_mark, status_mark};
use crate::{Currency, Iban};

/// What is wanted of a transaction; everything that is said has to hold.
#[derive(Debug, Clone, Default)]
pub(in crate::service) struct Wanted {
    pub(in crate::service) id: Option<String>,
    pub(in crate::service) account: Option<Iban>,
    pub(in crate::service) amount_min: Option<i64>,
    pub(in crate::service) amount_max: Option<i64>,
    pub(in crate::service) currency: Option<Currency>,
    pub(in crate::service) status: Option<Status>,
    pub(in crate::service) kind: Option<&'static str>,
    pub(in crate::service) reference: Option<String>,
    /// Words, in small letters.
    pub(in crate::service) words: Vec<String>,
}

impl Wanted {
    /// The words that a batch has when it has such a transaction; none when every batch may have one.
    pub(super) fn text(&self) -> Option<String> {
        let texts = [self.id.as_deref(), self.reference.as_deref()];
        let marks = [
            self.account.map(|iban| iban.as_str().to_owned()),
            self.status.map(status_mark),
            self.kind.map(kind_mark),
        ];
        let texts = texts.into_iter().flatten().map(str::to_owned);
        let all: Vec<String> = texts
            .chain(marks.into_iter().flatten())
            .chain(self.words.iter().cloned())
            .collect();
        (!all.is_empty()).then(|| all.join(" "))
    }

    /// Whether a transaction is such a one.
    pub(super) fn fits(&self, row: &Row<'_>) -> bool {
        let account = self.account.as_ref().map(Iban::as_str);
        account.is_none_or(|account| row.debtor == account || row.creditor == account)
            && self
                .id
                .as_deref()
                .is_none_or(|id| row.id == id || row.of == Some(id))
            && self.amount_min.is_none_or(|least| row.minor >= least)
            && self.amount_max.is_none_or(|most| row.minor <= most)
            && self
                .currency
                .is_none_or(|currency| row.currency == currency)
            && self.status.is_none_or(|status| row.status == status)
            && self.kind.is_none_or(|kind| row.kind == kind)
            && (self.reference.is_none() || row.reference == self.reference.as_deref())
            && self.words.iter().all(|word| has_word(row, word))
    }
}

/// The words of a text, in small letters.
pub(in crate::service) fn words(text: &str) -> Vec<String> {
    split(text).map(str::to_lowercase).collect()
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|letter: char| !letter.is_alphanumeric());
    words.filter(|word| !word.is_empty())
}

fn has_word(row: &Row<'_>, word: &str) -> bool {
    let texts = [
        Some(row.id),
        Some(row.key),
        row.reference,
        row.of,
        Some(row.debtor),
        Some(row.creditor),
    ];
    let mut words = texts.into_iter().flatten().flat_map(split);
    words.any(|found| match found.is_ascii() {
        true => found.eq_ignore_ascii_case(word),
        false => found.to_lowercase() == word,
    })
}
