//! The double-entry ledger: what becomes of a transaction, and what stands on each account.
//!
//! ```text
//!   begin --> post: Verdict::Posted, the balances changed --> kept on disk --> settle
//!                   Verdict::Rejected                    '-> not kept -----> roll_back: as if nothing had been asked
//!                   Verdict::Known: it came before
//!   after a restart: what was posted --> apply
//! ```
//!
//! Plain synchronous code without a clock: the same transactions in the same order make the same ledger. What became
//! of transactions is remembered for the newest ones, in a [`Memory`](memory::Memory) of bounded size; what is set aside
//! is remembered until it is taken or given back.

mod account;
mod book;
mod decide;
mod hold;
mod memory;
mod rejection;
mod undo;

use std::collections::{BTreeMap, HashMap};

pub use account::{Account, AccountChange, AccountStatus, Balance, Opening};
pub use hold::Hold;
pub use rejection::{Rejection, Verdict};

use crate::{Currency, Iban, Text};
use memory::Memory;
use undo::Undo;

/// Accounts of one ledger at most: an account is a hundred bytes.
pub const ACCOUNTS_MAX: usize = 10_000_000;
/// Amounts that are set aside at once, at most: each is some hundred bytes, and part of every checkpoint.
pub const HOLDS_MAX: usize = 1_000_000;
/// Transactions whose keys and ids are remembered: about 120 bytes each, so 240 MB when all are there.
pub const REMEMBERED_MAX: usize = 2_000_000;

/// Where an account stands among all.
type Slot = u32;

/// All accounts, and what became of the newest transactions.
#[derive(Debug)]
pub struct Ledger {
    accounts: Vec<Account>,
    slots: HashMap<Iban, Slot>,
    memory: Memory,
    /// What is set aside, by the id of its authorisation.
    holds: HashMap<Text, Hold>,
    /// What changed since [`begin`](Self::begin).
    undo: Vec<Undo>,
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

impl Default for Ledger {
    fn default() -> Self {
        Self::new(REMEMBERED_MAX)
    }
}

impl Ledger {
    /// A ledger without accounts, which remembers so many of the newest transactions.
    pub fn new(remembered_max: usize) -> Self {
        Self {
            accounts: Vec::new(),
            slots: HashMap::new(),
            memory: Memory::new(remembered_max),
            holds: HashMap::new(),
            undo: Vec::new(),
        }
    }

    /// An account, if it is there.
    pub fn account(&self, iban: &Iban) -> Option<&Account> {
        let slot = self.slots.get(iban)?;
        Some(&self.accounts[*slot as usize])
    }

    /// Every account, in the order in which they were opened.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// What is set aside, in no order.
    pub fn holds(&self) -> impl Iterator<Item = (&Text, &Hold)> {
        self.holds.iter()
    }

    /// How many transactions are remembered.
    pub fn remembered(&self) -> usize {
        self.memory.len()
    }

    /// The trial balance: what all accounts come to, by currency.
    pub fn trial_balance(&self) -> BTreeMap<Currency, Totals> {
        let mut trial: BTreeMap<Currency, Totals> = BTreeMap::new();
        for account in &self.accounts {
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
