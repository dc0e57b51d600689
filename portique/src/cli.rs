//! The command line: what can be said, and who does it.

mod access;
mod alerts;
mod dead;
mod events;
mod finite;
mod input;
mod jobs;
mod journal;
mod launch;
mod logs;
mod notifications;
pub(crate) mod output;
mod page;
mod payments;
mod pools;
pub(crate) mod printable;
mod query;
mod queues;
mod rules;
mod runtime;
mod schedules;
mod series;
mod span;
mod targets;
mod tls;
mod up;
pub(crate) mod visitor;
pub(crate) mod words;

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use serde_json::json;

use output::{Output, say, write_text};

use crate::error::Error;
use crate::exit::Exit;

/// The control room in one binary.
#[derive(Debug, Parser)]
#[command(
    name = "portique",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
struct Cli {
    /// How results are written.
    #[arg(short, long, global = true, value_enum, default_value_t)]
    output: Output,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Start the hub and keep it up until it is told to stop.
    Up(up::Up),
    /// Launch control: poll, count, orders, mission log.
    Launch(launch::Launch),
    /// A bank's transactions: accounts, transfers, the journal, statements, proofs.
    Payments(payments::Payments),
    /// What happens, as CloudEvents: publish, follow, read again.
    Events(events::Events),
    /// Work that is queued: add, list, retry, cancel, watch.
    Jobs(jobs::Jobs),
    /// Jobs that were given up on: list, edit, replay, drop.
    Dead(dead::Dead),
    /// Where jobs wait: list, show, set, remove.
    Queues(queues::Queues),
    /// Jobs made by the clock: list, set, remove.
    Schedules(schedules::Schedules),
    /// Ask the telemetry in PromQL: a table, or a plot over a range.
    Query(query::Query),
    /// List series of the telemetry.
    Series(series::Series),
    /// Who is asked for samples, and how they are.
    Targets(targets::Targets),
    /// What fires, why, what people do about it, and who is told.
    Alerts(alerts::Alerts),
    /// Rules: check files, run their tests, see how those of a hub go.
    Rules(rules::Rules),
    /// Workers that the hub starts: how many, why, and who decides.
    Pools(pools::Pools),
    /// Why a pool has as many workers as it has, or had.
    Scale(pools::Scale),
    /// What workers and computers of modules print.
    Logs(logs::Logs),
    /// Do the jobs of a queue with any program.
    Worker(crate::worker::Worker),
    /// End the programs of a worker that is gone.
    #[command(hide = true, name = crate::worker::guard::VERB)]
    WorkerGuard,
    /// The configuration of who is told of alerts: check it.
    Notifications(notifications::Notifications),
    /// Be the on-board computer of one module of a rocket.
    Module(crate::module::Module),
    /// People who sign in by name: list, create, disable, give passwords and roles.
    User(access::User),
    /// Roles: named sets of permissions.
    Role(access::Role),
    /// Tokens that programs show for a user: list, create, revoke.
    Token(access::TokenVerb),
    /// Commands that take two people: list, approve, deny, cancel.
    Approvals(access::Approvals),
    /// What was changed and refused, by whom; verify that nothing of it was touched.
    Audit(access::Audit),
    /// By what clients know the hub's certificate.
    Tls(tls::Tls),
    /// Look at a journal on disk: check it, print its records.
    Journal(journal::Journal),
    /// Print a completion script for a shell.
    Completion {
        /// The shell.
        shell: Shell,
    },
    /// Print the version.
    Version,
}

/// Does what the arguments say; results go to standard output, all else to standard error.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let command = Cli::command().after_long_help(exit_statuses());
    let parsed = command
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Ok
            };
            // A closed pipe is the reader's choice.
            let _ = error.print();
            return exit;
        }
    };
    match dispatch(cli) {
        Ok(()) => Exit::Ok,
        Err(error) => {
            report(&error);
            error.exit()
        }
    }
}

fn dispatch(cli: Cli) -> Result<(), Error> {
    match cli.verb {
        Verb::Up(up) => up.run(),
        Verb::Launch(launch) => launch.run(cli.output),
        Verb::Payments(payments) => payments.run(cli.output),
        Verb::Events(events) => events.run(cli.output),
        Verb::Jobs(jobs) => jobs.run(cli.output),
        Verb::Dead(dead) => dead.run(cli.output),
        Verb::Queues(queues) => queues.run(cli.output),
        Verb::Schedules(schedules) => schedules.run(cli.output),
        Verb::Query(query) => query.run(cli.output),
        Verb::Series(series) => series.run(cli.output),
        Verb::Alerts(alerts) => alerts.run(cli.output),
        Verb::Targets(targets) => targets.run(cli.output),
        Verb::Rules(rules) => rules.run(cli.output),
        Verb::Pools(pools) => pools.run(cli.output),
        Verb::Scale(scale) => scale.run(cli.output),
        Verb::Logs(logs) => logs.run(cli.output),
        Verb::Worker(worker) => worker.run(),
        Verb::WorkerGuard => {
            crate::worker::guard::run();
            Ok(())
        }
        Verb::Notifications(notifications) => notifications.run(cli.output),
        Verb::Module(module) => module.run(),
        Verb::User(user) => user.run(cli.output),
        Verb::Role(role) => role.run(cli.output),
        Verb::Token(token) => token.run(cli.output),
        Verb::Approvals(approvals) => approvals.run(cli.output),
        Verb::Audit(audit) => audit.run(cli.output),
        Verb::Tls(tls) => tls.run(cli.output),
        Verb::Journal(journal) => journal.run(cli.output),
        Verb::Completion { shell } => completion(shell),
        Verb::Version => {
            let version = env!("CARGO_PKG_VERSION");
            match cli.output {
                Output::Table => write_text(&format!("portique {version}\n")),
                Output::Json => {
                    let version = json!({ "name": "portique", "version": version });
                    write_text(&format!("{version:#}\n"))
                }
            }
        }
    }
}

fn completion(shell: Shell) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "portique", &mut script);
    write_text(&String::from_utf8_lossy(&script))
}

fn report(error: &Error) {
    say(&format!("error: {}", portique_fault::chain(error)));
}

fn exit_statuses() -> String {
    Exit::ALL
        .iter()
        .fold("Exit statuses:\n".to_owned(), |mut text, exit| {
            writeln!(text, "  {:2}  {}", exit.status(), exit.meaning())
                .expect("text takes all writes");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_verb_contradicts_itself() {
        Cli::command().debug_assert();
    }
}
