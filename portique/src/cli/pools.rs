//! `portique pools` and `portique scale`: how many workers there are, why, and who decides.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::output::{Output, Table, write_done, write_result};
use super::visitor::{Content, VisitArgs, Visitor};
use super::words::{number, text, wall};
use crate::error::Error;

/// Pools of workers.
#[derive(Debug, Args)]
pub(super) struct Pools {
    #[command(flatten)]
    visit: VisitArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List all pools: their workers by state, how many there are to be, who decides.
    List,
    /// Show one pool: why it has as many workers as it has, and each of them.
    #[command(after_help = "Example:\n  portique pools show thumbnails")]
    Show(Name),
    /// Have so many workers, whatever the backlog is; outlives a restart of the hub.
    #[command(after_help = "Example:\n  portique pools set thumbnails 3")]
    Set {
        /// The pool's name.
        pool: String,
        /// So many, at most the pool's max.
        workers: u32,
    },
    /// Let the backlog decide again, after `set`, `pause` or `dry-run`.
    #[command(after_help = "Example:\n  portique pools auto thumbnails")]
    Auto(Name),
    /// Keep as many workers as there are; outlives a restart of the hub.
    #[command(after_help = "Example:\n  portique pools pause thumbnails")]
    Pause(Name),
    /// Let the backlog decide again.
    #[command(after_help = "Example:\n  portique pools resume thumbnails")]
    Resume(Name),
    /// Keep as many workers as there are, and say what the backlog would do (`portique scale explain`).
    #[command(after_help = "Example:\n  portique pools dry-run thumbnails")]
    DryRun(Name),
}

#[derive(Debug, Args)]
struct Name {
    /// The pool's name.
    pool: String,
}

/// Decisions how many workers there are to be.
#[derive(Debug, Args)]
pub(super) struct Scale {
    #[command(flatten)]
    visit: VisitArgs,
    #[command(subcommand)]
    verb: ScaleVerb,
}

#[derive(Debug, Subcommand)]
enum ScaleVerb {
    /// Say why a pool has as many workers as it has, or had at some time, and what that was decided from.
    #[command(after_help = "Examples:
  portique scale explain thumbnails
  portique scale explain thumbnails --at 2026-11-21T03:12:00Z")]
    Explain {
        /// The pool's name.
        pool: String,
        /// The decision that counted at this time (RFC 3339) [default: the one that counts now].
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// List the decisions that changed a pool's number of workers, newest first.
    #[command(after_help = "Example:\n  portique scale history thumbnails --limit 20")]
    History {
        /// The pool's name.
        pool: String,
        /// Most of them.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
        limit: u16,
    },
}

impl Pools {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        let visitor = self.visit.visitor()?;
        super::runtime::for_a_visit()?.block_on(visit(self.verb, &visitor, output))
    }
}

impl Scale {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        let visitor = self.visit.visitor()?;
        super::runtime::for_a_visit()?.block_on(self.verb.ask(&visitor, output))
    }
}

async fn visit(verb: Verb, visitor: &Visitor, output: Output) -> Result<(), Error> {
    let put = Method::PUT;
    let (method, pool, what, content, done) = match verb {
        Verb::List => {
            let pools = visitor.get(&["pools"], &[]).await?;
            return write_result(output, &pools, |pools| vec![board(pools)]);
        }
        Verb::Show(Name { pool }) => {
            let pool = visitor.get(&["pools", &pool], &[]).await?;
            return write_result(output, &pool, everything);
        }
        Verb::Set { pool, workers } => {
            let content = Content::json(&json!({ "workers": workers }));
            let done = format!("a person decides: {workers} workers");
            (put, pool, "override", content, done)
        }
        Verb::Auto(Name { pool }) => {
            let done = "its backlog decides".to_owned();
            (Method::DELETE, pool, "override", Content::none(), done)
        }
        Verb::Resume(Name { pool }) => {
            let done = "its backlog decides".to_owned();
            (put, pool, "resume", Content::none(), done)
        }
        Verb::Pause(Name { pool }) => {
            let done = "nobody decides: its workers stay".to_owned();
            (put, pool, "pause", Content::none(), done)
        }
        Verb::DryRun(Name { pool }) => {
            let done = "nobody decides; what its backlog would do is said".to_owned();
            (put, pool, "dry-run", Content::none(), done)
        }
    };
    let path = ["pools", pool.as_str(), what];
    let answer = visitor.change(method, &path, &[], content).await?;
    write_done(output, &answer, &format!("{pool}: {done}"))
}

impl ScaleVerb {
    async fn ask(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        match self {
            Self::Explain { pool, at: None } => {
                let view = visitor.get(&["pools", &pool], &[]).await?;
                explain(output, &view["decision"], &pool, "no look was taken yet")
            }
            Self::Explain { pool, at: Some(at) } => {
                let query = [("at", at), ("limit", "1".to_owned())];
                let found = visitor.get(&["pools", &pool, "decisions"], &query).await?;
                explain(output, &found[0], &pool, "nothing was decided until then")
            }
            Self::History { pool, limit } => {
                let query = [("limit", limit.to_string())];
                let found = visitor.get(&["pools", &pool, "decisions"], &query).await?;
                write_result(output, &found, |found| vec![history(found)])
            }
        }
    }
}

fn explain(output: Output, decision: &Value, pool: &str, nothing: &str) -> Result<(), Error> {
    if decision.is_null() {
        return write_done(output, decision, &format!("{pool}: {nothing}"));
    }
    if output == Output::Table {
        let sentence = text(decision, "sentence");
        super::output::write_line(&format!("{} {pool} {sentence}", wall(decision, "at")))?;
    }
    write_result(output, decision, |decision| {
        [("input", "inputs"), ("slots for", "terms")]
            .into_iter()
            .map(|(title, part)| fields(title, &decision[part]))
            .filter(|table| !table.is_empty())
            .collect()
    })
}

fn board(pools: &Value) -> Table {
    let mut table = Table::new(&[
        "pool", "queue", "runs", "mode", "ready", "starting", "draining", "target", "max", "state",
    ]);
    for pool in pools.as_array().into_iter().flatten() {
        let count = |state: &str| {
            let workers = pool["workers"].as_array().into_iter().flatten();
            workers
                .filter(|worker| worker["state"] == state)
                .count()
                .to_string()
        };
        let mode = match pool["manual"].as_u64() {
            Some(workers) => format!("manual {workers}"),
            None => text(pool, "mode"),
        };
        let state = match pool["is_crash_looping"] == true {
            true => format!("crash loop: {}", text(pool, "last_death")),
            false => "ok".to_owned(),
        };
        table.row([
            text(pool, "name"),
            text(pool, "queue"),
            text(pool, "runs"),
            mode,
            count("ready"),
            count("starting"),
            count("draining"),
            text(pool, "target"),
            text(pool, "max"),
            state,
        ]);
    }
    table
}

/// The line of the board, why, then the workers.
fn everything(pool: &Value) -> Vec<Table> {
    let mut why = Table::new(&["why"]);
    let decision = &pool["decision"];
    if !decision.is_null() {
        why.row([text(decision, "sentence")]);
    }
    let mut workers = Table::new(&["worker", "state", "since", "pid", "in hand", "done"]);
    for worker in pool["workers"].as_array().into_iter().flatten() {
        workers.row([
            text(worker, "name"),
            text(worker, "state"),
            wall(worker, "since"),
            text(worker, "pid"),
            text(worker, "leased"),
            text(worker, "finished"),
        ]);
    }
    let tables = [board(&json!([pool])), why, workers].into_iter();
    tables.filter(|table| !table.is_empty()).collect()
}

fn history(decisions: &Value) -> Table {
    let mut table = Table::new(&["at", "move", "target", "wanted", "ready", "why"]);
    for decision in decisions.as_array().into_iter().flatten() {
        table.row([
            wall(decision, "at"),
            text(decision, "move"),
            text(decision, "target"),
            text(decision, "wanted"),
            text(&decision["inputs"], "ready"),
            text(decision, "sentence"),
        ]);
    }
    table
}

fn fields(title: &'static str, object: &Value) -> Table {
    let mut table = Table::new(&[title, "value"]);
    for (name, value) in object.as_object().into_iter().flatten() {
        let written = match value.is_f64() {
            true => number(object, name, 3),
            false => text(object, name),
        };
        table.row([name.clone(), written]);
    }
    table
}
