use std::fs::OpenOptions;
use std::io::Write;

use anyhow::Context;
use portique_journal::Scheduling;
use serde_json::json;

use crate::appends::{Appends, Style, Writers};
use crate::{BODY_BYTES, TARGET, WRITERS};

/// One run: what the machine allows, and what the journal did.
pub(crate) struct Run {
    /// Bare synchronous writes per second, of a frame that holds a record of every writer.
    pub(crate) frames: f64,
    /// Appends per second on a disk that never waits.
    pub(crate) processors: f64,
    /// Appends on the disk.
    pub(crate) appends: Appends,
}

impl Run {
    /// Appends per second if the processors cost nothing and every frame held all writers.
    fn disk_limit(&self, writers: usize) -> f64 {
        self.frames * writers as f64
    }

    /// Appends per second by the arithmetic of group commit: the frame's time and the processors'
    /// time one after the other.
    fn limit(&self, writers: usize) -> f64 {
        1.0 / (1.0 / self.disk_limit(writers) + 1.0 / self.processors)
    }
}

/// The runs of one number of writers.
pub(crate) struct Figure {
    writers: Writers,
    runs: Vec<Run>,
}

impl Figure {
    pub(crate) fn new(writers: Writers) -> Self {
        Self {
            writers,
            runs: Vec::new(),
        }
    }

    /// Adds a run.
    pub(crate) fn push(&mut self, run: Run) {
        self.runs.push(run);
    }

    fn median(&self, of: impl Fn(&Run) -> f64) -> f64 {
        let mut values: Vec<f64> = self.runs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn run_as(&self) -> &'static str {
        match self.writers.style {
            Style::TaskEach => "task each",
            Style::Gathered => "gathered",
        }
    }

    fn appends(&self) -> f64 {
        self.median(|run| run.appends.per_second)
    }

    fn disk_limit(&self) -> f64 {
        self.median(|run| run.disk_limit(self.writers.count))
    }

    fn limit(&self) -> f64 {
        self.median(|run| run.limit(self.writers.count))
    }

    fn share(&self) -> f64 {
        self.median(|run| run.appends.per_second / run.limit(self.writers.count))
    }

    fn target(&self) -> Option<f64> {
        let Writers { count, style } = self.writers;
        (style == Style::Gathered && Some(&count) == WRITERS.last()).then_some(TARGET)
    }
}

/// Prints the table.
pub(crate) fn print(figures: &[Figure]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{:>7} {:>9} {:>10} {:>7} {:>7} {:>13} {:>9} {:>10} {:>10} {:>10} {:>7} {:>6} {:>6}",
        "writers",
        "run as",
        "appends/s",
        "p50 us",
        "p99 us",
        "records/frame",
        "frames/s",
        "disk/s",
        "cpu/s",
        "limit/s",
        "of disk",
        "share",
        "target"
    )?;
    for figure in figures {
        let target = figure
            .target()
            .map_or("-".to_owned(), |target| format!("{target:.2}"));
        writeln!(
            out,
            "{:>7} {:>9} {:>10.0} {:>7.0} {:>7.0} {:>13.1} {:>9.0} {:>10.0} {:>10.0} {:>10.0} {:>7.2} {:>6.2} {target:>6}",
            figure.writers.count,
            figure.run_as(),
            figure.appends(),
            figure.median(|run| run.appends.p50_us as f64),
            figure.median(|run| run.appends.p99_us as f64),
            figure.median(|run| run.appends.records_per_frame),
            figure.median(|run| run.frames),
            figure.disk_limit(),
            figure.median(|run| run.processors),
            figure.limit(),
            figure.median(|run| run.appends.per_second / run.disk_limit(figure.writers.count)),
            figure.share(),
        )?;
    }
    writeln!(out, "committer: {}", scheduling(figures))?;
    Ok(())
}

/// Appends one JSON object a line to the file that `BENCH_JSON` names, if it does.
pub(crate) fn append_json(figures: &[Figure]) -> anyhow::Result<()> {
    let Some(path) = std::env::var_os("BENCH_JSON") else {
        return Ok(());
    };
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    for figure in figures {
        let rates = || figure.runs.iter().map(|run| run.appends.per_second);
        let line = json!({
            "bench": "journal",
            "figure": format!(
                "acknowledged appends of {BODY_BYTES} B, {} writers, {}",
                figure.writers.count,
                figure.run_as(),
            ),
            "unit": "1/s",
            "ours": figure.appends().round(),
            "peer": null,
            "ratio": figure.share(),
            "target": figure.target(),
            "runs": figure.runs.len(),
            "min": rates().fold(f64::INFINITY, f64::min).round(),
            "max": rates().fold(0.0, f64::max).round(),
            "note": format!(
                "ratio: of {:.0}/s by the arithmetic of group commit, from {:.0} frames/s of the bare disk and {:.0} appends/s without a disk; p50 {:.0} us, p99 {:.0} us; {}",
                figure.limit(),
                figure.median(|run| run.frames),
                figure.median(|run| run.processors),
                figure.median(|run| run.appends.p50_us as f64),
                figure.median(|run| run.appends.p99_us as f64),
                scheduling(figures),
            ),
        });
        writeln!(file, "{line}")?;
    }
    Ok(())
}

fn scheduling(figures: &[Figure]) -> &'static str {
    let mut runs = figures.iter().flat_map(|figure| &figure.runs);
    match runs.all(|run| run.appends.scheduling == Scheduling::Fifo) {
        true => "SCHED_FIFO",
        false => "ordinary scheduling, which a busy machine makes slower",
    }
}
