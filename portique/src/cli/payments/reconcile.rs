use std::path::PathBuf;

use clap::{Args, ValueEnum};
use reqwest::Method;
use serde_json::Value;

use super::super::input::read_file_up_to;
use super::super::output::{Output, Table, write_result};
use super::super::page::given;
use super::super::visitor::{Content, Visitor};
use super::super::words::text;
use super::ROOT;
use crate::error::Error;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique payments reconcile day.xml
  portique payments reconcile day.csv --account DE89370400440532013000

Each entry that only one side has is shown, and each of another amount; none when they agree. The exit status is 1 when \
they do not.";

/// Statements do not agree.
const DIFFERS: &str = "the statement differs from ours: see where above";
/// Largest statement that is read.
const STATEMENT_BYTES_MAX: usize = 16 << 20;

/// `portique payments reconcile`.
#[derive(Debug, Args)]
pub(super) struct Reconcile {
    /// The bank's statement.
    path: PathBuf,
    /// Whose it is, for CSV; a camt.053 message names its own.
    #[arg(long, value_name = "IBAN")]
    account: Option<String>,
    /// What it is [default: by its ending, .csv or camt.053].
    #[arg(long)]
    format: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The statement of ISO 20022.
    #[value(name = "camt.053")]
    Camt053,
    /// Comma-separated values.
    Csv,
}

impl Reconcile {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let bytes = read_file_up_to(&self.path, STATEMENT_BYTES_MAX)?;
        let is_csv = self.path.extension().is_some_and(|ending| ending == "csv");
        let format = match self.format {
            Some(Format::Csv) => "csv",
            None if is_csv => "csv",
            _ => "camt.053",
        };
        let query = given([
            ("account", self.account),
            ("format", Some(format.to_owned())),
        ]);
        let content = Content::of("application/octet-stream", bytes);
        let path = [ROOT, "reconcile"];
        let differences = visitor.change(Method::POST, &path, &query, content).await?;
        write_result(output, &differences, |all| {
            let statements = all.as_array().into_iter().flatten();
            statements.flat_map(tables).collect()
        })?;
        let mut statements = differences.as_array().into_iter().flatten();
        match statements.any(|statement| statement["agrees"] == false) {
            true => Err(Error::Differs { what: DIFFERS }),
            false => Ok(()),
        }
    }
}

fn tables(differences: &Value) -> Vec<Table> {
    let mut entries = Table::new(&["where", "booked", "id", "amount", "reference"]);
    for (place, name) in [("only ours", "only_ours"), ("only theirs", "only_theirs")] {
        for entry in differences[name].as_array().into_iter().flatten() {
            let cell = |key| text(entry, key);
            entries.row([
                place.to_owned(),
                cell("booked"),
                cell("id"),
                cell("amount"),
                cell("reference"),
            ]);
        }
    }
    let mut amounts = Table::new(&["id", "ours", "theirs"]);
    for entry in differences["other_amounts"]
        .as_array()
        .into_iter()
        .flatten()
    {
        amounts.row([
            text(entry, "id"),
            text(entry, "ours"),
            text(entry, "theirs"),
        ]);
    }
    let tables = [super::fields(differences), entries, amounts].into_iter();
    tables.filter(|table| !table.is_empty()).collect()
}
