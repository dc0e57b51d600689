use serde::{Deserialize, Serialize};

use super::undo::Undo;
use super::{ACCOUNTS_MAX, Ledger, Rejection, Slot};
use crate::{Currency, Iban};

/// Whether an account takes part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// It pays and is paid.
    #[default]
    Open,
    /// It is paid, and pays nothing.
    Frozen,
    /// It does neither.
    Closed,
}

/// What stands on an account, in its currency's smallest unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// What all entries come to.
    pub posted_minor: i64,
    /// What is set aside of it.
    pub held_minor: i64,
}

/// An account as it is opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// Its number.
    pub iban: Iban,
    /// Its only currency.
    pub currency: Currency,
    /// How far it may go below nothing, in the smallest unit; none for the bank's own accounts, which have no limit.
    pub overdraft_minor: Option<u32>,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its number.
    pub iban: Iban,
    /// Its only currency.
    pub currency: Currency,
    /// How far it may go below nothing; none is without limit.
    pub overdraft_minor: Option<u32>,
    /// Whether it takes part.
    pub status: AccountStatus,
    /// What stands on it.
    pub balance: Balance,
}

impl Account {
    /// What it can pay now; none is without limit.
    pub fn available_minor(&self) -> Option<i128> {
        let Balance {
            posted_minor,
            held_minor,
        } = self.balance;
        let overdraft = i128::from(self.overdraft_minor?);
        Some(i128::from(posted_minor) - i128::from(held_minor) + overdraft)
    }
}

/// A change of an account: the fact that is kept of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum AccountChange {
    /// It is there from now on.
    Opened(Opening),
    /// It takes part or not.
    Status {
        /// Which.
        iban: Iban,
        /// Whether it does.
        status: AccountStatus,
    },
    /// It may go further below nothing, or less far.
    Overdraft {
        /// Which.
        iban: Iban,
        /// How far, in the smallest unit.
        overdraft_minor: u32,
    },
}

impl Ledger {
    /// Makes a change of an account; false when it is so already.
    ///
    /// # Errors
    /// [`Rejection::AccountExists`] for an account that is there with other settings, [`Rejection::TooManyAccounts`],
    /// [`Rejection::UnknownAccount`], [`Rejection::OwnAccount`] for an overdraft of the bank's own, and
    /// [`Rejection::NotEmpty`] for closing one on which something stands.
    pub fn change(&mut self, change: &AccountChange) -> Result<bool, Rejection> {
        match change {
            AccountChange::Opened(opening) => self.open(opening),
            AccountChange::Status { iban, status } => self.set_status(*iban, *status),
            AccountChange::Overdraft {
                iban,
                overdraft_minor,
            } => self.set_overdraft(*iban, *overdraft_minor),
        }
    }

    /// Puts back an account as a checkpoint has it.
    pub fn restore_account(&mut self, account: Account) {
        let slot = self.accounts.len() as Slot;
        self.slots.insert(account.iban, slot);
        self.accounts.push(account);
    }

    fn open(&mut self, opening: &Opening) -> Result<bool, Rejection> {
        let Opening {
            iban,
            currency,
            overdraft_minor,
        } = *opening;
        if let Some(known) = self.account(&iban) {
            let is_same = known.currency == currency && known.overdraft_minor == overdraft_minor;
            return match is_same {
                true => Ok(false),
                false => Err(Rejection::AccountExists { iban }),
            };
        }
        if self.accounts.len() >= ACCOUNTS_MAX {
            return Err(Rejection::TooManyAccounts { max: ACCOUNTS_MAX });
        }
        self.restore_account(Account {
            iban,
            currency,
            overdraft_minor,
            status: AccountStatus::Open,
            balance: Balance::default(),
        });
        self.undo.push(Undo::Opened);
        Ok(true)
    }

    fn set_status(&mut self, iban: Iban, status: AccountStatus) -> Result<bool, Rejection> {
        let slot = self.slot(iban)?;
        let account = &mut self.accounts[slot as usize];
        if status == AccountStatus::Closed && account.balance != Balance::default() {
            return Err(Rejection::NotEmpty { iban });
        }
        if account.status == status {
            return Ok(false);
        }
        self.undo.push(Undo::Account(slot, account.clone()));
        account.status = status;
        Ok(true)
    }

    fn set_overdraft(&mut self, iban: Iban, overdraft_minor: u32) -> Result<bool, Rejection> {
        let slot = self.slot(iban)?;
        let account = &mut self.accounts[slot as usize];
        match account.overdraft_minor {
            None => return Err(Rejection::OwnAccount { iban }),
            Some(is) if is == overdraft_minor => return Ok(false),
            Some(_) => {}
        }
        self.undo.push(Undo::Account(slot, account.clone()));
        account.overdraft_minor = Some(overdraft_minor);
        Ok(true)
    }

    fn slot(&self, iban: Iban) -> Result<Slot, Rejection> {
        let slot = self.slots.get(&iban);
        slot.copied().ok_or(Rejection::UnknownAccount { iban })
    }
}
