use serde_json::Value;

use super::super::output::{Output, Table, write_result};
use super::super::span::in_words;
use super::super::visitor::Visitor;
use super::super::words::text;
use super::ROOT;
use crate::error::Error;

/// The balances of a currency do not sum to zero.
const NOT_BALANCED: &str =
    "the trial balance is not zero: stop posting and find out why before anything else";
/// What an altered journal comes to.
const ALTERED: &str = "the journal was altered: see where above, and hold it against a copy";

pub(super) async fn trial_balance(visitor: &Visitor, output: Output) -> Result<(), Error> {
    let balance = visitor.get(&[ROOT, "trial-balance"], &[]).await?;
    write_result(output, &balance, |balance| {
        let mut table = Table::new(&["currency", "credit", "debit", "accounts", "balanced"]);
        for currency in balance.as_array().into_iter().flatten() {
            let cell = |key| text(currency, key);
            table.row([
                cell("currency"),
                cell("credit"),
                cell("debit"),
                cell("accounts"),
                cell("balanced"),
            ]);
        }
        vec![table]
    })?;
    let currencies = balance.as_array().into_iter().flatten();
    let mut unbalanced = currencies.filter(|currency| currency["balanced"] == false);
    found(unbalanced.next().is_some(), NOT_BALANCED)
}

pub(super) async fn counts(visitor: &Visitor, output: Output) -> Result<(), Error> {
    let counts = visitor.get(&[ROOT, "counts"], &[]).await?;
    write_result(output, &counts, |counts| {
        let mut queues = Table::new(&["queue", "waiting", "active", "delayed", "dead", "oldest"]);
        for queue in counts["queues"].as_array().into_iter().flatten() {
            let cell = |key| text(queue, key);
            let oldest = queue["oldest_s"].as_f64();
            queues.row([
                cell("name"),
                cell("waiting"),
                cell("active"),
                cell("delayed"),
                cell("dead"),
                oldest.map_or_else(|| "-".to_owned(), in_words),
            ]);
        }
        vec![super::fields(counts), queues]
    })
}

pub(super) async fn verify(visitor: &Visitor, output: Output) -> Result<(), Error> {
    let verified = visitor.get(&[ROOT, "verify"], &[]).await?;
    write_result(output, &verified, |verified| vec![super::fields(verified)])?;
    found(is_altered(&verified), ALTERED)
}

fn is_altered(verified: &Value) -> bool {
    verified["intact"] == false
}

/// A proof that fails ends with the status of damaged data.
fn found(is_wrong: bool, what: &'static str) -> Result<(), Error> {
    match is_wrong {
        false => Ok(()),
        true => Err(Error::Disproved { what }),
    }
}
