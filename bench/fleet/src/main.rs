//! From a step in load to the full number of workers, with a real hub and real processes.
//!
//! Jobs come all at once to a queue that nobody works on. The clock runs from the request that brings them until each
//! of the workers that its pool may have has a job in hand. What one worker alone takes for the same way, from the first
//! job of a queue to that job in its hand, is measured in the same run: it is a worker's start, and the hub's look at the
//! queue before it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bench_harness::{Connection, Figure, Hub, Report};
use clap::Parser;
use serde_json::{Value, json};

/// What the whole step may take beyond the start of a worker.
const BEYOND_A_START_MS_MAX: f64 = 1_000.0;
/// Jobs of the step for each worker: more than enough for all to be wanted.
const JOBS_A_WORKER: usize = 50;
/// How often the pool is looked at.
const LOOK: Duration = Duration::from_millis(2);
/// A step that is not answered by then has failed.
const STEP_WAIT_MAX: Duration = Duration::from_secs(60);

/// What to run.
#[derive(Debug, Parser)]
#[command(about, long_about = None)]
struct Options {
    /// The hub's binary.
    #[arg(long)]
    portique: PathBuf,
    /// Workers that the pool may have.
    #[arg(long, default_value_t = 8)]
    workers: usize,
    /// Steps, each of a hub of its own; the figures are their medians.
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    ensure!(options.runs > 0, "--runs is 0: write 1 or more");
    ensure!(
        (1..=1_000).contains(&options.workers),
        "--workers is {}: write 1 to 1000",
        options.workers
    );
    let mut beyond =
        Figure::latency("step_to_full_beyond_a_start_ms", "ms").note("ms in all until all work");
    let mut lone = Figure::latency("first_job_to_first_worker_ms", "ms").note("");
    for _ in 0..options.runs {
        let (start_ms, full_ms) = step(&options).await?;
        lone.ours(start_ms, 0.0);
        beyond.ours((full_ms - start_ms).max(0.0), full_ms);
    }
    let mut report = Report::new("fleet");
    report.add(lone);
    report.add(beyond.at_most(BEYOND_A_START_MS_MAX));
    report.append_json()
}

/// Milliseconds until one worker of a pool of one works, and until all of a full pool do.
async fn step(options: &Options) -> anyhow::Result<(f64, f64)> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("portique.toml");
    std::fs::write(&config, pools(options.workers))?;
    let data = folder.path().join("data");
    let hub = Hub::start_with(&options.portique, &data, Some(&config)).await?;
    let mut connection = Connection::open(&hub.http, Some(&hub.token)).await?;
    let start = until_at_work(&mut connection, "lone", 1, 1).await?;
    let jobs = options.workers * JOBS_A_WORKER;
    let full = until_at_work(&mut connection, "full", jobs, options.workers).await?;
    // Its workers have hours of work: they are not waited for.
    hub.kill().await?;
    Ok((start, full))
}

fn pools(workers: usize) -> String {
    let pool = |name: &str, max: usize| {
        format!(
            "[[pools]]\nname = \"{name}\"\nqueue = \"{name}\"\nprogram = [\"sleep\", \"600\"]\n\
             max = {max}\n"
        )
    };
    pool("lone", 1) + &pool("full", workers)
}

/// Brings jobs to the queue of a pool, and waits until so many workers have one.
async fn until_at_work(
    connection: &mut Connection,
    pool: &str,
    jobs: usize,
    workers: usize,
) -> anyhow::Result<f64> {
    let job = json!({ "kind": "wait", "payload": {} });
    let body = serde_json::to_vec(&vec![job; jobs])?;
    let begin = Instant::now();
    let path = format!("/api/v1/queues/{pool}/jobs/batch");
    connection.post(&path, &body).await?;
    loop {
        let busy = at_work(connection, pool).await?;
        if busy >= workers {
            return Ok(begin.elapsed().as_secs_f64() * 1_000.0);
        }
        ensure!(
            begin.elapsed() < STEP_WAIT_MAX,
            "{busy} of {workers} workers of '{pool}' had a job after {STEP_WAIT_MAX:?}"
        );
        tokio::time::sleep(LOOK).await;
    }
}

/// Workers with a job in hand.
async fn at_work(connection: &mut Connection, pool: &str) -> anyhow::Result<usize> {
    let path = format!("/api/v1/pools/{pool}");
    let shown: Value = serde_json::from_slice(connection.fetch(&path).await?)?;
    let workers = shown["workers"].as_array().context("no workers are told")?;
    let busy = workers.iter().filter(|worker| worker["leased"] != json!(0));
    Ok(busy.count())
}
