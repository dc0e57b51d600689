use serde::{Deserialize, Serialize};

use super::Rejection;
use crate::{Iban, Kind, Text, Transaction};

/// What becomes of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is to be posted: keep it, then [apply](super::Ledger::apply) it.
    Posted(Posting),
    /// It is not. A rejection is no posting; the same key may be tried again.
    Rejected(Rejection),
    /// It came before, and was posted then: it has its effect.
    Known {
        /// The id under which it was.
        id: Text,
    },
}

/// A transaction that was decided to be posted: the fact that changes balances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// What was asked for.
    pub transaction: Transaction,
}

/// One side of a posting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The account.
    pub iban: Iban,
    /// What comes to it, in the smallest unit; below nothing for what goes.
    pub posted_minor: i64,
    /// What is set aside of it more than before.
    pub held_minor: i64,
}

impl Posting {
    /// Its two entries, debtor first: what they post sums to zero. `held_minor` is what was set aside for what it
    /// refers to.
    pub fn entries(&self, held_minor: i64) -> [Entry; 2] {
        let Transaction {
            kind,
            debtor,
            creditor,
            amount,
            ..
        } = &self.transaction;
        let minor = amount.minor();
        let (moved, held) = match kind {
            Kind::Authorise => (0, minor),
            Kind::Capture { .. } => (minor, -held_minor),
            Kind::Release { .. } => (0, -held_minor),
            Kind::Reversal { .. } => (-minor, 0),
            Kind::Transfer | Kind::Deposit | Kind::Withdrawal | Kind::CardPayment | Kind::Fee => {
                (minor, 0)
            }
        };
        [
            Entry {
                iban: *debtor,
                posted_minor: -moved,
                held_minor: held,
            },
            Entry {
                iban: *creditor,
                posted_minor: moved,
                held_minor: 0,
            },
        ]
    }
}
