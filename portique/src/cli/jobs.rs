//! `portique jobs`: work that is queued.

mod add;
mod change;
mod list;
mod show;
mod top;

use clap::{Args, Subcommand};

use super::output::Output;
use super::visitor::{VisitArgs, Visitor};
use crate::error::Error;

pub(super) use change::each;

/// Work that is queued.
#[derive(Debug, Args)]
pub(super) struct Jobs {
    #[command(flatten)]
    visit: VisitArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Queue a job, or as many as standard input has lines.
    #[command(after_help = add::EXAMPLES)]
    Add(Box<add::Add>),
    /// List the jobs of a queue, oldest first, and why they wait.
    #[command(after_help = list::EXAMPLES)]
    List(list::List),
    /// Show everything about one job, its payload and its result.
    #[command(after_help = show::EXAMPLES)]
    Show(show::Show),
    /// Make jobs due now: delayed and failed ones, and dead ones with fresh counts.
    #[command(after_help = "Example:\n  portique jobs retry 4711 4712")]
    Retry(change::Ids),
    /// Cancel jobs that are not finished; the worker of an active one is told to stop.
    #[command(after_help = "Example:\n  portique jobs cancel 4711")]
    Cancel(change::Ids),
    /// Stop giving out the jobs of a queue, or of one of its groups; new ones are still taken in.
    #[command(after_help = "Examples:\n  portique jobs pause emails\n  \
                            portique jobs pause emails --group acme")]
    Pause(change::Queue),
    /// Give out jobs again; also ends a drain.
    #[command(after_help = "Example:\n  portique jobs resume emails")]
    Resume(change::Queue),
    /// Refuse new jobs until the queue is resumed, while those in it are worked off.
    #[command(after_help = "Example:\n  portique jobs drain emails")]
    Drain(change::DrainedQueue),
    /// Watch the queues live: backlog, ages, rates, and why jobs wait.
    #[command(after_help = top::EXAMPLES)]
    Top(top::Top),
}

impl Jobs {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        let visitor = self.visit.visitor()?;
        super::runtime::for_a_visit()?.block_on(visit(self.verb, &visitor, output))
    }
}

async fn visit(verb: Verb, visitor: &Visitor, output: Output) -> Result<(), Error> {
    match verb {
        Verb::Add(add) => add.run(visitor, output).await,
        Verb::List(list) => list.run(visitor, output).await,
        Verb::Show(show) => show.run(visitor, output).await,
        Verb::Retry(ids) => ids.change("retry", visitor, output).await,
        Verb::Cancel(ids) => ids.change("cancel", visitor, output).await,
        Verb::Pause(queue) => queue.change("pause", visitor, output).await,
        Verb::Resume(queue) => queue.change("resume", visitor, output).await,
        Verb::Drain(queue) => queue.change(visitor, output).await,
        Verb::Top(top) => top.run(visitor, output).await,
    }
}
