//! `portique logs`: what workers of pools and computers of modules print.

use clap::Args;
use serde_json::Value;

use super::output::{Output, Table, write_more, write_result};
use super::page::given;
use super::printable::printable;
use super::visitor::{VisitArgs, Visitor};
use super::words::{text, wall};
use crate::error::Error;

/// What the hub's processes printed last: workers of pools, computers of simulated modules.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  portique logs --processes
  portique logs thumbnails-2 --limit 20
  portique logs --of alpha --text abort
  portique logs --of thumbnails --follow")]
pub(super) struct Logs {
    #[command(flatten)]
    visit: VisitArgs,
    /// Of this process only: a worker's name, or ROCKET/MODULE.
    process: Option<String>,
    /// Of this pool or rocket only.
    #[arg(long, value_name = "NAME")]
    of: Option<String>,
    /// With this text in them, in small or capital letters.
    #[arg(long)]
    text: Option<String>,
    /// Most of them.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    limit: u16,
    /// As they are printed from now on, until it is interrupted.
    #[arg(short, long, conflicts_with = "limit")]
    follow: bool,
    /// The processes of which there are lines.
    #[arg(long, conflicts_with_all = ["process", "of", "text", "follow", "limit"])]
    processes: bool,
}

impl Logs {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        let visitor = self.visit.visitor()?;
        super::runtime::for_a_visit()?.block_on(self.ask(&visitor, output))
    }

    async fn ask(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        if self.processes {
            let processes = visitor.get(&["logs", "processes"], &[]).await?;
            return write_result(output, &processes, |processes| vec![table(processes)]);
        }
        let which = [
            ("process", self.process),
            ("of", self.of),
            ("text", self.text),
        ];
        if self.follow {
            return follow(visitor, &given(which), output).await;
        }
        let mut query = given(which);
        query.push(("limit", self.limit.to_string()));
        let page = visitor.get(&["logs"], &query).await?;
        for line in page["lines"].as_array().into_iter().flatten() {
            if !show(line, output)? {
                break;
            }
        }
        Ok(())
    }
}

async fn follow(visitor: &Visitor, query: &[(&str, String)], output: Output) -> Result<(), Error> {
    let mut lines = visitor.listen(&["logs", "stream"], query).await?;
    while let Some(line) = lines.next().await? {
        if !show(&line.data, output)? {
            return Ok(());
        }
    }
    Err(Error::Answer {
        url: visitor.hub().to_owned(),
        problem: "the hub ended the stream".into(),
    })
}

/// False when nobody reads it.
fn show(line: &Value, output: Output) -> Result<bool, Error> {
    let shown = match output {
        Output::Json => line.to_string(),
        Output::Table => {
            let (at, process) = (wall(line, "at"), text(line, "process"));
            printable(&format!("{at}  {process}  {}", text(line, "text")))
        }
    };
    write_more(&format!("{shown}\n"))
}

fn table(processes: &Value) -> Table {
    let mut table = Table::new(&["process", "kind", "of", "lines", "let go", "last"]);
    for one in processes.as_array().into_iter().flatten() {
        table.row([
            text(one, "name"),
            text(one, "kind"),
            text(one, "of"),
            one["lines"].to_string(),
            one["let_go"].to_string(),
            wall(one, "last_at"),
        ]);
    }
    table
}
