use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::super::output::{Output, Table, write_done, write_result};
use super::super::page::{given, hint_at_next};
use super::super::visitor::Visitor;
use super::super::words::text;
use super::ROOT;
use super::batches::{self, Sent};
use crate::error::Error;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique payments accounts open GB82WEST12345698765432 EUR --own
  portique payments accounts open DE89370400440532013000 EUR --overdraft 50.00
  portique payments accounts open --lines @accounts.ndjson
  portique payments accounts freeze DE89370400440532013000
  portique payments accounts list --limit 20";

/// `portique payments accounts`.
#[derive(Debug, Subcommand)]
pub(super) enum Accounts {
    /// List accounts by number: what stands on each.
    List(List),
    /// Show one account.
    Show(Account),
    /// Open an account, or as many as @FILE or standard input has lines.
    Open(Open),
    /// Let an account be paid and pay nothing.
    Freeze(Account),
    /// Let a frozen account pay again.
    Unfreeze(Account),
    /// Close an account on which nothing stands.
    Close(Account),
    /// Say how far an account may go below nothing.
    Overdraft(Overdraft),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Accounts after this one: the page before ended with it.
    #[arg(long, value_name = "IBAN")]
    after: Option<String>,
    /// Accounts at most, 1 to 1000.
    #[arg(long)]
    limit: Option<u32>,
}

#[derive(Debug, Args)]
pub(super) struct Account {
    /// The account's number.
    iban: String,
}

#[derive(Debug, Args)]
pub(super) struct Open {
    /// The account's number.
    #[arg(required_unless_present = "lines")]
    iban: Option<String>,
    /// Its only currency, such as EUR.
    #[arg(required_unless_present = "lines")]
    currency: Option<String>,
    /// How far it may go below nothing, such as 50.00 [default: not at all].
    #[arg(long, value_name = "AMOUNT", conflicts_with = "lines")]
    overdraft: Option<String>,
    /// It is the bank's own, and has no limit.
    #[arg(long, conflicts_with_all = ["overdraft", "lines"])]
    own: bool,
    /// Open one for each line of @FILE or of standard input.
    #[arg(long, value_name = "INPUT", num_args = 0..=1, default_missing_value = "-",
        conflicts_with_all = ["iban", "currency"])]
    lines: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Overdraft {
    /// The account's number.
    iban: String,
    /// How far, such as 50.00.
    amount: String,
}

impl Accounts {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        match self {
            Self::List(list) => list.run(visitor, output).await,
            Self::Show(Account { iban }) => {
                let account = visitor.get(&[ROOT, "accounts", &iban], &[]).await?;
                write_result(output, &account, |account| vec![super::fields(account)])
            }
            Self::Open(open) => open.run(visitor, output).await,
            Self::Freeze(account) => account.set("frozen", visitor, output).await,
            Self::Unfreeze(account) => account.set("open", visitor, output).await,
            Self::Close(account) => account.set("closed", visitor, output).await,
            Self::Overdraft(Overdraft { iban, amount }) => {
                let path = [ROOT, "accounts", iban.as_str(), "overdraft"];
                let answer = visitor.post(&path, &json!({ "overdraft": amount })).await?;
                write_done(
                    output,
                    &answer,
                    &format!("{iban}: {amount} below nothing at most"),
                )
            }
        }
    }
}

impl Account {
    async fn set(self, status: &str, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let path = [ROOT, "accounts", self.iban.as_str(), "status"];
        let answer = visitor.post(&path, &json!({ "status": status })).await?;
        write_done(output, &answer, &format!("{}: {status}", self.iban))
    }
}

impl List {
    async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let query = given([
            ("after", self.after),
            ("limit", self.limit.map(|limit| limit.to_string())),
        ]);
        let page = visitor.get(&[ROOT, "accounts"], &query).await?;
        write_result(output, &page, |page| vec![accounts(page)])?;
        hint_at_next(output, &page);
        Ok(())
    }
}

fn accounts(page: &Value) -> Table {
    let mut table = Table::new(&["iban", "currency", "status", "balance", "held", "overdraft"]);
    for account in page["accounts"].as_array().into_iter().flatten() {
        let cell = |key| text(account, key);
        table.row([
            cell("iban"),
            cell("currency"),
            cell("status"),
            cell("balance"),
            cell("held"),
            cell("overdraft"),
        ]);
    }
    table
}

impl Open {
    async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let mut sent = Sent::default();
        match &self.lines {
            Some(source) => {
                batches::each(source, async |first, lines| {
                    let answer = batches::send("accounts", lines, visitor).await?;
                    sent.enter(first, &answer);
                    Ok(())
                })
                .await?;
            }
            None => {
                let account = json!({
                    "iban": self.iban, "currency": self.currency, "overdraft": self.overdraft, "own": self.own,
                });
                let line = batches::without_nulls(account).to_string();
                sent.enter(1, &batches::send("accounts", line, visitor).await?);
            }
        }
        sent.write(output, &["opened", "known"])
    }
}
