//! What became of transactions, and the change that a posting is.

use super::{Ledger, Posting};
use crate::{Amount, Iban, Kind, Text, Transaction};

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

/// What is remembered of a posted transaction.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) standing: Standing,
    pub(super) debtor: Iban,
    pub(super) creditor: Iban,
    pub(super) amount: Amount,
}

/// What a key came to.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) transaction: Transaction,
}

impl Ledger {
    /// Makes a posting true that was [decided](Self::decide), here or before a restart; once more changes nothing.
    ///
    /// # Panics
    /// When it was not decided on this ledger: an account is missing, or a balance leaves its range.
    pub fn apply(&mut self, posting: &Posting) {
        let transaction = &posting.transaction;
        if self.outcomes.contains_key(&transaction.key) {
            return;
        }
        let held = self
            .referred(transaction)
            .map_or(0, |state| match state.standing {
                Standing::Authorised => state.amount.minor(),
                _ => 0,
            });
        for entry in posting.entries(held) {
            let account = self.accounts.get_mut(&entry.iban);
            let balance = &mut account.expect("decided: the account is there").balance;
            let posted = balance.posted_minor.checked_add(entry.posted_minor);
            balance.posted_minor = posted.expect("decided: the balance is in its range");
            let held = balance.held_minor.checked_add(entry.held_minor);
            balance.held_minor = held.expect("decided: the balance is in its range");
        }
        self.note(transaction);
    }

    /// What a transaction refers to, if it does and that is there.
    pub(super) fn referred(&self, transaction: &Transaction) -> Option<&State> {
        self.states.get(refers(&transaction.kind)?)
    }

    fn note(&mut self, transaction: &Transaction) {
        let standing = match &transaction.kind {
            Kind::Authorise => Standing::Authorised,
            Kind::Capture { of } => self.move_on(of, Standing::Captured),
            Kind::Release { of } => self.move_on(of, Standing::Released),
            Kind::Reversal { of } => self.move_on(of, Standing::Reversed),
            _ => Standing::Posted,
        };
        let state = State {
            standing,
            debtor: transaction.debtor,
            creditor: transaction.creditor,
            amount: transaction.amount,
        };
        self.states.insert(transaction.id.clone(), state);
        let outcome = Outcome {
            transaction: transaction.clone(),
        };
        self.outcomes.insert(transaction.key.clone(), outcome);
    }

    fn move_on(&mut self, of: &Text, to: Standing) -> Standing {
        if let Some(state) = self.states.get_mut(of) {
            state.standing = to;
        }
        match to {
            // What was captured can be reversed, under the capture's own id.
            Standing::Captured => Standing::Posted,
            _ => Standing::Done,
        }
    }
}

/// The id that a transaction refers to, if it does.
pub(super) fn refers(kind: &Kind) -> Option<&Text> {
    match kind {
        Kind::Capture { of } | Kind::Release { of } | Kind::Reversal { of } => Some(of),
        _ => None,
    }
}
