use std::fs::OpenOptions;
use std::io::Write;

use anyhow::Context;
use portique_journal::Scheduling;
use serde_json::json;

use crate::appends::{Appends, Style, Writers};
use crate::{BODY_BYTES, TARGET, WRITERS};

/// The runs of one number of writers.
pub(crate) struct Figure {
    writers: Writers,
    runs: Vec<(f64, Appends)>,
}

impl Figure {
    pub(crate) fn new(writers: Writers) -> Self {
        Self {
            writers,
            runs: Vec::new(),
        }
    }

    /// Adds a run: the disk's synchronous writes per second, and the journal's appends.
    pub(crate) fn push(&mut self, limit: f64, appends: Appends) {
        self.runs.push((limit, appends));
    }

    fn median(&self, of: impl Fn(&(f64, Appends)) -> f64) -> f64 {
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
        self.median(|(_, appends)| appends.per_second)
    }

    /// Appends per second if the disk never waited and every frame held a record of every writer.
    fn limit(&self) -> f64 {
        self.median(|(limit, _)| limit * self.writers.count as f64)
    }

    fn share(&self) -> f64 {
        self.median(|(limit, appends)| appends.per_second / (limit * self.writers.count as f64))
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
        "{:>7} {:>9} {:>12} {:>9} {:>9} {:>13} {:>12} {:>13} {:>7} {:>7}",
        "writers",
        "run as",
        "appends/s",
        "p50 us",
        "p99 us",
        "records/frame",
        "syncs/s",
        "limit/s",
        "share",
        "target"
    )?;
    for figure in figures {
        let target = figure
            .target()
            .map_or("-".to_owned(), |target| format!("{target:.2}"));
        writeln!(
            out,
            "{:>7} {:>9} {:>12.0} {:>9.0} {:>9.0} {:>13.1} {:>12.0} {:>13.0} {:>7.2} {target:>7}",
            figure.writers.count,
            figure.run_as(),
            figure.appends(),
            figure.median(|(_, appends)| appends.p50_us as f64),
            figure.median(|(_, appends)| appends.p99_us as f64),
            figure.median(|(_, appends)| appends.records_per_frame),
            figure.median(|(limit, _)| *limit),
            figure.limit(),
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
        let rates = || figure.runs.iter().map(|(_, appends)| appends.per_second);
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
                "ratio: of {:.0}/s that the disk's {:.0} synchronous writes/s allow; p50 {:.0} us, p99 {:.0} us; {}",
                figure.limit(),
                figure.median(|(limit, _)| *limit),
                figure.median(|(_, appends)| appends.p50_us as f64),
                figure.median(|(_, appends)| appends.p99_us as f64),
                scheduling(figures),
            ),
        });
        writeln!(file, "{line}")?;
    }
    Ok(())
}

fn scheduling(figures: &[Figure]) -> &'static str {
    let mut runs = figures.iter().flat_map(|figure| &figure.runs);
    match runs.all(|(_, appends)| appends.scheduling == Scheduling::Fifo) {
        true => "SCHED_FIFO",
        false => "ordinary scheduling, which a busy machine makes slower",
    }
}
