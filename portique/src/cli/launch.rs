//! `portique launch`: launch control from the command line.

mod add;
mod change;
mod log;
mod order;
mod replay;
mod status;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::Output;
use super::visitor::{VisitArgs, Visitor};
use crate::data_folder::file_error;
use crate::error::Error;
use change::{Change, Poll, Reasoned, Rocket, Vote};

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
struct Weather {
    /// The rocket's name.
    rocket: String,
    /// A METAR report to take in, such as "KXMR 211255Z 09008KT 10SM FEW030 24/18 A3012".
    #[arg(long, value_name = "TEXT")]
    metar: Option<String>,
    /// A TAF forecast to take in, such as "KXMR 211130Z 2112/2212 09010KT P6SM FEW030".
    #[arg(long, value_name = "TEXT")]
    taf: Option<String>,
    /// Take in a calm day from a simulated station; not for a vehicle that may be real.
    #[arg(long)]
    simulated: bool,
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
    let change = match verb {
        Verb::Status(status) => return status.run(visitor, output).await,
        Verb::Add(add) => return add.run(visitor, output).await,
        Verb::Weather(weather) => return report_weather(weather, visitor, output).await,
        Verb::Order(order) => return order.run(visitor, output).await,
        Verb::Log(log) => return log.run(visitor, output).await,
        Verb::Telemetry(telemetry) => return telemetry.run(visitor, output).await,
        Verb::Watch(Rocket { rocket }) => return crate::demo::watch(visitor, &rocket).await,
        Verb::Replay(replay) => return replay.run(output),
        Verb::Poll(poll) => poll.into(),
        Verb::Vote(vote) => vote.into(),
        Verb::Go(Rocket { rocket }) => Change::count(rocket, &[], "the count runs"),
        Verb::Hold(reasoned) => reasoned.change("hold", "the count is held"),
        Verb::Resume(Rocket { rocket }) => {
            Change::count(rocket, &["resume"], "the count runs again")
        }
        Verb::Scrub(reasoned) => reasoned.change("scrub", "scrubbed"),
    };
    change.ask(visitor, output).await
}

async fn report_weather(weather: Weather, visitor: &Visitor, output: Output) -> Result<(), Error> {
    let Weather {
        rocket,
        metar,
        taf,
        simulated,
    } = weather;
    let path = ["launch", "rockets", &rocket, "weather"];
    if let Some(metar) = metar {
        visitor.post(&path, &json!({ "metar": metar })).await?;
    }
    if simulated {
        visitor.post(&path, &json!({ "simulated": {} })).await?;
    }
    if let Some(taf) = taf {
        visitor.post(&path, &json!({ "taf": taf })).await?;
    }
    let report = visitor.get(&path, &[]).await?;
    super::output::write_result(output, &report, |report| vec![status::criteria(report)])
}

/// The text of a file that is to be sent or replayed.
fn read_file(path: &Path, bytes_max: usize) -> Result<String, Error> {
    let file = File::open(path).map_err(|source| file_error("read", path, source))?;
    // A pipe has none; what was read of it is named then.
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let mut text = String::new();
    file.take(bytes_max as u64 + 1)
        .read_to_string(&mut text)
        .map_err(|source| file_error("read", path, source))?;
    if text.len() > bytes_max {
        let bytes = size.max(text.len() as u64);
        let message = format!(
            "{} has {bytes} bytes: at most {bytes_max} are taken here; cut it or thin it out",
            path.display()
        );
        return Err(Error::Usage { message });
    }
    Ok(text)
}
