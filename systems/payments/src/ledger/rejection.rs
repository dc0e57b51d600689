use portique_fault::{Code, Fault, Retry};
use serde::{Deserialize, Serialize};

use crate::{Currency, Iban, Text};

/// What becomes of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It has its effect now.
    Posted,
    /// It has none; the same key may be tried again.
    Rejected(Rejection),
    /// It came before, and was posted then: it has its effect.
    Known,
}

/// Why something was not done; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Rejection {
    /// Nobody has this account.
    #[error("there is no account {iban}")]
    UnknownAccount {
        /// Which.
        iban: Iban,
    },
    /// It is there with other settings.
    #[error("account {iban} is there with another currency or overdraft")]
    AccountExists {
        /// Which.
        iban: Iban,
    },
    /// The ledger is full.
    #[error("there are {max} accounts, which is the limit")]
    TooManyAccounts {
        /// The limit.
        max: usize,
    },
    /// As much is set aside as may be.
    #[error("{max} amounts are set aside, which is the limit: capture or release some")]
    TooManyHolds {
        /// The limit.
        max: usize,
    },
    /// It is the bank's own.
    #[error("account {iban} is the bank's own, which has no limit")]
    OwnAccount {
        /// Which.
        iban: Iban,
    },
    /// Something stands on it.
    #[error("something stands on account {iban}: move it first")]
    NotEmpty {
        /// Which.
        iban: Iban,
    },
    /// It pays nothing.
    #[error("account {iban} is frozen")]
    Frozen {
        /// Which.
        iban: Iban,
    },
    /// It takes no part.
    #[error("account {iban} is closed")]
    Closed {
        /// Which.
        iban: Iban,
    },
    /// Money goes from one account to another.
    #[error("account {iban} would pay itself")]
    SameAccount {
        /// Which.
        iban: Iban,
    },
    /// An account has one currency.
    #[error("account {iban} is in {has}, not in {given}")]
    CurrencyMismatch {
        /// Which.
        iban: Iban,
        /// Its currency.
        has: Currency,
        /// What was to move.
        given: Currency,
    },
    /// It cannot pay so much.
    #[error("account {iban} can pay {available_minor} in the smallest unit, not {given_minor}")]
    InsufficientFunds {
        /// Which.
        iban: Iban,
        /// What it can pay.
        available_minor: i64,
        /// What it was to pay.
        given_minor: i64,
    },
    /// A balance has a range.
    #[error("the balance of account {iban} would leave its range")]
    Overflow {
        /// Which.
        iban: Iban,
    },
    /// The key was used for something else.
    #[error("key {key} came before with other contents")]
    KeyConflict {
        /// Which.
        key: Text,
    },
    /// The id was used for something else.
    #[error("there is a transaction {id} already, under another key")]
    IdTaken {
        /// Which.
        id: Text,
    },
    /// What it refers to is not there.
    #[error("there is no transaction {of}")]
    UnknownTransaction {
        /// Which.
        of: Text,
    },
    /// What it refers to is in another state.
    #[error("transaction {of} is {is}, so this cannot be done with it")]
    WrongState {
        /// Which.
        of: Text,
        /// What it is.
        is: String,
    },
    /// Accounts or amount are not those of what it refers to.
    #[error("{field} is not that of transaction {of}")]
    NotAsReferred {
        /// What it refers to.
        of: Text,
        /// What is other.
        field: String,
    },
}

impl Rejection {
    /// Its word, such as `insufficient_funds`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::UnknownAccount { .. } => "unknown_account",
            Self::AccountExists { .. } => "account_exists",
            Self::TooManyAccounts { .. } => "too_many_accounts",
            Self::TooManyHolds { .. } => "too_many_holds",
            Self::OwnAccount { .. } => "own_account",
            Self::NotEmpty { .. } => "not_empty",
            Self::Frozen { .. } => "frozen",
            Self::Closed { .. } => "closed",
            Self::SameAccount { .. } => "same_account",
            Self::CurrencyMismatch { .. } => "currency_mismatch",
            Self::InsufficientFunds { .. } => "insufficient_funds",
            Self::Overflow { .. } => "overflow",
            Self::KeyConflict { .. } => "key_conflict",
            Self::IdTaken { .. } => "id_taken",
            Self::UnknownTransaction { .. } => "unknown_transaction",
            Self::WrongState { .. } => "wrong_state",
            Self::NotAsReferred { .. } => "not_as_referred",
        }
    }
}

impl Fault for Rejection {
    fn code(&self) -> Code {
        match self {
            Self::UnknownAccount { .. } | Self::UnknownTransaction { .. } => Code::NotFound,
            Self::AccountExists { .. } | Self::KeyConflict { .. } | Self::IdTaken { .. } => {
                Code::Conflict
            }
            Self::TooManyAccounts { .. } | Self::TooManyHolds { .. } => Code::ResourceExhausted,
            Self::SameAccount { .. }
            | Self::CurrencyMismatch { .. }
            | Self::NotAsReferred { .. } => Code::InvalidArgument,
            _ => Code::FailedPrecondition,
        }
    }

    fn retry(&self) -> Retry {
        Retry::No
    }
}
