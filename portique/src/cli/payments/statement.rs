use clap::{Args, ValueEnum};
use serde_json::Value;

use super::super::output::{Output, Table, write_result, write_text};
use super::super::page::given;
use super::super::visitor::Visitor;
use super::super::words::text;
use super::ROOT;
use crate::error::Error;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique payments statement DE89370400440532013000 --from 2026-11-01 --to 2026-11-30
  portique payments statement DE89370400440532013000 --from 2026-11-21 --to 2026-11-21 --format camt.053 > day.xml";

/// `portique payments statement`.
#[derive(Debug, Args)]
pub(super) struct Statement {
    /// The account's number.
    iban: String,
    /// The first day, such as 2026-11-01.
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// The last day.
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// Write it as a message to a bank, instead of as --output says.
    #[arg(long)]
    format: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The statement of ISO 20022.
    #[value(name = "camt.053")]
    Camt053,
}

impl Statement {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let path = [ROOT, "accounts", self.iban.as_str(), "statement"];
        let mut query = given([("from", self.from), ("to", self.to)]);
        if let Some(Format::Camt053) = self.format {
            query.push(("format", "camt.053".into()));
            return write_text(&visitor.text(&path, &query).await?);
        }
        let statement = visitor.get(&path, &query).await?;
        write_result(output, &statement, tables)
    }
}

fn tables(statement: &Value) -> Vec<Table> {
    let mut entries = Table::new(&["booked", "id", "amount", "counterparty", "reference"]);
    for entry in statement["entries"].as_array().into_iter().flatten() {
        let cell = |key| text(entry, key);
        entries.row([
            cell("booked"),
            cell("id"),
            cell("amount"),
            cell("counterparty"),
            cell("reference"),
        ]);
    }
    vec![super::fields(statement), entries]
}
