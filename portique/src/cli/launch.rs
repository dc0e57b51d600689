//! `portique launch`: launch control from the command line.

mod add;
mod log;
mod order;
mod replay;
mod status;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::output::{Output, write_text};
use super::visitor::{VisitArgs, Visitor};
use crate::data_folder::file_error;
use crate::error::Error;

/// Launch control.
#[derive(Debug, Args)]
pub(super) struct Launch {
    #[command(flatten)]
    visit: VisitArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show all rockets, or everything about one.
    Status(status::Status),
    /// Add a rocket, or a module to one.
    Add(add::Add),
    /// Report the weather at the pad, or show the last report against the criteria.
    Weather(Weather),
    /// Ask every station for go or no-go, and close the poll with the final decision.
    Poll(Poll),
    /// Answer a poll for a station.
    Vote(Vote),
    /// Give the launch order: the count starts.
    Go(Rocket),
    /// Stop the clock.
    Hold(Reasoned),
    /// Let a held clock run on.
    Resume(Rocket),
    /// Give the launch up for now.
    Scrub(Reasoned),
    /// Give a module an order and wait for its answer.
    Order(order::OrderArgs),
    /// Read the mission log.
    Log(log::Log),
    /// Read a module's recorded telemetry.
    Telemetry(log::Telemetry),
    /// Find the events of a recorded flight; needs no hub.
    Replay(replay::Replay),
    /// Watch a rocket live until its flight is over.
    Watch(Rocket),
}

#[derive(Debug, Args)]
struct Rocket {
    /// The rocket's name.
    rocket: String,
}

#[derive(Debug, Args)]
struct Reasoned {
    /// The rocket's name.
    rocket: String,
    /// Why; it goes into the mission log.
    reason: String,
}

#[derive(Debug, Args)]
struct Weather {
    /// The rocket's name.
    rocket: String,
    /// A METAR report to take in, such as "KXMR 211255Z 09008KT 10SM FEW030 24/18 A3012".
    #[arg(long, value_name = "TEXT")]
    metar: Option<String>,
}

#[derive(Debug, Args)]
struct Poll {
    #[command(subcommand)]
    verb: PollVerb,
}

#[derive(Debug, Subcommand)]
enum PollVerb {
    /// Ask every station on the roster.
    Open {
        /// The rocket's name.
        rocket: String,
        /// Take answers for this many seconds.
        #[arg(long, value_name = "SECONDS")]
        deadline: Option<f64>,
    },
    /// Close the poll with the final decision.
    Close {
        /// The rocket's name.
        rocket: String,
        /// The decision.
        decision: Decision,
    },
}

#[derive(Debug, Args)]
struct Vote {
    /// The rocket's name.
    rocket: String,
    /// The station that answers.
    station: String,
    /// Its answer.
    vote: Decision,
    /// A remark for the log.
    #[arg(long)]
    comment: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Decision {
    Go,
    #[value(alias = "no_go", alias = "nogo")]
    NoGo,
}

impl Decision {
    fn wire(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::NoGo => "no_go",
        }
    }
}

impl Launch {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        if let Verb::Replay(replay) = self.verb {
            return replay.run(output);
        }
        let visitor = self.visit.visitor()?;
        super::runtime::for_a_visit()?.block_on(visit(self.verb, &visitor, output))
    }
}

async fn visit(verb: Verb, visitor: &Visitor, output: Output) -> Result<(), Error> {
    match verb {
        Verb::Status(status) => status.run(visitor, output).await,
        Verb::Add(add) => add.run(visitor, output).await,
        Verb::Weather(weather) => report_weather(weather, visitor, output).await,
        Verb::Poll(Poll {
            verb: PollVerb::Open { rocket, deadline },
        }) => {
            let body = json!({ "deadline_s": deadline });
            change(
                visitor,
                output,
                &rocket,
                &["poll"],
                body,
                "the poll is open",
            )
            .await
        }
        Verb::Poll(Poll {
            verb: PollVerb::Close { rocket, decision },
        }) => {
            let body = json!({ "decision": decision.wire() });
            change(
                visitor,
                output,
                &rocket,
                &["poll", "close"],
                body,
                "the poll is closed",
            )
            .await
        }
        Verb::Vote(vote) => {
            let Vote {
                rocket,
                station,
                vote,
                comment,
            } = vote;
            let body = json!({ "station": station, "vote": vote.wire(), "comment": comment });
            change(
                visitor,
                output,
                &rocket,
                &["poll", "votes"],
                body,
                "the vote is recorded",
            )
            .await
        }
        Verb::Go(Rocket { rocket }) => {
            change(
                visitor,
                output,
                &rocket,
                &["count"],
                json!({}),
                "the count runs",
            )
            .await
        }
        Verb::Hold(Reasoned { rocket, reason }) => {
            let body = json!({ "reason": reason });
            change(
                visitor,
                output,
                &rocket,
                &["count", "hold"],
                body,
                "the count is held",
            )
            .await
        }
        Verb::Resume(Rocket { rocket }) => {
            let path = ["count", "resume"];
            change(
                visitor,
                output,
                &rocket,
                &path,
                json!({}),
                "the count runs again",
            )
            .await
        }
        Verb::Scrub(Reasoned { rocket, reason }) => {
            let body = json!({ "reason": reason });
            change(
                visitor,
                output,
                &rocket,
                &["count", "scrub"],
                body,
                "scrubbed",
            )
            .await
        }
        Verb::Order(order) => order.run(visitor, output).await,
        Verb::Log(log) => log.run(visitor, output).await,
        Verb::Telemetry(telemetry) => telemetry.run(visitor, output).await,
        Verb::Watch(Rocket { rocket }) => crate::demo::watch(visitor, &rocket).await,
        Verb::Replay(replay) => replay.run(output),
    }
}

/// Changes something about a rocket, and says what has become of it.
async fn change(
    visitor: &Visitor,
    output: Output,
    rocket: &str,
    what: &[&str],
    body: Value,
    done: &str,
) -> Result<(), Error> {
    let mut path = vec!["launch", "rockets", rocket];
    path.extend(what);
    let answer = visitor.post(&path, &body).await?;
    match output {
        Output::Json => write_text(&format!("{answer:#}\n")),
        Output::Table => write_text(&format!("{rocket}: {done}\n")),
    }
}

async fn report_weather(weather: Weather, visitor: &Visitor, output: Output) -> Result<(), Error> {
    let Weather { rocket, metar } = weather;
    let path = ["launch", "rockets", &rocket, "weather"];
    if let Some(metar) = metar {
        visitor.post(&path, &json!({ "metar": metar })).await?;
    }
    let report = visitor.get(&path, &[]).await?;
    super::output::write_result(output, &report, |report| vec![status::criteria(report)])
}

/// The text of a file that is to be sent or replayed.
fn read_file(path: &Path, bytes_max: usize) -> Result<String, Error> {
    let file = File::open(path).map_err(|source| file_error("read", path, source))?;
    let mut text = String::new();
    file.take(bytes_max as u64 + 1)
        .read_to_string(&mut text)
        .map_err(|source| file_error("read", path, source))?;
    if text.len() > bytes_max {
        let message = format!("{} is larger than {bytes_max} bytes", path.display());
        return Err(Error::Usage { message });
    }
    Ok(text)
}
