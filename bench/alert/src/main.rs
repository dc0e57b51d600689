//! From an event to the call of a webhook, beside Prometheus and Alertmanager.
//!
//! A level crosses its limit, an alert fires, a webhook is called: what is measured is the time between. Each level is
//! a series, an alert and a group of its own, and both sides have as many other rules loaded, over series that are
//! there. Ours is told of the level as it crosses; Prometheus finds out at its next scrape, as often as it scrapes.

mod board;
mod files;
mod listener;
mod ours;
mod theirs;
mod trial;

use std::path::PathBuf;

use anyhow::ensure;
use bench_harness::{Figure, Peer, Report};
use clap::Parser;

/// Whoever drives it should not be what is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is promised of 99 in 100.
const P99_MS_MAX: f64 = 50.0;

/// What to run.
#[derive(Debug, Parser)]
#[command(about, long_about = None)]
struct Options {
    /// The hub's binary.
    #[arg(long)]
    portique: PathBuf,
    /// Prometheus' binary.
    #[arg(long)]
    prometheus: PathBuf,
    /// Alertmanager's binary.
    #[arg(long)]
    alertmanager: PathBuf,
    /// Leave the peers out, to look at ours alone.
    #[arg(long)]
    alone: bool,
    /// Runs of each side; the figures are their medians.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Events of a run.
    #[arg(long, default_value_t = 200)]
    events: usize,
    /// Rules that are loaded beside the one that fires.
    #[arg(long, default_value_t = 1_000)]
    rules: usize,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    ensure!(options.runs > 0, "--runs is 0: write 1 or more");
    ensure!(options.events > 0, "--events is 0: write 1 or more");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(run(&options))
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let peer = Peer::new(
        "Prometheus and Alertmanager",
        "prometheus_alertmanager",
        theirs::versions(options).await?,
        "scraped and evaluated each second, group_wait 0s",
    );
    let mut p50 = Figure::least("event_to_webhook_p50_ms", "ms");
    let mut p99 = Figure::least("event_to_webhook_p99_ms", "ms").at_most(P99_MS_MAX);
    p99 = p99.note("longest");
    for _ in 0..options.runs {
        let took = ours::run(options).await?;
        p50.ours(took.at(0.5), 0.0);
        p99.ours(took.at(0.99), took.at(1.0));
        if !options.alone {
            let took = theirs::run(options).await?;
            p50.peer(peer, took.at(0.5), 0.0);
            p99.peer(peer, took.at(0.99), took.at(1.0));
        }
    }
    let mut report = Report::new("alert");
    report.add(p50);
    report.add(p99);
    report.append_json()
}
