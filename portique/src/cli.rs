//! The command line: what can be said, and who does it.

mod up;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write as _};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::error::Error;
use crate::exit::Exit;

/// The control room in one binary.
#[derive(Debug, Parser)]
#[command(name = "portique", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Start the hub and keep it up until it is told to stop.
    Up(up::Up),
    /// Print the version.
    Version,
}

/// Does what the arguments say; results go to standard output, all else to standard error.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let command = Cli::command().after_long_help(exit_statuses());
    let parsed = command.try_get_matches_from(args).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
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
        Verb::Version => {
            writeln!(io::stdout(), "portique {}", env!("CARGO_PKG_VERSION")).map_err(Error::Output)
        }
    }
}

fn report(error: &Error) {
    let chain = portique_fault::chain(error);
    // There is nowhere left to say that standard error is gone.
    let _ = writeln!(io::stderr(), "error: {chain}");
}

fn exit_statuses() -> String {
    Exit::ALL.iter().fold("Exit statuses:\n".to_owned(), |mut text, exit| {
        writeln!(text, "  {}  {}", exit.status(), exit.meaning()).expect("text takes all writes");
        text
    })
}
