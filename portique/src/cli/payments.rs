//! `portique payments`: a bank's transactions, as a client of the hub's routes.

mod accounts;
mod batches;
mod file;
mod generate;
mod list;
mod proofs;
mod reconcile;
mod send;
mod statement;

use clap::{Args, Subcommand};

use super::output::{Output, Table};
use super::visitor::{VisitArgs, Visitor};
use super::words::text;
use crate::error::Error;

/// Where all routes of payments begin.
const ROOT: &str = "payments";

/// A bank's transactions.
#[derive(Debug, Args)]
pub(super) struct Payments {
    #[command(flatten)]
    visit: VisitArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Open, freeze and close accounts, and see what stands on them.
    #[command(subcommand, after_help = accounts::EXAMPLES)]
    Accounts(accounts::Accounts),
    /// Send a transaction, or as many as standard input has lines.
    #[command(after_help = send::EXAMPLES)]
    Send(Box<send::Send>),
    /// Send a file: CSV, lines of JSON, or credit transfers of ISO 20022.
    #[command(after_help = file::EXAMPLES)]
    File(file::File),
    /// Search the journal, newest first.
    #[command(after_help = list::EXAMPLES)]
    List(Box<list::List>),
    /// Show what became of one transaction, and of those that refer to it.
    #[command(after_help = "Example:\n  portique payments show t-4711")]
    Show(list::Show),
    /// Write the statement of an account over some days.
    #[command(after_help = statement::EXAMPLES)]
    Statement(statement::Statement),
    /// Show that what all accounts hold together is zero, currency by currency.
    TrialBalance,
    /// Show how many were accepted, posted and journalled, and how old the oldest waiting is.
    Counts(proofs::Counts),
    /// Walk the journal's chain of hashes: was anything altered?
    Verify,
    /// Hold a bank's statement against ours.
    #[command(after_help = reconcile::EXAMPLES)]
    Reconcile(reconcile::Reconcile),
    /// Make accounts and bursts of transfers from a seed, and send them.
    #[command(after_help = generate::EXAMPLES)]
    Generate(Box<generate::Generate>),
}

impl Payments {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        if let Verb::Generate(generate) = &self.verb
            && generate.print
        {
            return generate.write();
        }
        let visitor = self.visit.visitor()?;
        super::runtime::for_a_visit()?.block_on(visit(self.verb, &visitor, output))
    }
}

async fn visit(verb: Verb, visitor: &Visitor, output: Output) -> Result<(), Error> {
    match verb {
        Verb::Accounts(accounts) => accounts.run(visitor, output).await,
        Verb::Send(send) => send.run(visitor, output).await,
        Verb::File(file) => file.run(visitor, output).await,
        Verb::List(list) => list.run(visitor, output).await,
        Verb::Show(show) => show.run(visitor, output).await,
        Verb::Statement(statement) => statement.run(visitor, output).await,
        Verb::TrialBalance => proofs::trial_balance(visitor, output).await,
        Verb::Counts(counts) => counts.run(visitor, output).await,
        Verb::Verify => proofs::verify(visitor, output).await,
        Verb::Reconcile(reconcile) => reconcile.run(visitor, output).await,
        Verb::Generate(generate) => generate.run(visitor, output).await,
    }
}

/// One line per field that says something; lists and objects are tables of their own.
fn fields(value: &serde_json::Value) -> Table {
    let mut table = Table::new(&["field", "value"]);
    for (name, field) in value.as_object().into_iter().flatten() {
        if !field.is_null() && !field.is_array() && !field.is_object() {
            table.row([name.replace('_', " "), text(value, name)]);
        }
    }
    table
}
