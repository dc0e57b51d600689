//! How punctual a count is while the public watches.
//!
//! One rocket flies, its three modules with a hundred samples a second each. The count of another has a step every 0.15 s;
//! what is measured is how late each is done, by the mission log. Meanwhile viewers hold the stream of the webcast open, each
//! with a connection of its own, and have to hear of both missions. The same is done without viewers in the same run.

mod launch;
mod viewers;

use std::path::PathBuf;

use anyhow::ensure;
use bench_harness::{Figure, Hub, Report};
use clap::Parser;

use launch::Pad;
use viewers::Viewers;

/// 99 of 100 steps are done by so many milliseconds after their time.
const LATE_P99_MS_MAX: f64 = 20.0;

/// What to run.
#[derive(Debug, Parser)]
#[command(about, long_about = None)]
struct Options {
    /// The hub's binary.
    #[arg(long)]
    portique: PathBuf,
    /// Who watches.
    #[arg(long, default_value_t = 1_000)]
    viewers: usize,
    /// Counts with viewers, and as many without; the figures are their medians.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    ensure!(options.runs > 0, "--runs is 0: write 1 or more");
    ensure!(options.viewers > 0, "--viewers is 0: write 1 or more");
    viewers::make_room(options.viewers)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(Box::pin(run(&options)))
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let mut watched = Figure::latency("count_step_late_p99_ms", "ms").note("ms p50");
    let mut alone = Figure::latency("count_step_late_p99_ms_unwatched", "ms").note("ms p50");
    for _ in 0..options.runs {
        let (p50, p99) = count(options, 0).await?;
        alone.ours(p99, p50);
        let (p50, p99) = count(options, options.viewers).await?;
        watched.ours(p99, p50);
    }
    let mut report = Report::new("viewers");
    report.add(alone);
    report.add(watched.at_most(LATE_P99_MS_MAX));
    report.append_json()
}

/// How late the steps of one count are: the median and the 99th percentile, in milliseconds.
async fn count(options: &Options, viewers: usize) -> anyhow::Result<(f64, f64)> {
    let hub = Hub::start(&options.portique).await?;
    let mut pad = Pad::open(&hub).await?;
    let viewers = Viewers::open(&hub.http, viewers).await?;
    pad.fly("flying").await?;
    pad.count("counted").await?;
    let mut late_ms = pad.late_ms("counted").await?;
    viewers.close()?;
    hub.stop().await?;
    late_ms.sort_by(f64::total_cmp);
    let at = |percent: usize| late_ms[(late_ms.len() - 1) * percent / 100];
    Ok((at(50), at(99)))
}
