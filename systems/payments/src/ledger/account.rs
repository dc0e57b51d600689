use serde::{Deserialize, Serialize};

use super::{ACCOUNTS_MAX, Ledger, Rejection};
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

impl Ledger {
    /// Opens an account; the same one again changes nothing.
    ///
    /// # Errors
    /// [`Rejection::AccountExists`] when it is there with other settings, [`Rejection::TooManyAccounts`].
    pub fn open(&mut self, opening: Opening) -> Result<(), Rejection> {
        let Opening {
            iban,
            currency,
            overdraft_minor,
        } = opening;
        if let Some(known) = self.accounts.get(&iban) {
            let is_same = (known.currency, known.overdraft_minor) == (currency, overdraft_minor);
            return is_same
                .then_some(())
                .ok_or(Rejection::AccountExists { iban });
        }
        if self.accounts.len() >= ACCOUNTS_MAX {
            return Err(Rejection::TooManyAccounts { max: ACCOUNTS_MAX });
        }
        let account = Account {
            iban,
            currency,
            overdraft_minor,
            status: AccountStatus::Open,
            balance: Balance::default(),
        };
        self.accounts.insert(iban, account);
        Ok(())
    }

    /// Lets an account take part or not.
    ///
    /// # Errors
    /// [`Rejection::UnknownAccount`]; [`Rejection::NotEmpty`] for closing one on which something stands.
    pub fn set_status(&mut self, iban: Iban, status: AccountStatus) -> Result<(), Rejection> {
        let account = self.accounts.get_mut(&iban);
        let account = account.ok_or(Rejection::UnknownAccount { iban })?;
        if status == AccountStatus::Closed && account.balance != Balance::default() {
            return Err(Rejection::NotEmpty { iban });
        }
        account.status = status;
        Ok(())
    }
}
