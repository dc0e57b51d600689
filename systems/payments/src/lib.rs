//! A bank's transactions.
//!
//! What is here so far is what the pipeline stands on: money, account numbers, transactions, messages and
//! files that ask for them ([`iso20022`], [`lines`]), and the ledger. A
//! [`Transaction`] is taken in once for each of its keys; the [`Ledger`] decides what becomes of it and keeps two
//! entries of it that sum to zero.
//!
//! # Invariants
//! - Money is whole numbers of the smallest unit; there is no float.
//! - The entries of every posting sum to zero for each currency, and so do all balances together.
//! - A key has one effect, however often its transaction comes.

mod generator;
mod iban;
pub mod iso20022;
mod ledger;
pub mod lines;
mod money;
mod refused;
pub mod rules;
mod statement;
mod transaction;

pub use generator::{Bursts, GENERATED_ACCOUNTS_MAX, Generator, GeneratorError, GeneratorOptions};
pub use iban::{Iban, NotAnIban};
pub use ledger::{
    Account, AccountStatus, Balance, Entry, Ledger, Opening, Posting, Rejection, Totals, Verdict,
};
pub use money::{AMOUNT_MAX, Amount, Currency, NotACurrency, NotAnAmount, decimal};
pub use refused::Refused;
pub use statement::{Differences, Statement, StatementEntry, reconcile};
pub use transaction::{Kind, NotAText, TEXT_BYTES_MAX, Text, Transaction};
