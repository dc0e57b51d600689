//! Workers that follow a backlog: the shipped autoscaler and pool beside a model of KEDA and the horizontal autoscaler.
//!
//! Both carry the same five loads in simulated time: what is compared is what they decide, not how fast they are. The
//! model is given the best of four thresholds, at its defaults and tuned; how long jobs waited, what the workers
//! cost, and how many jobs were killed in work is printed for each.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod keda;
mod ours;
mod trace;
mod world;

use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use serde_json::json;

use keda::{Keda, Settings};
use ours::Ours;
use trace::Trace;
use world::Ended;

/// Jobs for each replica that the model is tried with.
const THRESHOLDS: [u32; 4] = [1, 2, 5, 10];

/// What to run.
#[derive(Debug, Parser)]
#[command(about, long_about = None)]
struct Options {
    /// Runs of each side, each with its own seed; the figures are their medians.
    #[arg(long, default_value_t = 5)]
    runs: u64,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    ensure!(options.runs > 0, "--runs is 0: write 1 or more");
    let mut json = String::new();
    for trace in trace::all() {
        println!("{}", trace.name);
        let keda = keda(&trace, options.runs);
        let default = ours(&trace, None, options.runs)?;
        let lean = ours(&trace, Some(Duration::from_secs(15)), options.runs)?;
        print("KEDA, polled every 30 s, best threshold", &keda.0);
        print("KEDA, polled every 5 s, best threshold", &keda.1);
        print("portique, its own window", &default);
        print("portique, window of 15 s", &lean);
        let best = if median(&keda.0).p99_s < median(&keda.1).p99_s {
            &keda.0
        } else {
            &keda.1
        };
        json += &lines(&trace, &default, best);
    }
    append_json(&json)
}

/// At its defaults and tuned, each with the threshold that waits least.
fn keda(trace: &Trace, runs: u64) -> (Vec<Ended>, Vec<Ended>) {
    let best = |poll, cooldown| {
        let tried = THRESHOLDS.map(|threshold| {
            let settings = Settings {
                threshold,
                poll: Duration::from_secs(poll),
                cooldown: Duration::from_secs(cooldown),
            };
            let runs = 0..runs;
            runs.map(|seed| world::run(trace, &mut Keda::new(trace, settings), seed))
                .collect()
        });
        let waits = |runs: &Vec<Ended>| median(runs).p99_s;
        let best = tried
            .into_iter()
            .min_by(|a, b| waits(a).total_cmp(&waits(b)));
        best.unwrap_or_default()
    };
    (best(30, 300), best(5, 60))
}

fn ours(trace: &Trace, window: Option<Duration>, runs: u64) -> anyhow::Result<Vec<Ended>> {
    let run = |seed| {
        let ended = world::run(trace, &mut Ours::new(trace, window)?, seed);
        ensure!(
            ended.killed == 0,
            "{} jobs were killed in work",
            ended.killed
        );
        ensure!(ended.unfinished == 0, "{} jobs were left", ended.unfinished);
        Ok(ended)
    };
    (0..runs).map(run).collect()
}

fn print(who: &str, runs: &[Ended]) {
    let ended = median(runs);
    println!(
        "  {who:42} wait p50 {:7.2} s  p99 {:7.2} s  {:8.0} worker-s  {:4} changes  {:3} killed",
        ended.p50_s, ended.p99_s, ended.worker_s, ended.changes, ended.killed
    );
}

/// The run in the middle by its longest waits.
fn median(runs: &[Ended]) -> Ended {
    let mut runs = runs.to_vec();
    runs.sort_by(|a, b| a.p99_s.total_cmp(&b.p99_s));
    runs.get(runs.len() / 2).copied().unwrap_or_default()
}

fn lines(trace: &Trace, ours: &[Ended], keda: &[Ended]) -> String {
    let waits = |ended: &Ended| ended.p99_s;
    let cost = |ended: &Ended| ended.worker_s;
    line(trace, "p99_wait", ours, keda, waits) + &line(trace, "worker_seconds", ours, keda, cost)
}

fn line(
    trace: &Trace,
    figure: &str,
    ours: &[Ended],
    keda: &[Ended],
    value: fn(&Ended) -> f64,
) -> String {
    let (us, them) = (value(&median(ours)), value(&median(keda)));
    let values = || ours.iter().map(value);
    let line = json!({
        "bench": "scaling",
        "figure": format!("{}_{figure}_vs_keda_model", trace.key),
        "unit": "s",
        "ours": us,
        "peer": { "name": "model of KEDA and HPA", "version": "2.20", "value": them },
        "ratio": them / us,
        "target": null,
        "runs": ours.len(),
        "min": values().fold(f64::INFINITY, f64::min),
        "max": values().fold(f64::NEG_INFINITY, f64::max),
        "note": trace.name,
    });
    format!("{line}\n")
}

fn append_json(json: &str) -> anyhow::Result<()> {
    let Some(path) = std::env::var_os("BENCH_JSON") else {
        return Ok(());
    };
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    file.write_all(json.as_bytes())?;
    Ok(())
}
