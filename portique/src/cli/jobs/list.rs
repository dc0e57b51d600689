use clap::Args;
use serde_json::Value;

use super::super::output::{Output, Table, write_result};
use super::super::page::{given, hint_at_next};
use super::super::visitor::Visitor;
use super::super::words::{text, wall};
use crate::error::Error;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique jobs list emails
  portique jobs list emails --state failed --limit 20
  portique jobs list emails -o json | jq '.jobs[].id'";

/// `portique jobs list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// The queue's name.
    queue: String,
    /// Jobs in this state: waiting, prioritized, delayed, failed, blocked, active, completed, dead,
    /// cancelled.
    #[arg(long)]
    state: Option<String>,
    /// Jobs after this one: the page before ended with it.
    #[arg(long, value_name = "ID")]
    after: Option<u64>,
    /// Jobs at most, 1 to 1000.
    #[arg(long)]
    limit: Option<u32>,
}

impl List {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let query = given([
            ("state", self.state),
            ("after", self.after.map(|after| after.to_string())),
            ("limit", self.limit.map(|limit| limit.to_string())),
        ]);
        let page = visitor
            .get(&["queues", &self.queue, "jobs"], &query)
            .await?;
        write_result(output, &page, |page| vec![jobs(page)])?;
        hint_at_next(output, &page);
        Ok(())
    }
}

fn jobs(page: &Value) -> Table {
    let mut table = Table::new(&[
        "id",
        "kind",
        "state",
        "due",
        "attempts",
        "priority",
        "group",
        "key",
        "worker",
        "waits for",
        "last error",
    ]);
    for job in page["jobs"].as_array().into_iter().flatten() {
        let cell = |key| text(job, key);
        table.row([
            cell("id"),
            cell("kind"),
            cell("state"),
            wall(job, "due"),
            cell("attempts"),
            cell("priority"),
            cell("group"),
            cell("key"),
            text(&job["active"], "worker"),
            super::show::waits(job),
            cell("last_error"),
        ]);
    }
    table
}
