//! `portique alerts`: who is told of alerts, and what keeps them silent.

mod route;
mod schedule;
mod silence;
mod silences;

use clap::{Args, Subcommand};

use super::output::Output;
use super::visitor::{VisitArgs, Visitor};
use crate::error::Error;

/// Who is told of alerts, and what keeps them silent.
#[derive(Debug, Args)]
pub(super) struct Alerts {
    #[command(flatten)]
    visit: VisitArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Silence alerts: nobody is told of those that match.
    #[command(after_help = silence::EXAMPLES)]
    Silence(Box<silence::Silence>),
    /// Silences: list them, end some, see what one would mute.
    Silences(silences::Silences),
    /// Say which receivers are told of an alert with these labels.
    #[command(after_help = route::EXAMPLES)]
    Route(route::RouteArgs),
}

impl Alerts {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        if let Verb::Route(route) = &self.verb
            && route.is_offline()
        {
            return route.offline(output);
        }
        let visitor = self.visit.visitor()?;
        super::runtime::for_a_visit()?.block_on(visit(self.verb, &visitor, output))
    }
}

async fn visit(verb: Verb, visitor: &Visitor, output: Output) -> Result<(), Error> {
    match verb {
        Verb::Silence(silence) => silence.run(visitor, output).await,
        Verb::Silences(silences) => silences.run(visitor, output).await,
        Verb::Route(route) => route.ask(visitor, output).await,
    }
}
