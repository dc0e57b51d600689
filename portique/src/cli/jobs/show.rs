use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::super::output::{Output, Table, write_result};
use super::super::span::span;
use super::super::visitor::Visitor;
use super::super::words::text;
use crate::error::Error;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique jobs show 4711
  portique jobs show 4711 --wait 1m -o json";

/// Longest wait of one request: well under the time that an answer may take.
const WAIT_PER_REQUEST_MAX: Duration = Duration::from_secs(10);

/// `portique jobs show`.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The job's id.
    id: u64,
    /// Wait up to this long until it is completed, dead or cancelled, such as 30s.
    #[arg(long, value_name = "TIME", value_parser = span)]
    wait: Option<Duration>,
}

impl Show {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let id = self.id.to_string();
        let mut left = self.wait.unwrap_or_default();
        let job = loop {
            let wait = left.min(WAIT_PER_REQUEST_MAX);
            left -= wait;
            let query = match wait.is_zero() {
                true => vec![],
                false => vec![("wait_s", seconds(wait))],
            };
            let job = visitor.get(&["jobs", &id], &query).await?;
            if left.is_zero() || is_over(&job) {
                break job;
            }
        };
        write_result(output, &job, |job| vec![everything(job)])
    }
}

/// A duration as the API takes it.
fn seconds(duration: Duration) -> String {
    duration.as_secs_f64().to_string()
}

fn is_over(job: &Value) -> bool {
    matches!(
        job["state"].as_str(),
        Some("completed" | "dead" | "cancelled")
    )
}

/// Why it waits, in a word or two.
pub(super) fn waits(job: &Value) -> String {
    text(job, "waits").replace('_', " ")
}

/// One line per field that says something.
fn everything(job: &Value) -> Table {
    let mut table = Table::new(&["field", "value"]);
    for (name, value) in job.as_object().into_iter().flatten() {
        let is_empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
        if !is_empty {
            table.row([name.replace('_', " "), text(job, name)]);
        }
    }
    table
}
