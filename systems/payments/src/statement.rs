//! What happened on one account in a day, and how two accounts of it differ.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::{Currency, Iban, Text};

/// Differences of one kind that are listed; more are counted.
const LISTED_MAX: usize = 1_000;

/// The statement of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its id.
    pub id: Text,
    /// Whose it is.
    pub account: Iban,
    /// The account's currency.
    pub currency: Currency,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// What stood on it before, in the smallest unit.
    pub opening_minor: i64,
    /// What happened, in order.
    pub entries: Vec<StatementEntry>,
    /// What stands on it after.
    pub closing_minor: i64,
}

/// One line of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementEntry {
    /// The bank's reference: the transaction's id.
    pub id: Text,
    /// When it was booked.
    pub booked: Date,
    /// What came, or below nothing what went, in the smallest unit.
    pub minor: i64,
    /// From or to whom, if that is told.
    pub counterparty: Option<Iban>,
    /// What it is about.
    pub reference: Option<Text>,
}

impl Statement {
    /// What its closing balance is off from what its entries make of the opening one; zero when it is right.
    pub fn drift_minor(&self) -> i128 {
        let entries: i128 = self
            .entries
            .iter()
            .map(|entry| i128::from(entry.minor))
            .sum();
        i128::from(self.closing_minor) - i128::from(self.opening_minor) - entries
    }
}

/// What two statements of one account do not have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// Entries that only ours has; the first thousand.
    pub only_ours: Vec<StatementEntry>,
    /// Entries that only theirs has; the first thousand.
    pub only_theirs: Vec<StatementEntry>,
    /// Ids with another amount there: ours, theirs; the first thousand.
    pub other_amounts: Vec<(Text, i64, i64)>,
    /// All differences between entries, listed or not.
    pub entries: u64,
    /// By how much theirs is more at the beginning.
    pub opening_minor: i128,
    /// By how much theirs is more at the end.
    pub closing_minor: i128,
}

impl Differences {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Holds our statement against somebody else's: entries are the same when their ids are; those without a partner
/// are, when day and amount are.
pub fn reconcile(ours: &Statement, theirs: &Statement) -> Differences {
    let mut differences = Differences {
        opening_minor: i128::from(theirs.opening_minor) - i128::from(ours.opening_minor),
        closing_minor: i128::from(theirs.closing_minor) - i128::from(ours.closing_minor),
        ..Differences::default()
    };
    let by_id: BTreeMap<&Text, &StatementEntry> = theirs
        .entries
        .iter()
        .map(|entry| (&entry.id, entry))
        .collect();
    let mut met = BTreeSet::new();
    let mut alone = Vec::new();
    for entry in &ours.entries {
        match by_id.get(&entry.id).filter(|_| met.insert(&entry.id)) {
            Some(other) if other.minor == entry.minor => {}
            Some(other) => {
                let amounts = (entry.id.clone(), entry.minor, other.minor);
                differences.entries += 1;
                list(&mut differences.other_amounts, amounts);
            }
            None => alone.push(entry),
        }
    }
    let theirs = theirs
        .entries
        .iter()
        .filter(|entry| !met.contains(&entry.id));
    let mut free: BTreeMap<(Date, i64), Vec<&StatementEntry>> = BTreeMap::new();
    for entry in theirs {
        free.entry((entry.booked, entry.minor))
            .or_default()
            .push(entry);
    }
    for entry in alone {
        let same = free.get_mut(&(entry.booked, entry.minor));
        if same.and_then(Vec::pop).is_none() {
            differences.entries += 1;
            list(&mut differences.only_ours, entry.clone());
        }
    }
    for entry in free.into_values().flatten() {
        differences.entries += 1;
        list(&mut differences.only_theirs, entry.clone());
    }
    differences
}

fn list<T>(listed: &mut Vec<T>, one: T) {
    if listed.len() < LISTED_MAX {
        listed.push(one);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(id: &str, minor: i64) -> StatementEntry {
        StatementEntry {
            id: Text::new(id).unwrap(),
            booked: jiff::civil::date(2026, 11, 21),
            minor,
            counterparty: None,
            reference: None,
        }
    }

    fn statement(entries: Vec<StatementEntry>) -> Statement {
        let sum: i64 = entries.iter().map(|entry| entry.minor).sum();
        Statement {
            id: Text::new("s").unwrap(),
            account: "DE89370400440532013000".parse().unwrap(),
            currency: Currency::EUR,
            from: jiff::civil::date(2026, 11, 21),
            to: jiff::civil::date(2026, 11, 21),
            opening_minor: 100,
            entries,
            closing_minor: 100 + sum,
        }
    }

    #[test]
    fn what_differs_is_named() {
        let ours = statement(vec![
            entry("a", 5),
            entry("b", 7),
            entry("c", -2),
            entry("d", 9),
        ]);
        let theirs = statement(vec![
            entry("c", -3),
            entry("a", 5),
            entry("x", 7),
            entry("y", 1),
        ]);
        let differences = reconcile(&ours, &theirs);
        // b and x are the same day's same amount under two ids.
        assert_eq!(differences.only_ours, [entry("d", 9)]);
        assert_eq!(differences.only_theirs, [entry("y", 1)]);
        assert_eq!(
            differences.other_amounts,
            [(Text::new("c").unwrap(), -2, -3)]
        );
        assert_eq!((differences.entries, differences.closing_minor), (3, -9));
        assert!(reconcile(&ours, &ours).is_empty());
    }

    #[test]
    fn a_statement_that_does_not_add_up_says_by_how_much() {
        let mut drifted = statement(vec![entry("a", 5)]);
        assert_eq!(drifted.drift_minor(), 0);
        drifted.closing_minor += 3;
        assert_eq!(drifted.drift_minor(), 3);
    }

    proptest! {
        #[test]
        fn an_entry_that_is_missing_is_found(minors in prop::collection::vec(-99i64..99, 1..40), which in 0usize..40) {
            let entries: Vec<_> = minors.iter().enumerate().map(|(n, m)| entry(&n.to_string(), *m)).collect();
            let whole = statement(entries.clone());
            let mut fewer = entries;
            let missing = fewer.remove(which % minors.len());
            let fewer = statement(fewer);
            let missing = vec![missing];
            prop_assert_eq!(&reconcile(&whole, &fewer).only_ours, &missing);
            prop_assert_eq!(&reconcile(&fewer, &whole).only_theirs, &missing);
        }
    }
}
