//! How long from a datum over its limit to the acknowledged destruction command?
//!
//! Several simulated rockets fly at once in this process, each with three modules behind gRPC on
//! loopback and 100 samples a second from each. Their structural limit is set low, so that each
//! module passes it on its way up. The time runs from the arrival of the sample that trips the limit, as
//! the link stamps it, to the module's answer to the order that this causes. Everything that a hub
//! does with a sample before it judges it is in the figure: stream, conversion, queue, limit watch.
//! A second part measures the way through a rule: store, evaluation, alert, abort matrix.

mod alerted;
mod field;
mod report;
mod rules;

use std::time::Duration;

use anyhow::Context;
use clap::Parser;

/// Longest time for one round: a round takes some ten seconds.
const ROUND_MAX: Duration = Duration::from_secs(120);

/// The limit watch gives the order.
const REFLEX: report::Subject = report::Subject {
    figure: "datum to acknowledged destruction command",
    note: "100 samples/s asked of each module",
};
/// The alert of a rule does.
const ALERT: report::Subject = report::Subject {
    figure: "datum to acknowledged destruction command, by the alert of a rule",
    note: "the shipped rules and one more, 200 parameters in a sample, 100 samples/s asked of each module",
};

/// Measures the reflex.
#[derive(Debug, Clone, Parser)]
pub(crate) struct Options {
    /// Rockets that fly at once, three modules each.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=50))]
    rockets: u16,
    /// Rockets that fly at once where the alert of a rule gives the order.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=50))]
    alerted_rockets: u16,
    /// Rounds, each with new rockets.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Runtime::new().context("threads")?;
    let mut rounds = Vec::new();
    for round in 1..=options.rounds {
        let flown = field::fly(options.rockets);
        let measured = runtime
            .block_on(async { tokio::time::timeout(ROUND_MAX, flown).await })
            .with_context(|| format!("round {round} did not end within {ROUND_MAX:?}"))??;
        report::round("reflex", round, &measured);
        rounds.push(measured);
    }
    report::summary(&REFLEX, options.rockets, &rounds)?;
    let mut rounds = Vec::new();
    for round in 1..=options.rounds {
        let flown = alerted::fly(options.alerted_rockets);
        let measured = runtime
            .block_on(async { tokio::time::timeout(ROUND_MAX, flown).await })
            .with_context(|| format!("round {round} did not end within {ROUND_MAX:?}"))??;
        report::round("alert", round, &measured);
        rounds.push(measured);
    }
    report::summary(&ALERT, options.alerted_rockets, &rounds)
}
