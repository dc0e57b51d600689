//! Jobs and events over the wire, beside the servers that people use for them today.
//!
//! Both sides do the same in turn in the same run, and every figure is a median. A producer and a worker
//! stand outside the server's process, on loopback. Ours is on stable storage before anything is
//! acknowledged; the peers run as they ship, and also as they would have to run to promise the same.

mod alone;
mod ascent;
mod bullmq;
mod events;
mod http;
mod hub;
mod jobs;
mod limit;
mod load;
mod process;
mod report;
mod server;

use std::path::PathBuf;

use anyhow::ensure;
use clap::Parser;

use report::Report;

/// As in the hub: whoever drives it should not be what is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What to run.
#[derive(Debug, Parser)]
#[command(about, long_about = None)]
struct Options {
    /// The hub's binary.
    #[arg(long)]
    portique: PathBuf,
    /// The driver of BullMQ.
    #[arg(long)]
    bullmq: PathBuf,
    /// The driver of NATS and Redis Streams.
    #[arg(long)]
    load: PathBuf,
    /// A nats-server that can sync before it acknowledges (2.10 or later).
    #[arg(long)]
    newer_nats: Option<PathBuf>,
    /// Leave the peers out, to look at ours alone.
    #[arg(long)]
    alone: bool,
    /// Runs of each side; the figures are their medians.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Only these: bulk, single, pace, ascent, publish, consume.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Jobs of our bulk run.
    #[arg(long, default_value_t = 500_000)]
    jobs: usize,
    /// Jobs of BullMQ's runs, and half of those of our single adds.
    #[arg(long, default_value_t = 60_000)]
    peer_jobs: usize,
    /// Seconds of the latency run.
    #[arg(long, default_value_t = 15)]
    pace_seconds: u32,
    /// Waiting jobs at which memory and restart are measured.
    #[arg(long, value_delimiter = ',', default_value = "0,1000000,10000000")]
    ascent: Vec<u64>,
    /// Events of each publishing run with many in flight.
    #[arg(long, default_value_t = 500_000)]
    events: usize,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    ensure!(options.runs > 0, "--runs is 0: write 1 or more");
    // One thread, as the peers' drivers have: the other processor is the server's.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(&options))
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let mut report = Report::default();
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|o| o == name);
    if wanted("bulk") {
        jobs::bulk(options, &mut report).await?;
    }
    if wanted("single") {
        jobs::single(options, &mut report).await?;
    }
    if wanted("pace") {
        jobs::pace(options, &mut report).await?;
    }
    if wanted("publish") {
        events::publish(options, &mut report).await?;
    }
    if wanted("consume") {
        events::consume(options, &mut report).await?;
    }
    if wanted("ascent") {
        for jobs in &options.ascent {
            ascent::measure(options, *jobs, &mut report).await?;
        }
    }
    report.append_json()
}
