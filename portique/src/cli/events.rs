//! `portique events`: what happens, as CloudEvents.

mod groups;
mod publish;
mod replay;
mod tail;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::output::Output;
use super::visitor::{VisitArgs, Visitor};
use super::words::text;
use crate::error::Error;

/// What happens, as CloudEvents.
#[derive(Debug, Args)]
pub(super) struct Events {
    #[command(flatten)]
    visit: VisitArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Publish an event, or as many as standard input has lines.
    #[command(after_help = publish::EXAMPLES)]
    Publish(Box<publish::Publish>),
    /// Follow what happens from now on, or from an event on.
    #[command(after_help = tail::EXAMPLES)]
    Tail(tail::Tail),
    /// Print what happened, one CloudEvent in JSON a line.
    #[command(after_help = replay::EXAMPLES)]
    Replay(replay::Replay),
    /// List the groups of consumers: where each is, and what it has in hand.
    Groups(groups::Groups),
}

impl Events {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        let visitor = self.visit.visitor()?;
        super::runtime::for_a_visit()?.block_on(visit(self.verb, &visitor, output))
    }
}

async fn visit(verb: Verb, visitor: &Visitor, output: Output) -> Result<(), Error> {
    match verb {
        Verb::Publish(publish) => publish.run(visitor, output).await,
        Verb::Tail(tail) => tail.run(visitor, output).await,
        Verb::Replay(replay) => replay.run(visitor).await,
        Verb::Groups(groups) => groups.run(visitor, output).await,
    }
}

/// An event in one line for people: when, where, what, about what.
fn line(sequence: &Value, event: &Value) -> String {
    let cell = |key| text(event, key);
    let data = match (event.get("data"), event.get("data_base64")) {
        (Some(data), _) => data.to_string(),
        (None, Some(_)) => format!("({})", cell("datacontenttype")),
        (None, None) => String::new(),
    };
    let [time, subject, kind] = ["time", "subject", "type"].map(cell);
    format!("{sequence:>8}  {time}  {subject}  {kind}  {data}")
}
