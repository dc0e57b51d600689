use clap::Args;
use serde_json::Value;

use super::super::output::{Output, Table, write_result};
use super::super::page::{given, hint_at_next};
use super::super::visitor::Visitor;
use super::super::words::{text, wall};
use super::ROOT;
use crate::error::Error;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique payments list --account DE89370400440532013000 --from 2026-11-01T00:00:00Z
  portique payments list --text 'rent november'
  portique payments list --status rejected --limit 20
  portique payments list --amount-min 1000 --currency EUR -o json";

/// `portique payments list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// On this account, either side.
    #[arg(long, value_name = "IBAN")]
    account: Option<String>,
    /// Decided at this time or later, such as 2026-11-21T10:00:00Z.
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    /// Decided before this time.
    #[arg(long, value_name = "WHEN")]
    to: Option<String>,
    /// Of this amount or more.
    #[arg(long, value_name = "AMOUNT")]
    amount_min: Option<String>,
    /// Of this amount or less.
    #[arg(long, value_name = "AMOUNT")]
    amount_max: Option<String>,
    /// Of this currency.
    #[arg(long)]
    currency: Option<String>,
    /// posted, rejected, or known: it came before under its key.
    #[arg(long)]
    status: Option<String>,
    /// Such as deposit.
    #[arg(long)]
    kind: Option<String>,
    /// With exactly this reference.
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
    /// With these words.
    #[arg(long, value_name = "WORDS")]
    text: Option<String>,
    /// Behind this one: the page before ended with it.
    #[arg(long, value_name = "PLACE")]
    after: Option<String>,
    /// Transactions at most, 1 to 1000.
    #[arg(long)]
    limit: Option<u32>,
}

/// `portique payments show`.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The transaction's id.
    id: String,
}

impl List {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let query = given([
            ("account", self.account),
            ("from", self.from),
            ("to", self.to),
            ("amount_min", self.amount_min),
            ("amount_max", self.amount_max),
            ("currency", self.currency),
            ("status", self.status),
            ("kind", self.kind),
            ("reference", self.reference),
            ("text", self.text),
            ("after", self.after),
            ("limit", self.limit.map(|limit| limit.to_string())),
        ]);
        let page = visitor.get(&[ROOT, "transactions"], &query).await?;
        write_result(output, &page, |page| vec![transactions(page)])?;
        hint_at_next(output, &page);
        Ok(())
    }
}

impl Show {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let path = [ROOT, "transactions", &self.id];
        let transaction = visitor.get(&path, &[]).await?;
        write_result(output, &transaction, |it| vec![super::fields(it)])
    }
}

fn transactions(page: &Value) -> Table {
    let mut table = Table::new(&[
        "posted",
        "id",
        "kind",
        "status",
        "debtor",
        "creditor",
        "amount",
        "currency",
        "reference",
        "reason",
    ]);
    for transaction in page["transactions"].as_array().into_iter().flatten() {
        let cell = |key| text(transaction, key);
        table.row([
            wall(transaction, "posted"),
            cell("id"),
            cell("kind"),
            cell("status"),
            cell("debtor"),
            cell("creditor"),
            cell("amount"),
            cell("currency"),
            cell("reference"),
            cell("reason"),
        ]);
    }
    table
}
