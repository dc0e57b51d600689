use clap::Args;
use serde_json::Value;

use super::super::output::{Output, Table, say, write_result};
use super::super::page::given;
use super::super::visitor::Visitor;
use super::super::words::{text, wall};
use crate::error::Error;

pub(super) const EXAMPLES: &str = "\
Examples:
  portique alerts list
  portique alerts list --match '{severity=\"critical\"}' --unacknowledged
  portique alerts list --state resolved -o json";

#[derive(Debug, Args)]
pub(super) struct List {
    /// In these states: firing, pending, resolved, with commas between.
    #[arg(long, default_value = "firing,pending")]
    state: String,
    /// With labels that this selector accepts, such as '{severity="critical"}'.
    #[arg(long = "match", value_name = "SELECTOR")]
    selector: Option<String>,
    /// That nobody takes care of.
    #[arg(long)]
    unacknowledged: bool,
    /// That are put aside.
    #[arg(long)]
    shelved: bool,
    /// Alerts at most, 1 to 10000.
    #[arg(long)]
    limit: Option<u32>,
}

impl List {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let query = given([
            ("state", Some(self.state)),
            ("match", self.selector),
            (
                "acknowledged",
                self.unacknowledged.then(|| "false".to_owned()),
            ),
            ("shelved", self.shelved.then(|| "true".to_owned())),
            ("limit", self.limit.map(|limit| limit.to_string())),
        ]);
        let found = visitor.get(&["alerts"], &query).await?;
        write_result(output, &found, |found| vec![table(&found["alerts"])])?;
        let left_out = found["left_out"].as_u64().unwrap_or_default();
        if output == Output::Table && left_out > 0 {
            say(&format!(
                "{left_out} more: narrow it down, or write --limit"
            ));
        }
        Ok(())
    }
}

/// Alerts as rows.
pub(super) fn table(alerts: &Value) -> Table {
    let mut table = Table::new(&["alert", "state", "since", "value", "labels", "care"]);
    for alert in alerts.as_array().into_iter().flatten() {
        table.row([
            text(alert, "fingerprint"),
            text(alert, "state"),
            wall(alert, "active_at"),
            text(alert, "value"),
            labels(alert),
            care(alert),
        ]);
    }
    table
}

/// Name and labels, as PromQL writes them.
pub(super) fn labels(alert: &Value) -> String {
    let name = text(alert, "name");
    let labels = alert["labels"].as_object();
    let others = labels.into_iter().flatten();
    let others = others.filter(|(label, _)| *label != "alertname");
    let others: Vec<String> = others
        .map(|(label, value)| format!("{label}={value}"))
        .collect();
    match others.is_empty() {
        true => name,
        false => format!("{name}{{{}}}", others.join(",")),
    }
}

/// Who takes care of it, and whether it is put aside.
fn care(alert: &Value) -> String {
    let by = |key: &str, words: &str| {
        let by = alert[key]["by"].as_str();
        by.map(|by| format!("{words} {by}"))
    };
    let given = alert["assignee"]
        .as_str()
        .map(|to| format!("given to {to}"));
    let parts = [
        by("acknowledged", "taken by"),
        given,
        by("shelf", "shelved by"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.is_empty() {
        true => "-".to_owned(),
        false => parts.join(", "),
    }
}
