//! Transfers from HTTP to posted and searchable, beside a pipeline of BullMQ, Redis and PostgreSQL.
//!
//! The same bodies go to each side in turn, in the same run. The clock runs from the first request until the last
//! transfer is found in the journal; processor time is that of every process of a side, what a database starts among
//! them. Before a figure counts, a side has to show that all were posted and that its balances sum to zero.
//!
//! `burst` measures nothing that is compared: it kills the hub while transfers come in, and looks for what is missing.
//! `search` holds searches of millions of transactions against the time they may take.

mod burst;
mod ours;
mod place;
mod processes;
mod search;
mod theirs;
mod trial;

use std::path::PathBuf;

use anyhow::ensure;
use bench_harness::{Figure, Report};
use clap::{Parser, Subcommand};

use theirs::Storing;
use trial::Took;

/// Whoever sends should not be what is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is promised of ours, in transfers a second.
const RATE_MIN: f64 = 50_000.0;
/// How many times that of the other pipeline.
const RATIO_MIN: f64 = 20.0;
/// Transfers of one request: what the pipelines carry as one batch.
const BATCH: u32 = 1_000;

/// What to run.
#[derive(Debug, Parser)]
#[command(about, long_about = None)]
struct Options {
    /// The hub's binary.
    #[arg(long)]
    portique: PathBuf,
    /// Where the peer's services are.
    #[arg(long)]
    services: PathBuf,
    /// Where PostgreSQL's programs are.
    #[arg(long)]
    postgres: PathBuf,
    /// Leave the peers out, to look at ours alone.
    #[arg(long)]
    alone: bool,
    /// Leave ours out, to look at the peers alone.
    #[arg(long, conflicts_with = "alone")]
    peers_alone: bool,
    /// Runs of each side; the figures are their medians.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Transfers of a run, in thousands.
    #[arg(long, default_value_t = 500)]
    batches: u32,
    /// As `--batches`, for the peer that stores one by one.
    #[arg(long, default_value_t = 10)]
    single_batches: u32,
    /// Connections that send at the same time.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Customers' accounts.
    #[arg(long, default_value_t = 2_000)]
    accounts: u32,
    #[command(subcommand)]
    other: Option<Other>,
}

#[derive(Debug, Subcommand)]
enum Other {
    /// Kill the hub while transfers come in, and look for what is missing.
    Burst(burst::Burst),
    /// Fill the journal with millions of transactions, and search them.
    Search(search::Search),
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    ensure!(options.runs > 0, "--runs is 0: write 1 or more");
    ensure!(options.batches > 0, "--batches is 0: write 1 or more");
    ensure!(
        options.connections > 0,
        "--connections is 0: write 1 or more"
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    match &options.other {
        Some(Other::Burst(burst)) => runtime.block_on(Box::pin(burst.run(&options))),
        Some(Other::Search(search)) => runtime.block_on(Box::pin(search.run(&options))),
        None => runtime.block_on(Box::pin(run(&options))),
    }
}

/// The three figures of a run.
struct Figures {
    rate: Figure,
    processors: Figure,
    memory: Figure,
}

impl Figures {
    fn new() -> Self {
        let rate = Figure::rate("payments", "transfers/s").note("s until all were accepted");
        Self {
            rate: rate.at_least(RATE_MIN),
            processors: Figure::least("payments_cpu_seconds_per_million", "s"),
            memory: Figure::least("payments_memory_mib", "MiB"),
        }
    }

    fn ours(&mut self, took: &Took) {
        self.rate.ours(took.rate, took.accepted_s);
        self.processors.ours(took.cpu_s_per_million, 0.0);
        self.memory.ours(took.memory_mib, 0.0);
    }

    fn peer(&mut self, peer: bench_harness::Peer, took: &Took) {
        self.rate.peer(peer, took.rate, took.accepted_s);
        self.processors.peer(peer, took.cpu_s_per_million, 0.0);
        self.memory.peer(peer, took.memory_mib, 0.0);
    }
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let mut figures = Figures::new();
    for _ in 0..options.runs {
        if !options.peers_alone {
            figures.ours(&ours::run(options).await?);
        }
        if options.alone {
            continue;
        }
        for storing in [Storing::Batches, Storing::OneByOne] {
            let peer = theirs::peer(options, storing).await?;
            figures.peer(peer, &theirs::run(options, storing).await?);
            figures.rate = figures.rate.target(peer, RATIO_MIN);
        }
    }
    let mut report = Report::new("payments");
    for figure in [figures.rate, figures.processors, figures.memory] {
        report.add(figure);
    }
    report.append_json()
}
