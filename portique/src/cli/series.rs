//! `portique series`: which series there are.

use clap::Args;
use portique_clock::{Clock, WallClock};
use serde_json::Value;

use super::output::{Output, Table, say, write_result};
use super::query::{Time, name, seconds, time};
use super::visitor::{VisitArgs, Visitor};
use crate::error::Error;

/// More lines than anybody reads.
const LIMIT_DEFAULT: usize = 1000;

/// List series of the telemetry.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  portique series 'up'
  portique series '{job=\"launch\"}' '{__name__=~\"engine_.*\"}' --start 1h")]
pub(super) struct Series {
    #[command(flatten)]
    visit: VisitArgs,
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
        super::runtime::for_a_visit()?.block_on(self.ask(&visitor, output))
    }

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
