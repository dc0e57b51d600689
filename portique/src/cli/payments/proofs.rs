use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::super::output::{Output, Table, write_result};
use super::super::span::{in_words, span};
use super::super::visitor::Visitor;
use super::super::words::text;
use super::ROOT;
use crate::error::Error;

/// The balances of a currency do not sum to zero.
const NOT_BALANCED: &str =
    "the trial balance is not zero: stop posting and find out why before anything else";
/// What an altered journal comes to.
const ALTERED: &str = "the journal was altered: see where above, and hold it against a copy";

/// Between two looks at the counts.
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// `portique payments counts`.
#[derive(Debug, Args)]
pub(super) struct Counts {
    /// Wait up to this long until nothing is under way, such as 30s.
    #[arg(long, value_name = "TIME", value_parser = span)]
    wait: Option<Duration>,
}

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

impl Counts {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let mut left = self.wait.unwrap_or_default();
        let counts = loop {
            let counts = visitor.get(&[ROOT, "counts"], &[]).await?;
            if left.is_zero() || is_worked_off(&counts) {
                break counts;
            }
            let pause = left.min(LOOK_PAUSE);
            tokio::time::sleep(pause).await;
            left -= pause;
        };
        write_counts(output, &counts)
    }
}

/// Nothing is under way; dead batches wait for people.
fn is_worked_off(counts: &Value) -> bool {
    let queues = counts["queues"].as_array().into_iter().flatten();
    let states = ["waiting", "active", "delayed"];
    let mut under_way = queues.flat_map(|queue| states.map(|state| queue[state].as_u64()));
    under_way.all(|jobs| jobs == Some(0)) && counts["drift"] == 0
}

fn write_counts(output: Output, counts: &Value) -> Result<(), Error> {
    write_result(output, counts, |counts| {
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
    verified["ok"] == false
}

/// A proof that fails ends with the status of damaged data.
fn found(is_wrong: bool, what: &'static str) -> Result<(), Error> {
    match is_wrong {
        false => Ok(()),
        true => Err(Error::Disproved { what }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_waits_or_is_missing_is_not_worked_off() {
        let counts = |waiting: u64, drift: u64| {
            let queue = json!({ "name": "payments.post", "waiting": waiting, "active": 0, "delayed": 0, "dead": 3 });
            json!({ "drift": drift, "queues": [queue] })
        };
        assert!(is_worked_off(&counts(0, 0)));
        assert!(!is_worked_off(&counts(1, 0)));
        assert!(!is_worked_off(&counts(0, 1)));
    }
}
