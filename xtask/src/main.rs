//! House chores that need more than a line of shell: `cargo xtask tidy` holds the tree to its
//! rules, `cargo xtask fuzz` throws bytes at its readers.

mod fuzz;
mod tidy;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Chores of the house.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Hold the tree to the rules of STYLE.md and ARCHITECTURE.md; status 1 when one is broken.
    Tidy,
    /// Throw bytes at the readers of outside bytes; status 1 when one breaks.
    Fuzz(fuzz::Fuzz),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().chore {
        Chore::Tidy => tidy::run(),
        Chore::Fuzz(fuzz) => fuzz.run(),
    };
    done.unwrap_or_else(|error| {
        // Nobody is left to tell when standard error is closed.
        let _ = writeln!(io::stderr(), "error: {error:#}");
        ExitCode::FAILURE
    })
}
