//! Telemetry by remote write and queries over it, beside Prometheus and VictoriaMetrics.
//!
//! Each side takes the same bodies on the same two processors in turn, and has to answer the same queries with the
//! same values before a figure counts. Every figure is a median.

mod disk;
mod ingest;
mod query;
mod restart;
mod send;
mod series;
mod shapes;
mod side;
mod wire;

use std::path::PathBuf;

use anyhow::ensure;
use bench_harness::Report;
use clap::Parser;

use side::Sides;

/// Whoever sends should not be what is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    /// VictoriaMetrics' binary.
    #[arg(long)]
    victoria_metrics: PathBuf,
    /// Leave the peers out, to look at ours alone.
    #[arg(long)]
    alone: bool,
    /// Runs of each side; the figures are their medians.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Only these: ingest, restart, disk.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Series of the mixed data, in percent of its 100,000.
    #[arg(long, default_value_t = 100)]
    percent: usize,
    /// Samples of each of them, 15 s apart.
    #[arg(long, default_value_t = 120)]
    samples: usize,
    /// Series before the restart, each with 30 samples.
    #[arg(long, default_value_t = 200_000)]
    wide_series: usize,
    /// Connections that send at the same time.
    #[arg(long, default_value_t = 2)]
    connections: usize,
    /// Seconds after the last answer until memory is read and processor time is summed up: what a side does later
    /// for what was sent counts, too.
    #[arg(long, default_value_t = 15)]
    settle_seconds: u64,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    ensure!(options.runs > 0, "--runs is 0: write 1 or more");
    ensure!(
        options.connections > 0,
        "--connections is 0: write 1 or more"
    );
    ensure!(options.percent > 0, "--percent is 0: write 1 or more");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(run(&options))
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let sides = Sides::find(options).await?;
    let mut report = Report::new("telemetry");
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|o| o == name);
    if wanted("ingest") {
        ingest::measure(options, &sides, &mut report).await?;
    }
    if wanted("restart") {
        restart::measure(options, &sides, &mut report).await?;
    }
    if wanted("disk") {
        disk::measure(options, &sides, &mut report).await?;
    }
    report.append_json()
}
