//! What the journal does: writers that wait for each acknowledgement.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use bytes::Bytes;
use hdrhistogram::Histogram;
use portique_clock::{Seeded, WallClock};
use portique_journal::{
    Config, FolderDisk, Journal, Lane, Opened, Record, Retention, Scheduling, Sequence, spawn,
    verify,
};
use tokio::task::JoinSet;

use crate::BODY_BYTES;

/// Segments kept, so that a run writes as a long one does: into files used before.
const SEGMENTS_KEPT: u64 = 4;
/// Records after which older ones are released to retention.
const RELEASE_RECORDS: u64 = 50_000;
/// Latencies are kept to three digits.
const DIGITS: u8 = 3;
/// A minute: longer than any run.
const LATENCY_MICROS_MAX: u64 = 60_000_000;
/// Tasks that carry all the writers between them.
const TASKS_GATHERED: usize = 4;

/// Who writes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writers {
    pub(crate) count: usize,
    pub(crate) style: Style,
}

/// How writers are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Each is a task, woken for itself.
    TaskEach,
    /// A few tasks carry them all, each woken once for the records the watermark passed.
    Gathered,
}

/// What one run measured.
pub(crate) struct Appends {
    /// Acknowledged records.
    pub(crate) per_second: f64,
    /// From the call to the acknowledgement, in microseconds.
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    /// Mean records of a frame in what was left on the disk.
    pub(crate) records_per_frame: f64,
    pub(crate) scheduling: Scheduling,
}

/// Appends for `span`, in an empty folder.
pub(crate) fn measure(folder: &Path, writers: Writers, span: Duration) -> anyhow::Result<Appends> {
    let disk = Arc::new(FolderDisk::open(folder)?);
    let mut config = Config::default();
    let bytes = Some(SEGMENTS_KEPT * config.segment_bytes);
    config.retention = Retention { age: None, bytes };
    let clock = Arc::new(WallClock::new());
    let Opened {
        journal, committer, ..
    } = Journal::open(config, disk.clone(), clock, &mut Seeded::new(1))?;
    let committer = spawn(committer).context("the committer's thread")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let (latencies, took) = runtime.block_on(write(&journal, writers, span))?;
    let scheduling = journal.scheduling().unwrap_or(Scheduling::Ordinary);
    journal.close();
    committer
        .join()
        .map_err(|_| anyhow!("the committer panicked"))?;
    let kept = verify(disk.as_ref())?;
    let frames: u64 = kept.segments.iter().map(|segment| segment.frames).sum();
    let records: u64 = kept.segments.iter().map(|segment| segment.records).sum();
    Ok(Appends {
        per_second: latencies.len() as f64 / took.as_secs_f64(),
        p50_us: latencies.value_at_quantile(0.5),
        p99_us: latencies.value_at_quantile(0.99),
        records_per_frame: records as f64 / frames as f64,
        scheduling,
    })
}

async fn write(
    journal: &Journal,
    writers: Writers,
    span: Duration,
) -> anyhow::Result<(Histogram<u64>, Duration)> {
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    match writers.style {
        Style::TaskEach => {
            for _ in 0..writers.count {
                tasks.spawn(write_one_by_one(journal.clone(), start, span));
            }
        }
        Style::Gathered => {
            let tasks_max = writers.count.min(TASKS_GATHERED);
            for _ in 0..tasks_max {
                let count = writers.count / tasks_max;
                tasks.spawn(write_gathered(journal.clone(), count, start, span));
            }
        }
    }
    let mut all = histogram()?;
    while let Some(task) = tasks.join_next().await {
        all.add(task.context("a writer's task")??)?;
    }
    Ok((all, start.elapsed()))
}

/// One writer as one task.
async fn write_one_by_one(
    journal: Journal,
    start: Instant,
    span: Duration,
) -> anyhow::Result<Histogram<u64>> {
    let body = Bytes::from(vec![0x5a; BODY_BYTES]);
    let mut latencies = histogram()?;
    let mut called = start.elapsed();
    while called < span {
        let record = Record {
            kind: 1,
            body: body.clone(),
        };
        let sequences = journal.append(vec![record], Lane::Work).await?;
        let answered = start.elapsed();
        latencies.record(u64::try_from((answered - called).as_micros())?)?;
        called = answered;
        release(&journal, *sequences.end())?;
    }
    Ok(latencies)
}

/// Many writers in one task, as a connection carries many requests: each has one record on its way
/// and goes on when the watermark has passed it.
async fn write_gathered(
    journal: Journal,
    writers: usize,
    start: Instant,
    span: Duration,
) -> anyhow::Result<Histogram<u64>> {
    let body = Bytes::from(vec![0x5a; BODY_BYTES]);
    let mut latencies = histogram()?;
    let submit = || -> anyhow::Result<Sequence> {
        let record = Record {
            kind: 1,
            body: body.clone(),
        };
        Ok(*journal.submit(vec![record], Lane::Work)?.sequences().end())
    };
    let mut under_way = VecDeque::with_capacity(writers);
    for _ in 0..writers {
        let called = start.elapsed();
        under_way.push_back((submit()?, called));
    }
    while let Some(&(first, _)) = under_way.front() {
        journal.wait_durable(first).await?;
        let durable = journal.durable();
        let answered = start.elapsed();
        while let Some(&(sequence, called)) = under_way.front()
            && sequence <= durable
        {
            under_way.pop_front();
            latencies.record(u64::try_from((answered - called).as_micros())?)?;
            release(&journal, sequence)?;
            if answered < span {
                under_way.push_back((submit()?, answered));
            }
        }
    }
    Ok(latencies)
}

fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LATENCY_MICROS_MAX, DIGITS)?)
}

fn release(journal: &Journal, sequence: Sequence) -> anyhow::Result<()> {
    if sequence.0.is_multiple_of(RELEASE_RECORDS) {
        journal.trim(sequence)?;
    }
    Ok(())
}
