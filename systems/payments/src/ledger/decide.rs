//! Whether a transaction can be posted.

use super::book::entries;
use super::memory::Standing;
use super::{Account, AccountStatus, HOLDS_MAX, Ledger, Rejection, Slot, Verdict};
use crate::{Iban, Kind, Transaction};

/// What a transaction that can be posted needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decided {
    pub(super) debtor: Slot,
    pub(super) creditor: Slot,
    /// What was set aside for what it refers to.
    pub(super) held_minor: i64,
}

impl Ledger {
    /// Posts a transaction, if that can be; [`roll_back`](Self::roll_back) takes it back.
    pub fn post(&mut self, transaction: &Transaction) -> Verdict {
        match self.memory.known(transaction) {
            Some(true) => return Verdict::Known,
            Some(false) => {
                let key = transaction.key.clone();
                return Verdict::Rejected(Rejection::KeyConflict { key });
            }
            None => {}
        }
        match self.check(transaction) {
            Ok(decided) => {
                self.book(transaction, decided);
                Verdict::Posted
            }
            Err(rejection) => Verdict::Rejected(rejection),
        }
    }

    fn check(&self, transaction: &Transaction) -> Result<Decided, Rejection> {
        let Transaction {
            id,
            debtor,
            creditor,
            ..
        } = transaction;
        if self.memory.by_id(id).is_some() || self.holds.contains_key(id) {
            return Err(Rejection::IdTaken { id: id.clone() });
        }
        if debtor == creditor {
            return Err(Rejection::SameAccount { iban: *debtor });
        }
        let held_minor = self.check_reference(transaction)?;
        let debtor_slot = self.party(transaction, *debtor)?;
        let creditor_slot = self.party(transaction, *creditor)?;
        let decided = Decided {
            debtor: debtor_slot,
            creditor: creditor_slot,
            held_minor,
        };
        let account = |slot: Slot| &self.accounts[slot as usize];
        let parties = [account(debtor_slot), account(creditor_slot)];
        match &transaction.kind {
            // What is frozen gets its own money back.
            Kind::Release { .. } => return Ok(decided),
            // The creditor gives back, and may be frozen no more than one who pays.
            Kind::Reversal { .. } => can_pay(parties[1], transaction, 0)?,
            _ => can_pay(parties[0], transaction, held_minor)?,
        }
        if transaction.kind == Kind::Authorise && self.holds.len() >= HOLDS_MAX {
            return Err(Rejection::TooManyHolds { max: HOLDS_MAX });
        }
        for (entry, account) in entries(transaction, held_minor).into_iter().zip(parties) {
            if account.balance.with(entry).is_none() {
                return Err(Rejection::Overflow { iban: account.iban });
            }
        }
        Ok(decided)
    }

    /// What was set aside for it, when it refers to an authorisation.
    fn check_reference(&self, transaction: &Transaction) -> Result<i64, Rejection> {
        let Some(of) = transaction.kind.of() else {
            return Ok(0);
        };
        let hold = self.holds.get(of);
        let kept = self.memory.by_id(of).map(|(_, kept)| kept);
        let is_reversal = matches!(transaction.kind, Kind::Reversal { .. });
        let wrong = |standing: Standing| Rejection::WrongState {
            of: of.clone(),
            is: standing.word().into(),
        };
        let known = match (hold, kept, is_reversal) {
            (Some(hold), _, false) => [Some(hold.debtor), Some(hold.creditor)],
            (Some(_), _, true) => return Err(wrong(Standing::Authorised)),
            (None, None, _) => return Err(Rejection::UnknownTransaction { of: of.clone() }),
            (None, Some(kept), true) if kept.standing == Standing::Posted => {
                let iban = |slot: Slot| Some(self.accounts[slot as usize].iban);
                [iban(kept.debtor), iban(kept.creditor)]
            }
            (None, Some(kept), _) => return Err(wrong(kept.standing)),
        };
        let minor = transaction.amount.minor();
        let known_minor = hold.map(|hold| hold.minor).or(kept.map(|kept| kept.minor));
        let known_minor = known_minor.unwrap_or_default();
        let is_same_amount = match transaction.kind {
            // A part may be taken.
            Kind::Capture { .. } => minor <= known_minor,
            _ => minor == known_minor,
        };
        let differs = if known[0] != Some(transaction.debtor) {
            Some("debtor")
        } else if known[1] != Some(transaction.creditor) {
            Some("creditor")
        } else {
            (!is_same_amount).then_some("amount")
        };
        match differs {
            Some(field) => Err(Rejection::NotAsReferred {
                of: of.clone(),
                field: field.into(),
            }),
            None => Ok(hold.map_or(0, |hold| hold.minor)),
        }
    }

    /// An account that may take part with this currency.
    fn party(&self, transaction: &Transaction, iban: Iban) -> Result<Slot, Rejection> {
        let slot = self.slots.get(&iban);
        let slot = *slot.ok_or(Rejection::UnknownAccount { iban })?;
        let account = &self.accounts[slot as usize];
        let given = transaction.amount.currency();
        if account.status == AccountStatus::Closed {
            return Err(Rejection::Closed { iban });
        }
        if account.currency != given {
            let has = account.currency;
            return Err(Rejection::CurrencyMismatch { iban, has, given });
        }
        Ok(slot)
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
