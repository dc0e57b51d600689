//! `portique series`: which series there are, which take the most room, and what is done with them.

mod store;

use clap::{Args, Subcommand};
use portique_clock::{Clock, WallClock};
use serde_json::Value;

use super::output::{Output, Table, say, write_result};
use super::query::{Time, name, seconds, time};
use super::visitor::{VisitArgs, Visitor};
use crate::error::Error;

/// More lines than anybody reads.
const LIMIT_DEFAULT: usize = 1000;

/// List series of the telemetry, and look after them.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Examples:
  portique series '{__name__=~\"portique_.*\"}'
  portique series '{job=\"launch\"}' 'up' --start 1h
  portique series top
  portique series delete '{job=\"old\"}' --dry-run")]
pub(super) struct Series {
    #[command(flatten)]
    visit: VisitArgs,
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show what takes the most room, what was refused, and what is wrong with the store's files.
    #[command(after_help = "Examples:\n  portique series top\n  portique series top --limit 50")]
    Top(store::Top),
    /// Delete samples: they are gone from answers at once, and their space when their blocks are
    /// written again.
    #[command(after_help = store::DELETE_EXAMPLES)]
    Delete(store::Delete),
    /// Copy all telemetry as it is now to a folder below the data folder.
    #[command(after_help = "Example:\n  portique series snapshot")]
    Snapshot,
}

#[derive(Debug, Args)]
struct List {
    /// What their labels are like; each series that one of these accepts is listed.
    #[arg(required = true, value_name = "SELECTOR")]
    selectors: Vec<String>,
    /// Those with samples from this time on: RFC 3339, Unix seconds, or how long ago, such as 5m.
    #[arg(long, value_name = "TIME", value_parser = time)]
    start: Option<Time>,
    /// Those with samples until this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    end: Option<Time>,
    /// At most so many.
    #[arg(long, value_name = "COUNT", default_value_t = LIMIT_DEFAULT)]
    limit: usize,
}

impl Series {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        let visitor = self.visit.visitor()?;
        let (verb, list) = (self.verb, self.list);
        super::runtime::for_a_visit()?.block_on(async {
            match verb {
                None => list.ask(&visitor, output).await,
                Some(Verb::Top(top)) => top.run(&visitor, output).await,
                Some(Verb::Delete(delete)) => delete.run(&visitor, output).await,
                Some(Verb::Snapshot) => store::snapshot(&visitor, output).await,
            }
        })
    }
}

impl List {
    async fn ask(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let now = WallClock::new().now();
        let mut parameters = vec![("limit", self.limit.to_string())];
        parameters.extend(
            self.selectors
                .into_iter()
                .map(|selector| ("match[]", selector)),
        );
        for (name, time) in [("start", self.start), ("end", self.end)] {
            parameters.extend(time.map(|time| (name, seconds(time.millis(now)))));
        }
        let answer = visitor.telemetry(&["series"], &parameters).await?;
        for warning in answer["warnings"].as_array().into_iter().flatten() {
            say(warning.as_str().unwrap_or_default());
        }
        write_result(output, &answer["data"], |data| vec![table(data)])
    }
}

fn table(data: &Value) -> Table {
    let mut table = Table::new(&["series"]);
    for metric in data.as_array().into_iter().flatten() {
        table.row([name(metric)]);
    }
    table
}
