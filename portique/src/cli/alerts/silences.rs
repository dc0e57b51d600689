use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::super::output::{Output, Table, write_done, write_result};
use super::super::visitor::{Content, Visitor};
use super::super::words::{text, wall};
use crate::error::Error;

/// Silences.
#[derive(Debug, Args)]
pub(super) struct Silences {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List silences.
    #[command(after_help = "Example:\n  portique alerts silences list team=pad --expired")]
    List {
        /// Only those about these labels: MATCHERs are held against what they match.
        #[arg(value_name = "MATCHER")]
        matchers: Vec<String>,
        /// Those that are over, too.
        #[arg(long)]
        expired: bool,
    },
    /// End silences now.
    #[command(after_help = "Example:\n  portique alerts silences expire 4c1f3a52-…")]
    Expire {
        /// Their ids.
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Show which alerts a silence would mute, were it made now.
    #[command(after_help = "Example:\n  portique alerts silences preview team=pad")]
    Preview {
        /// Which alerts: NAME=VALUE, or with != =~ !~; all of them hold.
        #[arg(required = true, value_name = "MATCHER")]
        matchers: Vec<String>,
    },
}

impl Silences {
    pub(super) async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        match self.verb {
            Verb::List { matchers, expired } => {
                let mut query = filters(matchers);
                query.push(("expired", expired.to_string()));
                let silences = ask(visitor, "silences", &query).await?;
                write_result(output, &silences, |silences| vec![table(silences)])
            }
            Verb::Expire { ids } => {
                for id in &ids {
                    let path = ["silence", id.as_str()];
                    let nothing = Content::none();
                    visitor
                        .alerting(Method::DELETE, &path, &[], nothing)
                        .await?;
                }
                let done = json!({ "expired": ids });
                write_done(output, &done, &format!("expired: {}", ids.join(", ")))
            }
            Verb::Preview { matchers } => {
                let alerts = ask(visitor, "alerts", &filters(matchers)).await?;
                write_result(output, &alerts, |alerts| vec![muted(alerts)])
            }
        }
    }
}

async fn ask(
    visitor: &Visitor,
    what: &str,
    query: &[(&'static str, String)],
) -> Result<Value, Error> {
    visitor
        .alerting(Method::GET, &[what], query, Content::none())
        .await
}

fn filters(matchers: Vec<String>) -> Vec<(&'static str, String)> {
    matchers
        .into_iter()
        .map(|matcher| ("filter", matcher))
        .collect()
}

fn table(silences: &Value) -> Table {
    let mut table = Table::new(&["id", "state", "matchers", "ends", "by", "comment"]);
    for silence in silences.as_array().into_iter().flatten() {
        let recurs = match silence.get("schedule") {
            Some(_) => " (recurring)",
            None => "",
        };
        let state = text(&silence["status"], "state");
        table.row([
            text(silence, "id"),
            format!("{state}{recurs}"),
            matchers(&silence["matchers"]),
            wall(silence, "endsAt"),
            text(silence, "createdBy"),
            text(silence, "comment"),
        ]);
    }
    table
}

fn matchers(list: &Value) -> String {
    let all = list.as_array().into_iter().flatten().map(|matcher| {
        let is = |key: &str| matcher[key] == true;
        let op = match (is("isEqual"), is("isRegex")) {
            (true, false) => "=",
            (false, false) => "!=",
            (true, true) => "=~",
            (false, true) => "!~",
        };
        format!("{}{op}{}", text(matcher, "name"), matcher["value"])
    });
    all.collect::<Vec<_>>().join(" ")
}

fn muted(alerts: &Value) -> Table {
    let mut table = Table::new(&["alert", "labels", "since", "state"]);
    for alert in alerts.as_array().into_iter().flatten() {
        let labels = alert["labels"].as_object().into_iter().flatten();
        let others = labels.filter(|(name, _)| *name != "alertname");
        let others: Vec<String> = others
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        table.row([
            text(&alert["labels"], "alertname"),
            others.join(" "),
            wall(alert, "startsAt"),
            text(&alert["status"], "state"),
        ]);
    }
    table
}
