//! `portique dead`: jobs that were given up on, and what people do with them.

mod edit;
mod replay;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use super::jobs::each;
use super::output::{Output, Table, write_result};
use super::page::{given, hint_at_next};
use super::visitor::{Content, VisitArgs, Visitor};
use super::words::{text, wall};
use crate::error::Error;

/// Characters of a payload in a list.
const PREVIEW_CHARS: usize = 60;

/// Jobs that were given up on.
#[derive(Debug, Args)]
pub(super) struct Dead {
    #[command(flatten)]
    visit: VisitArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List dead jobs, oldest first: what they were about, and why they are dead.
    #[command(
        after_help = "Examples:\n  portique dead list\n  portique dead list --queue emails \
                            -o json"
    )]
    List(List),
    /// Give a dead job another payload; its id and its history stay.
    #[command(after_help = edit::EXAMPLES)]
    Edit(edit::Edit),
    /// Queue dead jobs again, with fresh counts.
    #[command(after_help = replay::EXAMPLES)]
    Replay(replay::Replay),
    /// Forget dead jobs for good.
    #[command(after_help = "Example:\n  portique dead drop 4711 4712")]
    Drop(Drop),
}

#[derive(Debug, Args)]
struct List {
    /// Of this queue [default: all].
    #[arg(long)]
    queue: Option<String>,
    /// Jobs after this one: the page before ended with it.
    #[arg(long, value_name = "ID")]
    after: Option<u64>,
    /// Jobs at most, 1 to 1000.
    #[arg(long)]
    limit: Option<u32>,
}

#[derive(Debug, Args)]
struct Drop {
    /// The jobs' ids.
    #[arg(required = true)]
    ids: Vec<u64>,
}

impl Dead {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        let visitor = self.visit.visitor()?;
        super::runtime::for_a_visit()?.block_on(visit(self.verb, &visitor, output))
    }
}

async fn visit(verb: Verb, visitor: &Visitor, output: Output) -> Result<(), Error> {
    match verb {
        Verb::List(list) => list.run(visitor, output).await,
        Verb::Edit(edit) => edit.run(visitor, output).await,
        Verb::Replay(replay) => replay.run(visitor, output).await,
        Verb::Drop(Drop { ids }) => {
            each(&ids, output, async |id| {
                visitor
                    .change(Method::DELETE, &["dead", id], &[], Content::none())
                    .await
            })
            .await
        }
    }
}

impl List {
    async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let query = given([
            ("queue", self.queue),
            ("after", self.after.map(|after| after.to_string())),
            ("limit", self.limit.map(|limit| limit.to_string())),
        ]);
        let page = visitor.get(&["dead"], &query).await?;
        write_result(output, &page, |page| vec![letters(page)])?;
        hint_at_next(output, &page);
        Ok(())
    }
}

fn letters(page: &Value) -> Table {
    let mut table = Table::new(&[
        "id", "queue", "kind", "at", "failures", "losses", "replays", "reason", "payload",
    ]);
    for letter in page["jobs"].as_array().into_iter().flatten() {
        let cell = |key| text(letter, key);
        table.row([
            cell("id"),
            cell("queue"),
            cell("kind"),
            wall(letter, "at"),
            cell("failures"),
            cell("losses"),
            cell("redrives"),
            cell("reason"),
            preview(&letter["payload"]),
        ]);
    }
    table
}

/// The beginning of a payload.
fn preview(payload: &Value) -> String {
    let whole = match (payload.get("value"), payload.get("base64")) {
        (Some(Value::String(text)), _) => text.clone(),
        (Some(value), _) => value.to_string(),
        (None, Some(_)) => format!("({} in base64)", text(payload, "content_type")),
        (None, None) => return "-".into(),
    };
    let mut shown: String = whole.chars().take(PREVIEW_CHARS).collect();
    if shown.len() < whole.len() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_long_payload_shows_its_beginning() {
        assert_eq!(preview(&json!({ "value": { "a": 1 } })), r#"{"a":1}"#);
        let long = preview(&json!({ "value": "é".repeat(61) }));
        assert_eq!(long, format!("{}...", "é".repeat(60)));
        let bytes = json!({ "content_type": "image/png", "base64": "iVA=" });
        assert_eq!(preview(&bytes), "(image/png in base64)");
    }
}
