use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::output::{Output, Table, write_done, write_result};
use crate::cli::visitor::{Content, VisitArgs, Visitor};
use crate::cli::words::{text, wall};
use crate::error::Error;

const EXAMPLES: &str = "\
Examples:
  portique launch order helios booster destroy --reason 'it leaves the corridor'
  portique approvals list
  portique approvals approve 0123456789abcdef

Show a token of your own (PORTIQUE_TOKEN) with the scopes access:own and what the command needs, such as
launch:destroy: a token of the data folder is nobody's own.";

/// Commands that take two people: who asks, and who lets them through.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Approvals {
    #[command(flatten)]
    visit: VisitArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List what waits for somebody, newest first.
    List {
        /// What is over, too.
        #[arg(long)]
        all: bool,
    },
    /// Show one: the exact command, who asks and why, and how far it is.
    Show(Which),
    /// Let a command through that somebody else asked for: it is given at once, and once.
    Approve(Which),
    /// Say no to a command that somebody else asked for.
    Deny {
        #[command(flatten)]
        which: Which,
        /// Why.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Take back what you asked for.
    Cancel(Which),
}

#[derive(Debug, Args)]
struct Which {
    /// Its id, as `list` says it.
    id: String,
}

impl Approvals {
    pub(in crate::cli) fn run(self, output: Output) -> Result<(), Error> {
        let visitor = self.visit.visitor()?;
        crate::cli::runtime::for_a_visit()?.block_on(visit(self.verb, &visitor, output))
    }
}

async fn visit(verb: Verb, visitor: &Visitor, output: Output) -> Result<(), Error> {
    match verb {
        Verb::List { all } => {
            let query = [("open", (!all).to_string())];
            let approvals = visitor.get(&["access", "approvals"], &query).await?;
            write_result(output, &approvals, |approvals| vec![table(approvals)])
        }
        Verb::Show(Which { id }) => {
            let approval = visitor.get(&["access", "approvals", &id], &[]).await?;
            write_result(output, &approval, |approval| vec![details(approval)])
        }
        Verb::Approve(Which { id }) => {
            let given = change(visitor, &id, "approve", Content::none()).await?;
            let (approval, result) = (&given["approval"], &given["result"]);
            let came = text(result, "stage");
            let sentence = format!(
                "{id}: approved, and given: {}: {came}",
                text(approval, "summary")
            );
            write_done(output, &given, &sentence)?;
            match came.as_str() {
                "refused" | "failed" | "expired" => Err(Error::Refused {
                    status: 409,
                    detail: format!("it was not done: {}", text(result, "reason")),
                }),
                _ => Ok(()),
            }
        }
        Verb::Deny {
            which: Which { id },
            reason,
        } => {
            let body = Content::json(&json!({ "reason": reason }));
            let denied = change(visitor, &id, "deny", body).await?;
            write_done(output, &denied, &format!("{id}: denied"))
        }
        Verb::Cancel(Which { id }) => {
            let cancelled = change(visitor, &id, "cancel", Content::none()).await?;
            write_done(output, &cancelled, &format!("{id}: cancelled"))
        }
    }
}

async fn change(visitor: &Visitor, id: &str, what: &str, body: Content) -> Result<Value, Error> {
    let path = ["access", "approvals", id, what];
    visitor.change(Method::POST, &path, &[], body).await
}

fn table(approvals: &Value) -> Table {
    let columns = [
        "id",
        "state",
        "who asks",
        "for",
        "why",
        "until",
        "approved by",
    ];
    let mut table = Table::new(&columns);
    for approval in approvals.as_array().into_iter().flatten() {
        let cell = |key| text(approval, key);
        let [id, state, requester, summary, reason, approver] =
            ["id", "state", "requester", "summary", "reason", "approver"].map(cell);
        let until = wall(approval, "expires_at");
        table.row([id, state, requester, summary, reason, until, approver]);
    }
    table
}

fn details(approval: &Value) -> Table {
    let mut table = Table::new(&["what", "value"]);
    let texts = [
        ("id", "id"),
        ("state", "state"),
        ("what it does", "summary"),
        ("command", "command"),
        ("sha256", "digest"),
        ("needs", "permission"),
        ("asked for by", "requester"),
        ("why", "reason"),
        ("approved by", "approver"),
        ("ended by", "ended_by"),
        ("answer", "answer"),
    ];
    for (what, key) in texts {
        table.row([what.into(), text(approval, key)]);
    }
    for (what, key) in [("asked for at", "requested_at"), ("until", "expires_at")] {
        table.row([what.into(), wall(approval, key)]);
    }
    table
}
