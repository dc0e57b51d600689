//! The rules that a hub has loaded, and how they go.

use clap::Args;
use serde_json::Value;

use super::super::output::{Output, Table, say, write_done, write_result};
use super::super::span::in_words;
use super::super::visitor::VisitArgs;
use super::super::words::{text, wall};
use crate::error::Error;

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    visit: VisitArgs,
    /// Only rules whose last evaluation failed.
    #[arg(long)]
    failing: bool,
}

#[derive(Debug, Args)]
pub(super) struct Reload {
    #[command(flatten)]
    visit: VisitArgs,
}

impl List {
    pub(super) fn run(&self, output: Output) -> Result<(), Error> {
        let visitor = self.visit.visitor()?;
        let runtime = super::super::runtime::for_a_visit()?;
        let mut groups = runtime.block_on(visitor.get(&["rules"], &[]))?;
        if self.failing {
            for group in groups.as_array_mut().into_iter().flatten() {
                if let Some(rules) = group["rules"].as_array_mut() {
                    rules.retain(|rule| rule["health"] == "err");
                }
            }
        }
        write_result(output, &groups, |groups| vec![table(groups)])?;
        if output == Output::Table {
            say_why(&groups);
        }
        Ok(())
    }
}

impl Reload {
    pub(super) fn run(&self, output: Output) -> Result<(), Error> {
        let visitor = self.visit.visitor()?;
        let runtime = super::super::runtime::for_a_visit()?;
        let asked = visitor.post(&["rules", "reload"], &Value::Null);
        let loaded = runtime.block_on(asked)?;
        let count = |key| text(&loaded, key);
        let sentence = format!(
            "loaded {} rules in {} groups of {} files",
            count("rules"),
            count("groups"),
            count("files")
        );
        write_done(output, &loaded, &sentence)
    }
}

fn table(groups: &Value) -> Table {
    let mut table = Table::new(&[
        "group", "rule", "kind", "trigger", "every", "health", "last", "took", "alerts",
    ]);
    for group in groups.as_array().into_iter().flatten() {
        for rule in group["rules"].as_array().into_iter().flatten() {
            let alerts = rule["alerting"]["alerts"].as_array();
            let took_s = rule["took_s"].as_f64().unwrap_or_default();
            let interval_s = group["interval_s"].as_f64().unwrap_or_default();
            table.row([
                text(group, "name"),
                text(rule, "name"),
                (if alerts.is_some() { "alert" } else { "record" }).to_owned(),
                text(rule, "trigger"),
                in_words(interval_s),
                text(rule, "health"),
                wall(rule, "last_at"),
                in_words(took_s),
                alerts.map_or_else(|| "-".to_owned(), |alerts| alerts.len().to_string()),
            ]);
        }
    }
    table
}

/// Why rules failed.
fn say_why(groups: &Value) {
    for group in groups.as_array().into_iter().flatten() {
        for rule in group["rules"].as_array().into_iter().flatten() {
            if let Some(error) = rule["last_error"].as_str() {
                let (file, line, name) =
                    (text(group, "file"), text(rule, "line"), text(rule, "name"));
                say(&format!("{file}:{line}: {name}: {error}"));
            }
        }
    }
}
