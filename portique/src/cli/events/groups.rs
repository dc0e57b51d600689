use clap::Args;
use serde_json::Value;

use super::super::output::{Output, Table, write_result};
use super::super::span::in_words;
use super::super::visitor::Visitor;
use super::super::words::text;
use crate::error::Error;

/// `portique events groups`.
#[derive(Debug, Args)]
pub(super) struct Groups {
    /// This one only, with everything about it.
    name: Option<String>,
}

impl Groups {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        match self.name {
            None => {
                let groups = visitor.get(&["consumers"], &[]).await?;
                write_result(output, &groups, |groups| vec![board(groups)])
            }
            Some(name) => {
                let group = visitor.get(&["consumers", &name], &[]).await?;
                write_result(output, &group, |group| vec![fields(group)])
            }
        }
    }
}

fn board(groups: &Value) -> Table {
    let mut table = Table::new(&[
        "group",
        "kind",
        "filter",
        "acknowledged to",
        "behind",
        "in flight",
        "parked",
        "oldest",
        "dead",
    ]);
    for group in groups.as_array().into_iter().flatten() {
        let cell = |key| text(group, key);
        table.row([
            cell("name"),
            cell("kind"),
            cell("filter"),
            cell("ack_floor"),
            cell("lag"),
            cell("in_flight"),
            cell("parked"),
            in_words(group["oldest_unacked_s"].as_f64().unwrap_or(f64::NAN)),
            cell("dead"),
        ]);
    }
    table
}

fn fields(group: &Value) -> Table {
    let mut table = Table::new(&["field", "value"]);
    for (name, _) in group.as_object().into_iter().flatten() {
        table.row([name.replace('_', " "), text(group, name)]);
    }
    table
}
