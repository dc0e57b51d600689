//! `portique rules`: rule files and their tests, looked at without a hub, and the rules of a hub.

mod check;
mod files;
mod list;
mod test;

use std::sync::Arc;

use clap::{Args, Subcommand};
use portique_monitor::PromQl;
use portique_promql::{Config, Engine, syntax};

use super::output::Output;
use crate::error::Error;

const EXAMPLES: &str = "\
Examples:
  portique rules check rules/*.yml
  portique rules test tests.yml
  portique rules list --failing";

/// Looks at rules.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Rules {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the rules that a hub has loaded, and how they go.
    List(list::List),
    /// Have a hub read its rule files again; alerts of rules that stay go on.
    Reload(list::Reload),
    /// Check rule files; status 2 and every mistake with its place when one is wrong.
    Check {
        /// Rule files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
        /// Let rules use what is experimental in PromQL.
        #[arg(long)]
        experimental: bool,
    },
    /// Run unit tests of rule files, in the format of `promtool test rules`; status 1 when one fails.
    Test {
        /// Test files; the rule files are named in them.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
        /// Let rules and tests use what is experimental in PromQL.
        #[arg(long)]
        experimental: bool,
    },
}

impl Rules {
    pub(super) fn run(self, output: Output) -> Result<(), Error> {
        match self.verb {
            Verb::List(list) => list.run(output),
            Verb::Reload(reload) => reload.run(output),
            Verb::Check {
                files,
                experimental,
            } => check::run(&files, &promql(experimental), output),
            Verb::Test {
                files,
                experimental,
            } => test::run(&files, &promql(experimental), output),
        }
    }
}

fn promql(experimental: bool) -> PromQl {
    let mut config = Config::default();
    if experimental {
        config.syntax = syntax::Options::all();
    }
    PromQl::new(Arc::new(Engine::new(config)))
}
