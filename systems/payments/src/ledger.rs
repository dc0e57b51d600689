//! The double-entry ledger: what becomes of a transaction, and what stands on each account.
//!
//! ```text
//!   transaction --> Ledger::decide --> Verdict::Posted(Posting) --> kept --> Ledger::apply
//!                                  '-> Verdict::Rejected            (the only way that a balance changes)
//!                                  '-> Verdict::Known: it came before
//! ```
//!
//! Plain synchronous code without a clock: the same postings in the same order make the same ledger.

mod account;
mod book;
mod decide;
mod posting;
mod rejection;

use std::collections::{BTreeMap, HashMap};

pub use account::{Account, AccountStatus, Balance, Opening};
pub use posting::{Entry, Posting, Verdict};
pub use rejection::Rejection;

use crate::{Currency, Iban, Text};
use book::{Outcome, State};

/// Accounts of one ledger at most: an account is a few hundred bytes.
const ACCOUNTS_MAX: usize = 10_000_000;

/// All accounts, and what became of every transaction.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    accounts: HashMap<Iban, Account>,
    /// What became of each transaction, by its id.
    states: HashMap<Text, State>,
    /// What became of each key.
    outcomes: HashMap<Text, Outcome>,
}

/// What all accounts of a currency come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// What customers and the bank have, added up: above nothing.
    pub credit_minor: i128,
    /// What others owe, added up: below nothing.
    pub debit_minor: i128,
    /// Accounts of this currency.
    pub accounts: u64,
}

impl Totals {
    /// Whether every posting had two sides.
    pub fn is_balanced(&self) -> bool {
        self.credit_minor + self.debit_minor == 0
    }
}

impl Ledger {
    /// A ledger without accounts.
    pub fn new() -> Self {
        Self::default()
    }

    /// An account, if it is there.
    pub fn account(&self, iban: &Iban) -> Option<&Account> {
        self.accounts.get(iban)
    }

    /// Every account, in no order.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// The trial balance: what all accounts come to, by currency.
    pub fn trial_balance(&self) -> BTreeMap<Currency, Totals> {
        let mut trial: BTreeMap<Currency, Totals> = BTreeMap::new();
        for account in self.accounts.values() {
            let totals = trial.entry(account.currency).or_default();
            let posted = i128::from(account.balance.posted_minor);
            totals.credit_minor += posted.max(0);
            totals.debit_minor += posted.min(0);
            totals.accounts += 1;
        }
        trial
    }
}

#[cfg(test)]
mod tests;
