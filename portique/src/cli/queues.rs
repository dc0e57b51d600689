//! `portique queues`: where jobs wait, and how each queue behaves.

mod set;
pub(super) mod summary;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use super::output::{Output, Table, write_done, write_result};
use super::visitor::{Content, VisitArgs, Visitor};
use super::words::text;
use crate::error::Error;

/// Where jobs wait.
#[derive(Debug, Args)]
pub(super) struct Queues {
    #[command(flatten)]
    visit: VisitArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List all queues: how much waits, how long, how fast, and why.
    List,
    /// Show one queue: its counts, its totals and its options.
    #[command(after_help = "Example:\n  portique queues show emails")]
    Show(Name),
    /// Make a queue, or change some of its options; the others stay as they are.
    #[command(after_help = set::EXAMPLES)]
    Set(Box<set::Set>),
    /// Forget a queue that holds no jobs.
    #[command(after_help = "Example:\n  portique queues remove emails")]
    Remove(Name),
}

#[derive(Debug, Args)]
struct Name {
    /// The queue's name.
    queue: String,
}

impl Queues {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        let visitor = self.visit.visitor()?;
        super::runtime::for_a_visit()?.block_on(visit(self.verb, &visitor, output))
    }
}

async fn visit(verb: Verb, visitor: &Visitor, output: Output) -> Result<(), Error> {
    match verb {
        Verb::List => {
            let queues = visitor.get(&["queues"], &[]).await?;
            write_result(output, &queues, |queues| vec![board(queues)])
        }
        Verb::Show(Name { queue }) => {
            let queue = visitor.get(&["queues", &queue], &[]).await?;
            write_result(output, &queue, everything)
        }
        Verb::Set(set) => set.run(visitor, output).await,
        Verb::Remove(Name { queue }) => {
            let path = ["queues", queue.as_str()];
            let content = Content::none();
            let answer = visitor.change(Method::DELETE, &path, &[], content).await?;
            write_done(output, &answer, &format!("{queue}: removed"))
        }
    }
}

/// One line per queue.
fn board(queues: &Value) -> Table {
    let mut table = Table::new(&summary::COLUMNS);
    for queue in summary::list(queues) {
        table.row(summary::row(queue));
    }
    table
}

/// The line of the board, then a table for each object inside.
fn everything(queue: &Value) -> Vec<Table> {
    let mut head = Table::new(&summary::COLUMNS);
    head.row(summary::row(queue));
    let parts = ["counts", "totals", "options"].map(|part| fields(&queue[part]));
    let tables = std::iter::once(head).chain(parts);
    tables.filter(|table| !table.is_empty()).collect()
}

fn fields(object: &Value) -> Table {
    let mut table = Table::new(&["field", "value"]);
    for (name, _) in object.as_object().into_iter().flatten() {
        table.row([name.clone(), text(object, name)]);
    }
    table
}
