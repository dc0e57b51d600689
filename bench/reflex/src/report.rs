//! The figures, for people and as JSON lines.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use hdrhistogram::Histogram;
use serde_json::json;

use crate::field::Measured;

/// Greatest time that the histogram tells apart, in microseconds: the validity of an order.
const MICROS_MAX: u64 = 5_000_000;

/// The promise: p99 in milliseconds.
const TARGET_P99_MS: f64 = 10.0;

/// What is measured.
pub(crate) struct Subject {
    pub(crate) figure: &'static str,
    pub(crate) note: &'static str,
}

/// Prints one round.
pub(crate) fn round(name: &str, number: u16, measured: &Measured) {
    let figures = Figures::of(&measured.reflexes);
    let rate = samples_per_second(measured);
    println!(
        "{name} round {number}: {:4} orders  p50 {:7.3} ms  p99 {:7.3} ms  max {:7.3} ms  at {rate:6.0} samples/s",
        measured.reflexes.len(),
        figures.p50_ms,
        figures.p99_ms,
        figures.max_ms,
    );
}

/// Prints all rounds together, and appends them to the file that `BENCH_JSON` names.
pub(crate) fn summary(subject: &Subject, rockets: u16, rounds: &[Measured]) -> anyhow::Result<()> {
    let all: Vec<Duration> = rounds
        .iter()
        .flat_map(|round| &round.reflexes)
        .copied()
        .collect();
    let together = Figures::of(&all);
    let each: Vec<Figures> = rounds
        .iter()
        .map(|round| Figures::of(&round.reflexes))
        .collect();
    let lines = [
        ("p50", together.p50_ms, None, spread(&each, |f| f.p50_ms)),
        (
            "p99",
            together.p99_ms,
            Some(TARGET_P99_MS),
            spread(&each, |f| f.p99_ms),
        ),
        ("max", together.max_ms, None, spread(&each, |f| f.max_ms)),
    ];
    let rates = rounds.iter().map(samples_per_second).sum::<f64>();
    let heard = rates / rounds.len() as f64 / f64::from(rockets) / 3.0;
    let Subject { figure: what, note } = subject;
    println!("{what}, {} orders", all.len());
    let mut json = String::new();
    for (figure, ours, target, (min, max)) in lines {
        let target_text = target.map(|limit| format!("  (target under {limit} ms)"));
        println!(
            "  {figure}  {ours:7.3} ms{}",
            target_text.unwrap_or_default()
        );
        let line = json!({
            "bench": "reflex",
            "figure": format!("{what}, {figure}"),
            "unit": "ms",
            "ours": ours,
            "peer": null,
            "ratio": target.map(|limit| limit / ours),
            "target": target,
            "runs": rounds.len(),
            "min": min,
            "max": max,
            "note": format!(
                "{rockets} rockets of 3 modules at once over loopback gRPC, one process; {note}, \
                 {heard:.0} heard; all rounds together, min and max over rounds"
            ),
        });
        json.push_str(&format!("{line}\n"));
    }
    write(&json)
}

fn samples_per_second(measured: &Measured) -> f64 {
    measured.samples as f64 / measured.heard_for.as_secs_f64()
}

fn write(lines: &str) -> anyhow::Result<()> {
    let Some(path) = std::env::var_os("BENCH_JSON") else {
        return Ok(());
    };
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("BENCH_JSON={}", path.display()))?;
    Ok(file.write_all(lines.as_bytes())?)
}

struct Figures {
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

impl Figures {
    fn of(times: &[Duration]) -> Self {
        let mut histogram = Histogram::<u64>::new_with_max(MICROS_MAX, 3)
            .expect("three digits up to five million fit a histogram");
        for time in times {
            let micros = u64::try_from(time.as_micros()).unwrap_or(MICROS_MAX);
            histogram.saturating_record(micros);
        }
        let ms = |micros: u64| micros as f64 / 1_000.0;
        Self {
            p50_ms: ms(histogram.value_at_quantile(0.50)),
            p99_ms: ms(histogram.value_at_quantile(0.99)),
            max_ms: ms(histogram.max()),
        }
    }
}

fn spread(each: &[Figures], pick: impl Fn(&Figures) -> f64) -> (f64, f64) {
    each.iter()
        .map(pick)
        .fold((f64::INFINITY, 0.0), |(min, max), value| {
            (min.min(value), max.max(value))
        })
}
