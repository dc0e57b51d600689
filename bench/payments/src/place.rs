//! Where a side is reached, what its processes are, and how it says that it is done.

use anyhow::{Context, ensure};
use bench_harness::Connection;
use portique_payments::{Generator, decimal};
use serde_json::{Value, json};

/// A pipeline that runs.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) side: Side,
    pub(crate) host: String,
    pub(crate) token: Option<String>,
    /// What its processes are below of.
    pub(crate) pids: Vec<u32>,
}

/// Whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Ours,
    Theirs,
}

impl Place {
    pub(crate) async fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(&self.host, self.token.as_deref()).await
    }

    /// A route of the pipeline.
    pub(crate) fn path(&self, route: &str) -> String {
        match self.side {
            Side::Ours => format!("/api/v1/payments/{route}"),
            Side::Theirs => format!("/{route}"),
        }
    }

    /// Bodies that open all accounts.
    pub(crate) fn openings(&self, generator: &Generator) -> Vec<String> {
        let openings: Vec<Value> = generator
            .openings()
            .map(|opening| {
                let overdraft = opening.overdraft_minor;
                let text = overdraft.map(|minor| decimal(i64::from(minor), opening.currency));
                let (iban, currency) = (opening.iban.as_str(), opening.currency.code());
                match (self.side, text) {
                    (Side::Theirs, _) => {
                        json!({ "iban": iban, "currency": currency, "overdraft_minor": overdraft })
                    }
                    (Side::Ours, None) => {
                        json!({ "iban": iban, "currency": currency, "own": true })
                    }
                    (Side::Ours, Some(text)) => {
                        json!({ "iban": iban, "currency": currency, "overdraft": text })
                    }
                }
            })
            .collect();
        match self.side {
            Side::Theirs => vec![Value::Array(openings).to_string()],
            Side::Ours => {
                let batches = openings.chunks(crate::BATCH as usize);
                batches.map(lines).collect()
            }
        }
    }

    /// Whether so many transactions can be found and nothing is under way.
    pub(crate) async fn is_done(
        &self,
        connection: &mut Connection,
        transactions: u64,
    ) -> anyhow::Result<bool> {
        let counts = ask(connection, &self.path("counts")).await?;
        match self.side {
            Side::Ours => Ok(counts["journalled"].as_u64() >= Some(transactions)),
            Side::Theirs => {
                let waiting = ["inject", "journal"].map(|queue| {
                    let states = ["waiting", "active", "delayed"];
                    states
                        .map(|state| counts[queue][state].as_u64().unwrap_or(1))
                        .iter()
                        .sum::<u64>()
                });
                Ok(waiting.iter().sum::<u64>() == 0)
            }
        }
    }

    /// Holds what it has against what it was given.
    pub(crate) async fn check(
        &self,
        connection: &mut Connection,
        transactions: u64,
    ) -> anyhow::Result<()> {
        match self.side {
            Side::Theirs => {
                let check = ask(connection, &self.path("check")).await?;
                let wanted = json!({ "journalled": transactions, "posted": transactions, "entries_sum": 0, "balances_sum": 0 });
                ensure!(check == wanted, "the peer has {check}, not {wanted}");
            }
            Side::Ours => {
                let counts = ask(connection, &self.path("counts")).await?;
                for name in ["posted", "journalled"] {
                    let count = counts[name].as_u64().context("no count")?;
                    ensure!(
                        count == transactions,
                        "{name}: {count}, not {transactions}: {counts}"
                    );
                }
                let balance = ask(connection, &self.path("trial-balance")).await?;
                let mut currencies = balance.as_array().context("no trial balance")?.iter();
                ensure!(
                    currencies.all(|it| it["balanced"] == true),
                    "the trial balance is {balance}"
                );
            }
        }
        Ok(())
    }
}

/// A JSON answer.
pub(crate) async fn ask(connection: &mut Connection, path: &str) -> anyhow::Result<Value> {
    let body = connection.fetch(path).await?;
    serde_json::from_slice(body).with_context(|| format!("{path}: not JSON"))
}

/// One line each.
pub(crate) fn lines(values: &[Value]) -> String {
    values.iter().fold(String::new(), |mut lines, value| {
        lines.push_str(&value.to_string());
        lines.push('\n');
        lines
    })
}
