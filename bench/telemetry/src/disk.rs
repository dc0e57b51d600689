//! What the shapes of telemetry take on disk once they are history.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use bench_harness::{Figure, Report};
use serde_json::Value;
use walkdir::WalkDir;

use crate::Options;
use crate::query::{Asked, Values, compare};
use crate::send::send;
use crate::series;
use crate::shapes;
use crate::side::{Kind, Running, Side, Sides};
use crate::wire::Body;

/// Over the shapes, with everything that is needed to find and read them.
const SAMPLE_BYTES_MAX: f64 = 1.6;
/// The last samples leave the head when there are some so much later.
const LATER_MS: i64 = 4 * 60 * 60 * 1000;
/// Bytes that have not changed for so long do not change any more.
const STILL: Duration = Duration::from_secs(8);
const WAIT_MAX: Duration = Duration::from_secs(240);
/// All samples of one of the shapes that are there to the end.
const EVERYTHING: &str = "sum by (instance) (sum_over_time(memory[80h]))";
/// After the last of them.
const EVERYTHING_MS: i64 = 12 * 60 * 1000;

pub(crate) async fn measure(
    options: &Options,
    sides: &Sides,
    report: &mut Report,
) -> anyhow::Result<()> {
    let end_ms = series::end_ms() - LATER_MS;
    let (bodies, samples) = shapes::bodies(end_ms)?;
    let bodies = Arc::new(bodies);
    let mut figure = Figure::least("disk_bytes_a_sample", "B").at_most(SAMPLE_BYTES_MAX);
    for _ in 0..options.runs {
        let mut ours = None;
        for side in &sides.all {
            let (bytes, everything) = one(side, &bodies, end_ms).await?;
            let a_sample = bytes as f64 / samples as f64;
            match &ours {
                None => {
                    figure.ours(a_sample, 0.0);
                    ours = Some(everything);
                }
                Some(ours) => {
                    figure.peer(side.peer, a_sample, 0.0);
                    compare(EVERYTHING, ours, &everything)?;
                }
            }
        }
    }
    report.add(figure);
    Ok(())
}

async fn one(side: &Side, bodies: &Arc<Vec<Body>>, end_ms: i64) -> anyhow::Result<(u64, Values)> {
    let folder = tempfile::tempdir()?;
    let running = side.start(folder.path()).await?;
    send(&running, bodies, 1).await?;
    let bytes = match side.kind {
        Kind::Portique => blocks(&running, folder.path(), end_ms).await?,
        Kind::Prometheus => snapshot(&running, folder.path()).await?,
        Kind::VictoriaMetrics => merged(&running, folder.path()).await?,
    };
    let mut asked = Asked::open(&running).await?;
    let everything = asked.ask(EVERYTHING, end_ms - EVERYTHING_MS).await?;
    running.stop().await?;
    Ok((bytes, everything))
}

/// Blocks, once all samples are in them and merged: what is in the log is on its way there.
async fn blocks(running: &Running, folder: &Path, end_ms: i64) -> anyhow::Result<u64> {
    let later = Arc::new(shapes::later(end_ms + LATER_MS)?);
    send(running, &later, 1).await?;
    still(&folder.join("series/blocks")).await
}

/// A snapshot, which has what is in memory as a block, too; it is not merged any further.
async fn snapshot(running: &Running, folder: &Path) -> anyhow::Result<u64> {
    still(&folder.join("data")).await?;
    let mut connection = running.connect().await?;
    let body = connection
        .send("/api/v1/admin/tsdb/snapshot", "", b"")
        .await?;
    let answer: Value = serde_json::from_slice(body)?;
    let name = answer["data"]["name"].as_str().context("no snapshot")?;
    bytes_of(&folder.join("data/snapshots").join(name))
}

/// Parts, once they are merged into as few as it wants.
async fn merged(running: &Running, folder: &Path) -> anyhow::Result<u64> {
    let mut connection = running.connect().await?;
    connection.fetch("/internal/force_flush").await?;
    connection.fetch("/internal/force_merge").await?;
    still(&folder.join("data")).await
}

/// Bytes of files, once they do not change.
async fn still(folder: &Path) -> anyhow::Result<u64> {
    let pause = Duration::from_millis(500);
    let (mut bytes, mut since, mut waited) = (0, Duration::ZERO, Duration::ZERO);
    while waited < WAIT_MAX {
        // A file may go while the folder is read.
        let now = bytes_of(folder).unwrap_or(bytes);
        since = match now == bytes && bytes > 0 {
            true => since + pause,
            false => Duration::ZERO,
        };
        bytes = now;
        if since >= STILL {
            return Ok(bytes);
        }
        tokio::time::sleep(pause).await;
        waited += pause;
    }
    bail!("{} did not come to rest", folder.display())
}

fn bytes_of(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in WalkDir::new(folder) {
        let entry = entry?;
        if entry.file_type().is_file() {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}
