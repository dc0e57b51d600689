use clap::Args;
use serde_json::json;

use super::super::output::Output;
use super::super::visitor::Visitor;
use super::batches::{self, Sent};
use crate::error::Error;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique payments send DE89370400440532013000 GB82WEST12345698765432 12.34 EUR --id t-1 --reference rent
  portique payments send GB82WEST12345698765432 DE89370400440532013000 100 EUR --id d-1 --kind deposit
  portique payments send DE89370400440532013000 GB82WEST12345698765432 12.34 EUR --id r-1 --kind reversal --of t-1
  portique payments send --lines @transactions.ndjson

What is answered is on the disk and will be posted once, however often it is sent under the same key.
With --lines each line is one transaction as the API takes it. Lines that are refused keep no others out; the
exit status says that there were some.";

/// `portique payments send`.
#[derive(Debug, Args)]
pub(super) struct Send {
    /// Who pays.
    #[arg(required_unless_present = "lines")]
    debtor: Option<String>,
    /// Who is paid.
    #[arg(required_unless_present = "lines")]
    creditor: Option<String>,
    /// How much, such as 12.34.
    #[arg(required_unless_present = "lines")]
    amount: Option<String>,
    /// Of which currency, such as EUR.
    #[arg(required_unless_present = "lines")]
    currency: Option<String>,
    /// Names it; no other transaction has the same.
    #[arg(long, required_unless_present = "lines", conflicts_with = "lines")]
    id: Option<String>,
    /// The same for whoever asks again [default: the id].
    #[arg(long, conflicts_with = "lines")]
    key: Option<String>,
    /// transfer, deposit, withdrawal, card_payment, fee, authorise, capture, release or reversal [default: transfer].
    #[arg(long, conflicts_with = "lines")]
    kind: Option<String>,
    /// The id that a capture, a release or a reversal refers to.
    #[arg(long, value_name = "ID", conflicts_with = "lines")]
    of: Option<String>,
    /// What it is about.
    #[arg(long, value_name = "TEXT", conflicts_with = "lines")]
    reference: Option<String>,
    /// When it was asked for, such as 2026-11-21T10:00:00Z [default: now].
    #[arg(long, value_name = "WHEN", conflicts_with = "lines")]
    requested: Option<String>,
    /// Send each line of @FILE or of standard input.
    #[arg(long, value_name = "INPUT", num_args = 0..=1, default_missing_value = "-",
        conflicts_with_all = ["debtor", "creditor", "amount", "currency"])]
    lines: Option<String>,
}

impl Send {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let mut sent = Sent::default();
        match &self.lines {
            Some(source) => {
                batches::each(source, async |first, lines| {
                    let answer = batches::send("transactions", lines, visitor).await?;
                    sent.enter(first, &answer);
                    Ok(())
                })
                .await
                .map_err(|error| after(error, sent.count("accepted")))?;
            }
            None => {
                let line = self.line();
                sent.enter(1, &batches::send("transactions", line, visitor).await?);
            }
        }
        sent.write(output, &["accepted"])
    }

    fn line(&self) -> String {
        let transaction = json!({
            "id": self.id, "key": self.key, "kind": self.kind, "of": self.of, "debtor": self.debtor,
            "creditor": self.creditor, "amount": self.amount, "currency": self.currency,
            "requested": self.requested, "reference": self.reference,
        });
        batches::without_nulls(transaction).to_string()
    }
}

/// Says how far it came: what was accepted will be posted.
fn after(error: Error, accepted: u64) -> Error {
    match error {
        Error::Refused { status, detail } => Error::Refused {
            status,
            detail: format!("{detail} ({accepted} transactions before it are accepted)"),
        },
        other => other,
    }
}
