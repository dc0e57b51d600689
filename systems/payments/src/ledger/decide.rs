//! Whether a transaction can be posted.

use super::book::{Standing, State, refers};
use super::{Account, AccountStatus, Ledger, Posting, Rejection, Verdict};
use crate::{Iban, Kind, Transaction};

impl Ledger {
    /// What becomes of a transaction; changes nothing.
    pub fn decide(&self, transaction: &Transaction) -> Verdict {
        if let Some(before) = self.outcomes.get(&transaction.key) {
            let key = transaction.key.clone();
            return match before.transaction == *transaction {
                true => Verdict::Known {
                    id: transaction.id.clone(),
                },
                false => Verdict::Rejected(Rejection::KeyConflict { key }),
            };
        }
        match self.check(transaction) {
            Ok(()) => Verdict::Posted(Posting {
                transaction: transaction.clone(),
            }),
            Err(rejection) => Verdict::Rejected(rejection),
        }
    }

    fn check(&self, transaction: &Transaction) -> Result<(), Rejection> {
        let Transaction {
            id,
            debtor,
            creditor,
            ..
        } = transaction;
        if self.states.contains_key(id) {
            return Err(Rejection::IdTaken { id: id.clone() });
        }
        if debtor == creditor {
            return Err(Rejection::SameAccount { iban: *debtor });
        }
        let held = self.check_reference(transaction)?;
        let debtor = self.party(transaction, *debtor)?;
        let creditor = self.party(transaction, *creditor)?;
        match &transaction.kind {
            // What is frozen gets its own money back.
            Kind::Release { .. } => return Ok(()),
            // The creditor gives back, and may be frozen no more than one who pays.
            Kind::Reversal { .. } => can_pay(creditor, transaction, 0)?,
            _ => can_pay(debtor, transaction, held)?,
        }
        let posting = Posting {
            transaction: transaction.clone(),
        };
        for (entry, account) in posting.entries(held).into_iter().zip([debtor, creditor]) {
            let balance = account.balance;
            let posted = balance.posted_minor.checked_add(entry.posted_minor);
            let held = balance.held_minor.checked_add(entry.held_minor);
            if posted.is_none() || held.is_none() {
                return Err(Rejection::Overflow { iban: account.iban });
            }
        }
        Ok(())
    }

    /// What was set aside for it, when it refers to an authorisation.
    fn check_reference(&self, transaction: &Transaction) -> Result<i64, Rejection> {
        let Some(of) = refers(&transaction.kind) else {
            return Ok(0);
        };
        let known = self.states.get(of);
        let known = known.ok_or_else(|| Rejection::UnknownTransaction { of: of.clone() })?;
        let expected = match transaction.kind {
            Kind::Reversal { .. } => Standing::Posted,
            _ => Standing::Authorised,
        };
        if known.standing != expected {
            return Err(Rejection::WrongState {
                of: of.clone(),
                is: known.standing.word().into(),
            });
        }
        if let Some(field) = differs(known, transaction) {
            return Err(Rejection::NotAsReferred {
                of: of.clone(),
                field: field.into(),
            });
        }
        Ok(match known.standing {
            Standing::Authorised => known.amount.minor(),
            _ => 0,
        })
    }

    /// An account that may take part with this currency.
    fn party(&self, transaction: &Transaction, iban: Iban) -> Result<&Account, Rejection> {
        let account = self.accounts.get(&iban);
        let account = account.ok_or(Rejection::UnknownAccount { iban })?;
        let given = transaction.amount.currency();
        if account.status == AccountStatus::Closed {
            return Err(Rejection::Closed { iban });
        }
        if account.currency != given {
            let has = account.currency;
            return Err(Rejection::CurrencyMismatch { iban, has, given });
        }
        Ok(account)
    }
}

/// Whether it can pay; what was set aside for this very purpose counts.
fn can_pay(payer: &Account, transaction: &Transaction, held_minor: i64) -> Result<(), Rejection> {
    let iban = payer.iban;
    if payer.status == AccountStatus::Frozen {
        return Err(Rejection::Frozen { iban });
    }
    let given_minor = transaction.amount.minor();
    let Some(available) = payer.available_minor() else {
        return Ok(());
    };
    let available = available + i128::from(held_minor);
    if available >= i128::from(given_minor) {
        return Ok(());
    }
    Err(Rejection::InsufficientFunds {
        iban,
        // Less than what one transaction moves at most, so it fits.
        available_minor: i64::try_from(available).unwrap_or(i64::MIN),
        given_minor,
    })
}

/// What of a transaction is not as in what it refers to.
fn differs(known: &State, transaction: &Transaction) -> Option<&'static str> {
    let amount = transaction.amount;
    let is_same_amount = match transaction.kind {
        // A part may be taken.
        Kind::Capture { .. } => {
            amount.currency() == known.amount.currency() && amount.minor() <= known.amount.minor()
        }
        _ => amount == known.amount,
    };
    if transaction.debtor != known.debtor {
        Some("debtor")
    } else if transaction.creditor != known.creditor {
        Some("creditor")
    } else if !is_same_amount {
        Some("amount")
    } else {
        None
    }
}
