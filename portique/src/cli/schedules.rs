//! `portique schedules`: jobs made by the clock.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::input;
use super::output::{Output, Table, write_done, write_result};
use super::visitor::{Content, VisitArgs, Visitor};
use super::words::{text, wall};
use crate::error::Error;

const EXAMPLES: &str = "\
Examples:
  portique schedules set digest '0 7 * * mon-fri' emails digest --zone Europe/Paris
  portique schedules set cleanup '*/30 * * * * *' chores sweep '{\"depth\": 2}' --overlap skip";

/// Jobs made by the clock.
#[derive(Debug, Args)]
pub(super) struct Schedules {
    #[command(flatten)]
    visit: VisitArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List all schedules and when they tick.
    List,
    /// Make a schedule, or change it; ticks count from now on.
    #[command(after_help = EXAMPLES)]
    Set(Box<Set>),
    /// Forget a schedule; the jobs it made stay.
    #[command(after_help = "Example:\n  portique schedules remove digest")]
    Remove {
        /// The schedule's name.
        name: String,
    },
}

#[derive(Debug, Args)]
struct Set {
    /// The schedule's name.
    name: String,
    /// Minute, hour, day of month, month, day of week; six fields begin with seconds.
    cron: String,
    /// The queue that each tick adds to.
    queue: String,
    /// What kind of work it is.
    kind: String,
    /// What it is about: JSON, @FILE, or - for standard input.
    #[arg(default_value = "{}")]
    payload: String,
    /// A time zone of the IANA database, such as Europe/Paris.
    #[arg(long, default_value = "UTC")]
    zone: String,
    /// What becomes of ticks that passed while the hub was down.
    #[arg(long, default_value = "last", value_parser = ["skip", "last", "all"])]
    missed: String,
    /// What a tick does while the job of an earlier one is not finished.
    #[arg(long, default_value = "queue", value_parser = ["queue", "skip", "replace"])]
    overlap: String,
    /// Ticks come to nothing until it is set again without this.
    #[arg(long)]
    paused: bool,
}

impl Schedules {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        let visitor = self.visit.visitor()?;
        super::runtime::for_a_visit()?.block_on(visit(self.verb, &visitor, output))
    }
}

async fn visit(verb: Verb, visitor: &Visitor, output: Output) -> Result<(), Error> {
    match verb {
        Verb::List => {
            let schedules = visitor.get(&["schedules"], &[]).await?;
            write_result(output, &schedules, |schedules| vec![table(schedules)])
        }
        Verb::Set(set) => set.run(visitor, output).await,
        Verb::Remove { name } => {
            let path = ["schedules", name.as_str()];
            let content = Content::none();
            let answer = visitor.change(Method::DELETE, &path, &[], content).await?;
            write_done(output, &answer, &format!("{name}: removed"))
        }
    }
}

impl Set {
    async fn run(self, visitor: &Visitor, output: Output) -> Result<(), Error> {
        let payload: Value =
            serde_json::from_slice(&input::read(&self.payload)?).map_err(|error| Error::Usage {
                message: format!("the payload is not JSON: {error}"),
            })?;
        let schedule = json!({
            "cron": self.cron,
            "zone": self.zone,
            "missed": self.missed,
            "overlap": self.overlap,
            "paused": self.paused,
            "job": { "queue": self.queue, "kind": self.kind, "payload": payload },
        });
        let path = ["schedules", self.name.as_str()];
        let content = Content::json(&schedule);
        let answer = visitor.change(Method::PUT, &path, &[], content).await?;
        write_result(output, &answer, |answer| {
            vec![table(&Value::Array(vec![answer.clone()]))]
        })
    }
}

fn table(schedules: &Value) -> Table {
    let mut table = Table::new(&[
        "schedule", "cron", "zone", "queue", "kind", "next", "last", "last job", "paused",
    ]);
    for schedule in schedules.as_array().into_iter().flatten() {
        let cell = |key| text(schedule, key);
        table.row([
            cell("name"),
            cell("cron"),
            cell("zone"),
            text(&schedule["job"], "queue"),
            text(&schedule["job"], "kind"),
            wall(schedule, "next"),
            wall(schedule, "last"),
            cell("last_job"),
            cell("paused"),
        ]);
    }
    table
}
