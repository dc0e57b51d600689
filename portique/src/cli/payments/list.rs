use clap::Args;
use serde_json::{Value, json};

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

/// Transactions that are shown when nobody says how many.
const LIMIT_DEFAULT: u32 = 100;
/// Pages that are looked through for them.
const PAGES_MAX: usize = 100;

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
    /// Transactions to show, 1 to 1000 [default: 100]; up to a page more may be shown.
    #[arg(long)]
    limit: Option<u32>,
}

/// `portique payments show`.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// Its id.
    id: String,
}

impl List {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let wanted = self.limit.unwrap_or(LIMIT_DEFAULT) as usize;
        let mut query = given([
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
            ("limit", wanted.to_string().into()),
        ]);
        let mut after = self.after;
        let mut found = Vec::new();
        // A page may be short and not the last: so much was looked through.
        for _ in 0..PAGES_MAX {
            query.retain(|(name, _)| *name != "after");
            query.extend(after.take().map(|after| ("after", after)));
            let mut page = visitor.get(&[ROOT, "transactions"], &query).await?;
            if let Some(transactions) = page["transactions"].as_array_mut() {
                found.append(transactions);
            }
            after = page["next"].as_str().map(str::to_owned);
            if after.is_none() || found.len() >= wanted {
                break;
            }
        }
        let page = json!({ "transactions": found, "next": after });
        write_result(output, &page, |page| {
            vec![transactions(&page["transactions"])]
        })?;
        hint_at_next(output, &page);
        Ok(())
    }
}

impl Show {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let path = [ROOT, "transactions", &self.id];
        let found = visitor.get(&path, &[]).await?;
        write_result(output, &found, |found| vec![transactions(found)])
    }
}

fn transactions(found: &Value) -> Table {
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
    for transaction in found.as_array().into_iter().flatten() {
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
