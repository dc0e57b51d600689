//! `portique targets`: who is asked for samples, and how they are.

use clap::Args;
use serde_json::{Value, json};

use super::output::{Output, Table, say, write_result};
use super::visitor::{VisitArgs, Visitor};
use crate::error::Error;

/// List the targets that are asked for samples.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  portique targets
  portique targets --down
  portique targets --job node --output json")]
pub(super) struct Targets {
    #[command(flatten)]
    visit: VisitArgs,
    /// Only those whose last answer did not count.
    #[arg(long)]
    down: bool,
    /// Only those of this job.
    #[arg(long, value_name = "JOB")]
    job: Option<String>,
    /// What relabelling dropped, with the labels before it.
    #[arg(long, conflicts_with = "down")]
    dropped: bool,
}

impl Targets {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        let visitor = self.visit.visitor()?;
        super::runtime::for_a_visit()?.block_on(self.ask(&visitor, output))
    }

    async fn ask(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let state = if self.dropped { "dropped" } else { "active" };
        let mut parameters = vec![("state", state.to_owned())];
        parameters.extend(self.job.map(|job| ("scrapePool", job)));
        let answer = visitor.telemetry(&["targets"], &parameters).await?;
        for warning in answer["warnings"].as_array().into_iter().flatten() {
            say(warning.as_str().unwrap_or_default());
        }
        if self.dropped {
            return write_result(output, &answer["data"]["droppedTargets"], |targets| {
                vec![dropped(targets)]
            });
        }
        let all = answer["data"]["activeTargets"].as_array();
        let wanted = all.into_iter().flatten();
        let wanted = wanted.filter(|target| !self.down || target["health"] == "down");
        let wanted = json!(wanted.collect::<Vec<_>>());
        write_result(output, &wanted, |targets| vec![table(targets)])
    }
}

fn table(targets: &Value) -> Table {
    let mut table = Table::new(&[
        "job",
        "url",
        "health",
        "last scrape",
        "took",
        "samples",
        "problem",
    ]);
    for target in targets.as_array().into_iter().flatten() {
        let text = |key: &str| target[key].as_str().unwrap_or_default().to_owned();
        let took_ms = target["lastScrapeDuration"].as_f64().unwrap_or_default() * 1000.0;
        let is_known = target["health"] != "unknown";
        let known = |text: String| if is_known { text } else { "-".to_owned() };
        table.row([
            text("scrapePool"),
            text("scrapeUrl"),
            text("health"),
            known(text("lastScrape")),
            known(format!("{took_ms:.1} ms")),
            known(target["samples"].to_string()),
            problem(target),
        ]);
    }
    table
}

/// Why its last answer did not count, or what of its answers was left out.
fn problem(target: &Value) -> String {
    let error = target["lastError"].as_str().unwrap_or_default();
    let rejected = target["rejected"].as_u64().unwrap_or_default();
    match (error, rejected) {
        ("", 0) => String::new(),
        ("", rejected) => {
            let last = target["lastRejection"].as_str().unwrap_or_default();
            format!("{rejected} left out, the last: {last}")
        }
        (error, _) => error.to_owned(),
    }
}

fn dropped(targets: &Value) -> Table {
    let mut table = Table::new(&["job", "discovered labels"]);
    for target in targets.as_array().into_iter().flatten() {
        let job = target["scrapePool"].as_str().unwrap_or_default().to_owned();
        table.row([job, super::query::name(&target["discoveredLabels"])]);
    }
    table
}
