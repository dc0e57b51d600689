//! Acknowledged appends per second, and how near they come to what the disk itself allows.
//!
//! Each run measures both in turn, on the same folder: writers that append one record and wait for
//! its acknowledgement before the next, and bare synchronous writes of frames as large as those
//! writers fill when every one of them waits for the same frame. The same writers on a disk that never
//! waits say what the processors cost; both together are the arithmetic of group commit: `n` writers
//! get at most `n / (t_frame + n * t_cpu)`.

mod appends;
mod limit;
mod report;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;

use crate::appends::{Style, Writers};
use crate::report::{Figure, Run};

/// Bytes of a record's body.
const BODY_BYTES: usize = 256;
/// Writers at once, each waiting for its own acknowledgement.
const WRITERS: [usize; 4] = [1, 32, 256, 1_024];
/// Part of what the arithmetic allows that the largest number of writers is asked to reach.
const TARGET: f64 = 0.7;

#[derive(Parser)]
#[command(about = "Acknowledged appends against the disk's own limit")]
struct Arguments {
    /// Where to write: a folder on the disk to be measured. The default is the current one.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// A folder that no disk stands behind, to measure what the processors cost.
    #[arg(long, default_value = "/dev/shm")]
    memory: PathBuf,
    /// Runs, of which the median counts: 1 to 100.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Seconds per measurement: 0.1 to 60.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
}

fn main() -> anyhow::Result<()> {
    let Arguments {
        folder,
        memory,
        runs,
        seconds,
    } = Arguments::parse();
    ensure!((1..=100).contains(&runs), "--runs is not from 1 to 100");
    ensure!(
        (0.1..=60.0).contains(&seconds),
        "--seconds is not from 0.1 to 60"
    );
    let span = Duration::from_secs_f64(seconds);
    let mut figures = Vec::new();
    let styles = [Style::TaskEach, Style::Gathered];
    let all = styles.iter().flat_map(|style| {
        WRITERS.map(|count| Writers {
            count,
            style: *style,
        })
    });
    for writers in all {
        let mut figure = Figure::new(writers);
        for _ in 0..runs {
            let scratch = tempfile::tempdir_in(&folder).context("a folder to write in")?;
            let limit = limit::measure(scratch.path(), writers.count, span)?;
            let scratch = tempfile::tempdir_in(&memory).context("a folder in memory")?;
            let processors = appends::measure(scratch.path(), writers, span)?.per_second;
            let scratch = tempfile::tempdir_in(&folder).context("a folder to write in")?;
            let appends = appends::measure(scratch.path(), writers, span)?;
            figure.push(Run {
                frames: limit,
                processors,
                appends,
            });
        }
        figures.push(figure);
    }
    report::print(&figures)?;
    report::append_json(&figures)
}
