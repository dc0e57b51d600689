//! Accounts and transfers for demonstrations and benchmarks, made from a seed.
//!
//! What a [`Generator`] gives for a number is always the same, so that a batch that was not answered can be made and
//! sent again. Nothing here sends, waits or reads a clock.

mod bad;

use std::time::Duration;

use portique_clock::{Random, Seeded};

use crate::lines::RawTransaction;
use crate::{Currency, Iban, Opening, decimal};

/// Accounts of customers at most.
pub const GENERATED_ACCOUNTS_MAX: u32 = 1_000_000;
/// Of a thousand, as which shares are given.
const ALL_PER_MILLE: u16 = 1_000;
/// What each customer has before the first transfer, in the smallest unit.
const FUNDS_MINOR: i64 = 100_000_000;
/// What a transfer moves at most, in the smallest unit.
const TRANSFER_MINOR_MAX: u64 = 50_000;
/// How far a customer may go below nothing, in the smallest unit.
const OVERDRAFT_MINOR: u32 = 10_000_000;
/// The invented bank that all accounts are with, as a German bank code.
const BANK_CODE: &str = "99999999";
/// What transfers are about; each also names its number.
const REFERENCES: [&str; 8] = [
    "invoice",
    "rent",
    "salary",
    "energy bill",
    "insurance",
    "groceries",
    "refund",
    "membership",
];

/// What to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratorOptions {
    /// Names everything that is made.
    pub seed: u64,
    /// Customers, 2 to [`GENERATED_ACCOUNTS_MAX`].
    pub accounts: u32,
    /// Lines of a thousand that cannot be posted, 0 to 1000.
    pub bad_per_mille: u16,
    /// Stands before each id, so that two runs do not meet.
    pub prefix: String,
}

impl Default for GeneratorOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            accounts: 2_000,
            bad_per_mille: 0,
            prefix: "g".into(),
        }
    }
}

/// How transfers come: so many jobs at once, then rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bursts {
    /// Bursts.
    pub bursts: u32,
    /// Jobs of a burst.
    pub jobs: u32,
    /// Transfers of a job.
    pub transfers: u32,
    /// From the end of a burst to the next one.
    pub rest: Duration,
}

impl Default for Bursts {
    /// Two thousand jobs of a thousand transfers, then twenty seconds.
    fn default() -> Self {
        Self {
            bursts: 1,
            jobs: 2_000,
            transfers: 1_000,
            rest: Duration::from_secs(20),
        }
    }
}

impl Bursts {
    /// Transfers of all bursts together.
    pub fn transfers_total(&self) -> u64 {
        u64::from(self.bursts) * u64::from(self.jobs) * u64::from(self.transfers)
    }

    /// The first transfer's number of each job of a burst; bursts count from 0.
    pub fn jobs_of(&self, burst: u32) -> impl Iterator<Item = u64> {
        let (jobs, transfers) = (u64::from(self.jobs), u64::from(self.transfers));
        let first = u64::from(burst) * jobs;
        (first..first + jobs).map(move |job| job * transfers)
    }
}

/// Why nothing can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GeneratorError {
    /// Money goes from one account to another, and there is an end to them.
    #[error("{given} accounts: write 2 to {GENERATED_ACCOUNTS_MAX}")]
    Accounts {
        /// How many were asked for.
        given: u32,
    },
    /// More than all.
    #[error("{given} bad lines of a thousand: write 0 to 1000")]
    BadShare {
        /// How many were asked for.
        given: u16,
    },
}

/// Makes accounts and transfers.
#[derive(Debug, Clone)]
pub struct Generator {
    options: GeneratorOptions,
    ibans: Vec<Iban>,
}

impl Generator {
    /// Makes the account numbers.
    ///
    /// # Errors
    /// [`GeneratorError`] for a number out of its range.
    ///
    /// # Panics
    /// Never: an account number with its check digits is an IBAN.
    pub fn new(options: GeneratorOptions) -> Result<Self, GeneratorError> {
        let GeneratorOptions {
            accounts,
            bad_per_mille,
            ..
        } = options;
        if !(2..=GENERATED_ACCOUNTS_MAX).contains(&accounts) {
            return Err(GeneratorError::Accounts { given: accounts });
        }
        if bad_per_mille > ALL_PER_MILLE {
            let given = bad_per_mille;
            return Err(GeneratorError::BadShare { given });
        }
        let ibans = (0..=accounts).map(iban_of).collect();
        Ok(Self { options, ibans })
    }

    /// The accounts: the bank's own first, which has no limit, then the customers'. All are in EUR.
    pub fn openings(&self) -> impl Iterator<Item = Opening> {
        self.ibans.iter().enumerate().map(|(number, iban)| Opening {
            iban: *iban,
            currency: Currency::EUR,
            overdraft_minor: (number > 0).then_some(OVERDRAFT_MINOR),
        })
    }

    /// What each customer has before the first transfer, paid in by the bank.
    pub fn deposits(&self) -> impl Iterator<Item = RawTransaction> {
        let customers = self.ibans.iter().enumerate().skip(1);
        customers.map(|(number, iban)| RawTransaction {
            id: format!("{}-deposit-{number}", self.options.prefix),
            kind: Some("deposit".into()),
            debtor: self.ibans[0].as_str().into(),
            creditor: iban.as_str().into(),
            amount: decimal(FUNDS_MINOR, Currency::EUR),
            currency: Currency::EUR.code().into(),
            ..RawTransaction::default()
        })
    }

    /// The transfer of a number; two customers, never the same.
    pub fn transfer(&self, number: u64) -> RawTransaction {
        let mut random = self.random(number);
        let customers = u64::from(self.options.accounts);
        let from = random.below(customers);
        // As far behind it as there are others, all round.
        let to = (from + 1 + random.below(customers - 1)) % customers;
        let minor = 1 + random.below(TRANSFER_MINOR_MAX);
        let about = REFERENCES[random.below(REFERENCES.len() as u64) as usize];
        RawTransaction {
            id: format!("{}-{number}", self.options.prefix),
            debtor: self.ibans[from as usize + 1].as_str().into(),
            creditor: self.ibans[to as usize + 1].as_str().into(),
            amount: decimal(minor as i64, Currency::EUR),
            currency: Currency::EUR.code().into(),
            reference: Some(format!("{about} {number}")),
            ..RawTransaction::default()
        }
    }

    /// Whether the line of a number is one of those that cannot be posted.
    pub fn is_bad(&self, number: u64) -> bool {
        let mut random = self.random(!number);
        random.below(u64::from(ALL_PER_MILLE)) < u64::from(self.options.bad_per_mille)
    }

    /// The line of a number: a transfer as JSON, or something that is none.
    ///
    /// # Panics
    /// Never: a transaction of texts can be written as JSON.
    pub fn line(&self, number: u64) -> String {
        let transfer = self.transfer(number);
        if self.is_bad(number) {
            return bad::line(transfer, &mut self.random(number.rotate_left(1)));
        }
        json(&transfer)
    }

    /// So many lines from a number on, each with its end: what one request carries.
    pub fn lines(&self, first: u64, count: u32) -> String {
        let numbers = first..first + u64::from(count);
        numbers.fold(String::new(), |mut lines, number| {
            lines.push_str(&self.line(number));
            lines.push('\n');
            lines
        })
    }

    fn random(&self, number: u64) -> Seeded {
        let mut seed = Seeded::new(self.options.seed);
        Seeded::new(seed.next_u64() ^ number.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }
}

fn json(transaction: &RawTransaction) -> String {
    serde_json::to_string(transaction).expect("texts can be written as JSON")
}

fn iban_of(number: u32) -> Iban {
    let own = format!("{BANK_CODE}{number:010}");
    Iban::of_account("DE", &own).expect("a bank code and ten digits are a German account number")
}

#[cfg(test)]
mod tests;
