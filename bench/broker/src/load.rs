//! Loads of jobs on the hub: over gRPC in batches, over HTTP one by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use hdrhistogram::Histogram;
use portique_jobs::{
    Claim, Claimed, Completion, JobKind, Jobs, NewJob, Payload, QueueName, WorkerName,
};
use tokio::task::JoinSet;

use crate::http::Connection;
use crate::hub::Hub;

/// Jobs per batch, on both sides.
pub(crate) const BATCH: usize = 100;
/// Adds that are not answered yet, and jobs that a worker has in hand, on both sides.
pub(crate) const IN_FLIGHT: usize = 50;
/// Where the jobs go.
const QUEUE: &str = "bench";
const PAYLOAD_BYTES: usize = 200;
/// What stands before the time at which a job was due.
const DUE: &str = "\"due\":";
const PADDING: &str = match std::str::from_utf8(&[b'x'; PAYLOAD_BYTES]) {
    Ok(text) => text,
    Err(_) => "",
};
const CLOSING: &str = "\"}";
/// Batches that are not answered yet: some are on their way while others are written.
const BATCHES_IN_FLIGHT: usize = 4;
/// Claims that are open at a time, so that completing does not hold up the next claim.
const WORKERS: usize = 2;
/// How long a claim waits: the load is over long before.
const CLAIM_WAIT: Duration = Duration::from_secs(5);
/// Claims without a job after which something is lost.
const EMPTY_CLAIMS_MAX: usize = 6;

/// What a load came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    /// Jobs a second, from the first add to the last acknowledged completion.
    pub(crate) rate: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// Adds in batches and completes in batches, over gRPC.
pub(crate) async fn bulk(hub: &Hub, jobs: usize) -> anyhow::Result<Ended> {
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    let (worker, producer) = (hub.client().await?.jobs(), hub.client().await?.jobs());
    tasks.spawn(work(worker, jobs, begin));
    tasks.spawn(add_batches(producer, jobs, begin));
    finish(tasks, jobs, begin).await
}

/// Adds one job a request over HTTP, and completes in batches.
pub(crate) async fn single(hub: &Hub, jobs: usize) -> anyhow::Result<Ended> {
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    tasks.spawn(work(hub.client().await?.jobs(), jobs, begin));
    let next = Arc::new(AtomicUsize::new(0));
    for _ in 0..IN_FLIGHT {
        let mut connection = Connection::open(&hub.http, &hub.token).await?;
        let next = next.clone();
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= jobs {
                    return Ok(None);
                }
                add(&mut connection, number, begin.elapsed()).await?;
            }
        });
    }
    finish(tasks, jobs, begin).await
}

/// Adds `rate` jobs a second over HTTP, each at its time, whatever the answers do.
pub(crate) async fn paced(hub: &Hub, rate: u32, seconds: u32) -> anyhow::Result<Ended> {
    let jobs = (rate * seconds) as usize;
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    tasks.spawn(work(hub.client().await?.jobs(), jobs, begin));
    let next = Arc::new(AtomicUsize::new(0));
    for _ in 0..IN_FLIGHT {
        let mut connection = Connection::open(&hub.http, &hub.token).await?;
        let next = next.clone();
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= jobs {
                    return Ok(None);
                }
                let due = Duration::from_secs_f64(number as f64 / f64::from(rate));
                tokio::time::sleep_until((begin + due).into()).await;
                add(&mut connection, number, due).await?;
            }
        });
    }
    finish(tasks, jobs, begin).await
}

/// Adds jobs in batches; nobody works on them.
pub(crate) async fn fill(hub: &Hub, jobs: u64) -> anyhow::Result<()> {
    let producer = hub.client().await?.jobs();
    let jobs = usize::try_from(jobs).context("too many jobs")?;
    add_batches(producer, jobs, Instant::now()).await.map(drop)
}

type Latencies = Histogram<u64>;

/// Waits for everybody; the worker brings the times.
async fn finish(
    mut tasks: JoinSet<anyhow::Result<Option<Latencies>>>,
    jobs: usize,
    begin: Instant,
) -> anyhow::Result<Ended> {
    let mut latencies = None;
    while let Some(ended) = tasks.join_next().await {
        latencies = ended??.or(latencies);
    }
    let rate = jobs as f64 / begin.elapsed().as_secs_f64();
    let latencies = latencies.context("no worker")?;
    let at = |quantile| latencies.value_at_quantile(quantile) as f64 / 1000.0;
    Ok(Ended {
        rate,
        p50_ms: at(0.5),
        p99_ms: at(0.99),
    })
}

async fn add_batches(
    producer: Arc<dyn Jobs>,
    jobs: usize,
    begin: Instant,
) -> anyhow::Result<Option<Latencies>> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut lanes = JoinSet::new();
    for _ in 0..BATCHES_IN_FLIGHT {
        let (producer, next) = (producer.clone(), next.clone());
        lanes.spawn(async move {
            loop {
                let from = next.fetch_add(BATCH, Ordering::Relaxed);
                if from >= jobs {
                    return anyhow::Ok(());
                }
                let numbers = from..jobs.min(from + BATCH);
                let batch = numbers.map(|number| job(number, begin.elapsed()));
                producer.enqueue(batch.collect()).await?;
            }
        });
    }
    while let Some(lane) = lanes.join_next().await {
        lane??;
    }
    Ok(None)
}

/// Completes so many jobs; the times are from when each was due to when its completion was
/// acknowledged, in microseconds.
async fn work(
    jobs: Arc<dyn Jobs>,
    count: usize,
    begin: Instant,
) -> anyhow::Result<Option<Latencies>> {
    let done = Arc::new(AtomicUsize::new(0));
    let mut lanes = JoinSet::new();
    for _ in 0..WORKERS {
        lanes.spawn(work_lane(jobs.clone(), count, done.clone(), begin));
    }
    let mut latencies = Histogram::new(3)?;
    while let Some(lane) = lanes.join_next().await {
        latencies.add(lane??)?;
        if done.load(Ordering::SeqCst) >= count {
            lanes.abort_all();
            while lanes.join_next().await.is_some() {}
        }
    }
    let done = done.load(Ordering::SeqCst);
    anyhow::ensure!(done == count, "{done} of {count} jobs were completed");
    Ok(Some(latencies))
}

async fn work_lane(
    jobs: Arc<dyn Jobs>,
    count: usize,
    done: Arc<AtomicUsize>,
    begin: Instant,
) -> anyhow::Result<Latencies> {
    let mut latencies = Histogram::new(3)?;
    let mut empty = 0;
    while done.load(Ordering::SeqCst) < count && empty < EMPTY_CLAIMS_MAX {
        let claimed = jobs.claim(claim()?).await?;
        empty = if claimed.is_empty() { empty + 1 } else { 0 };
        if claimed.is_empty() {
            continue;
        }
        let dues: Vec<u64> = claimed.iter().map(due_micros).collect::<Result<_, _>>()?;
        let completions: Vec<_> = claimed
            .iter()
            .map(|job| Completion {
                lease: job.lease,
                result: None,
            })
            .collect();
        let settled = jobs.complete(completions).await?;
        anyhow::ensure!(
            settled.iter().all(|s| *s == portique_jobs::Settled::Done),
            "a completion was refused"
        );
        let now = begin.elapsed().as_micros() as u64;
        for due in dues {
            latencies.saturating_record(now.saturating_sub(due));
        }
        done.fetch_add(claimed.len(), Ordering::SeqCst);
    }
    Ok(latencies)
}

fn claim() -> anyhow::Result<Claim> {
    Ok(Claim {
        queue: QueueName::new(QUEUE)?,
        worker: WorkerName::new("bench")?,
        limit: BATCH,
        wait: CLAIM_WAIT,
        lease: None,
    })
}

fn job(number: usize, due: Duration) -> NewJob {
    let queue = QueueName::new(QUEUE).expect("it keeps the rule");
    let kind = JobKind::new("job").expect("it keeps the rule");
    NewJob::new(queue, kind, Payload::json(payload(number, due)))
}

async fn add(connection: &mut Connection, number: usize, due: Duration) -> anyhow::Result<()> {
    let path = format!("/api/v1/queues/{QUEUE}/jobs?kind=job");
    connection
        .post(&path, &payload(number, due))
        .await
        .map(drop)
}

/// A JSON object of [`PAYLOAD_BYTES`].
fn payload(number: usize, due: Duration) -> Bytes {
    let due = due.as_micros();
    let mut text = format!("{{{DUE}{due},\"number\":{number},\"padding\":\"");
    text.push_str(&PADDING[..PAYLOAD_BYTES.saturating_sub(text.len() + CLOSING.len())]);
    text.push_str(CLOSING);
    text.into()
}

fn due_micros(job: &Claimed) -> anyhow::Result<u64> {
    let text = std::str::from_utf8(&job.payload.body)?;
    let after = text.split_once(DUE).map(|(_, after)| after);
    let digits = after.and_then(|after| after.split(',').next());
    digits
        .context("a job without its time")?
        .parse()
        .context("not a time")
}
