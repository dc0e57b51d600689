//! The change that a posted transaction is.

use super::decide::Decided;
use super::memory::{Remember, Standing};
use super::undo::Undo;
use super::{Balance, Hold, Ledger, Slot};
use crate::{Kind, Text, Transaction};

/// What a transaction does to one of its accounts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// What comes to it, in the smallest unit; below nothing for what goes.
    pub(super) posted_minor: i64,
    /// What is set aside of it more than before.
    pub(super) held_minor: i64,
}

/// Its two entries, debtor first: what they post sums to zero. `held_minor` is what was set aside for what it refers
/// to.
pub(super) fn entries(transaction: &Transaction, held_minor: i64) -> [Entry; 2] {
    let minor = transaction.amount.minor();
    let (moved, held) = match transaction.kind {
        Kind::Authorise => (0, minor),
        Kind::Capture { .. } => (minor, -held_minor),
        Kind::Release { .. } => (0, -held_minor),
        Kind::Reversal { .. } => (-minor, 0),
        Kind::Transfer | Kind::Deposit | Kind::Withdrawal | Kind::CardPayment | Kind::Fee => {
            (minor, 0)
        }
    };
    let entry = |posted_minor, held_minor| Entry {
        posted_minor,
        held_minor,
    };
    [entry(-moved, held), entry(moved, 0)]
}

impl Balance {
    /// With an entry; none when it would leave its range.
    pub(super) fn with(self, entry: Entry) -> Option<Self> {
        Some(Self {
            posted_minor: self.posted_minor.checked_add(entry.posted_minor)?,
            held_minor: self.held_minor.checked_add(entry.held_minor)?,
        })
    }
}

impl Ledger {
    /// Makes true what was posted before a restart; once more changes nothing.
    ///
    /// # Errors
    /// What is wrong, when it was not posted on this ledger: an account is missing, or a balance leaves its range.
    pub fn apply(&mut self, transaction: &Transaction) -> Result<(), String> {
        if self.memory.known(transaction).is_some() {
            return Ok(());
        }
        let slot = |iban| {
            let slot = self.slots.get(&iban).copied();
            slot.ok_or_else(|| format!("there is no account {iban}"))
        };
        let held_minor = transaction
            .kind
            .of()
            .and_then(|of| self.holds.get(of))
            .map_or(0, |hold| hold.minor);
        let decided = Decided {
            debtor: slot(transaction.debtor)?,
            creditor: slot(transaction.creditor)?,
            held_minor,
        };
        let places = [decided.debtor, decided.creditor];
        for (slot, entry) in places.into_iter().zip(entries(transaction, held_minor)) {
            let account = &self.accounts[slot as usize];
            if account.balance.with(entry).is_none() {
                return Err(format!("the balance of {} leaves its range", account.iban));
            }
        }
        self.book(transaction, decided);
        self.undo.clear();
        self.memory.shorten();
        Ok(())
    }

    /// Remembers what was posted before a checkpoint, whose balances have it.
    pub fn remember(&mut self, transaction: &Transaction) {
        let slot = |iban| self.slots.get(iban).copied();
        let (Some(debtor), Some(creditor)) =
            (slot(&transaction.debtor), slot(&transaction.creditor))
        else {
            return;
        };
        self.note(transaction, debtor, creditor);
        self.undo.clear();
        self.memory.shorten();
    }

    /// Puts back what a checkpoint says was set aside.
    pub fn restore_hold(&mut self, id: Text, hold: Hold) {
        self.holds.insert(id, hold);
    }

    /// Changes the balances and remembers what did.
    pub(super) fn book(&mut self, transaction: &Transaction, decided: Decided) {
        let places = [decided.debtor, decided.creditor];
        for (slot, entry) in places
            .into_iter()
            .zip(entries(transaction, decided.held_minor))
        {
            let account = &mut self.accounts[slot as usize];
            self.undo.push(Undo::Account(slot, account.clone()));
            let balance = account.balance.with(entry);
            account.balance = balance.expect("decided: the balance stays in its range");
        }
        if let Some(of) = transaction.kind.of()
            && let Some(hold) = self.holds.remove(of)
        {
            self.undo.push(Undo::Hold(of.clone(), Some(hold)));
        }
        if transaction.kind == Kind::Authorise {
            let hold = Hold {
                debtor: transaction.debtor,
                creditor: transaction.creditor,
                minor: transaction.amount.minor(),
            };
            self.holds.insert(transaction.id.clone(), hold);
            self.undo.push(Undo::Hold(transaction.id.clone(), None));
        }
        self.note(transaction, decided.debtor, decided.creditor);
    }

    fn note(&mut self, transaction: &Transaction, debtor: Slot, creditor: Slot) {
        let standing = match &transaction.kind {
            Kind::Authorise => Standing::Authorised,
            // What was captured can be reversed, under the capture's own id.
            Kind::Capture { of } => self.move_on(of, Standing::Captured, Standing::Posted),
            Kind::Release { of } => self.move_on(of, Standing::Released, Standing::Done),
            Kind::Reversal { of } => self.move_on(of, Standing::Reversed, Standing::Done),
            _ => Standing::Posted,
        };
        let remember = Remember {
            debtor,
            creditor,
            standing,
        };
        self.memory.push(transaction, remember);
        self.undo.push(Undo::Remembered);
    }

    fn move_on(&mut self, of: &Text, to: Standing, own: Standing) -> Standing {
        let number = self.memory.by_id(of).map(|(number, _)| number);
        if let Some(number) = number
            && let Some(before) = self.memory.move_on(number, to)
        {
            self.undo.push(Undo::Standing(number, before));
        }
        own
    }
}
