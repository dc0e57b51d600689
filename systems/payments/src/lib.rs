//! A bank's transactions.
//!
//! ```text
//!  files, messages, events, HTTP --> Transaction --> batch --> Ledger --> journal
//!     lines, iso20022, api                             '--------- service --------'
//! ```
//!
//! At the bottom is plain synchronous code: money, account numbers, transactions, messages and files that ask for them
//! ([`iso20022`], [`lines`]), the [`Ledger`], and the format in which transactions travel together ([`batch`]). The
//! [`service`] stands around it on the ports: queues, events, records. [`api`] serves it over HTTP.
//!
//! # Invariants
//! - Money is whole numbers of the smallest unit; there is no float.
//! - The entries of every posting sum to zero for each currency, and so do all balances together.
//! - A key has one effect, however often its transaction comes, for as long as it is remembered.
//! - What is decided on is on disk; a job and its effect are one frame.
//!
//! It starts no process, opens no port and names no engine.

pub mod api;
pub mod batch;
mod error;
mod generator;
mod iban;
pub mod iso20022;
mod ledger;
pub mod lines;
mod money;
mod refused;
pub mod rules;
pub mod service;
mod statement;
mod transaction;

pub use error::Error;
pub use generator::{Bursts, GENERATED_ACCOUNTS_MAX, Generator, GeneratorError, GeneratorOptions};
pub use iban::{Iban, NotAnIban};
pub use ledger::{
    ACCOUNTS_MAX, Account, AccountChange, AccountStatus, Balance, HOLDS_MAX, Hold, Ledger, Opening,
    REMEMBERED_MAX, Rejection, Totals, Verdict,
};
pub use money::{AMOUNT_MAX, Amount, Currency, NotACurrency, NotAnAmount, decimal};
pub use refused::Refused;
pub use statement::{Differences, Statement, StatementEntry, reconcile};
pub use transaction::{Kind, NotAText, TEXT_BYTES_MAX, Text, Transaction};
