//! Samples that come in: what they cost the processors and memory, and queries over them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use bench_harness::{Figure, Report};

use crate::Options;
use crate::query::{Asked, Values, compare};
use crate::send::send;
use crate::series;
use crate::side::{Kind, Side, Sides};
use crate::wire::Body;

/// How many times theirs the samples of a processor's second have to be, and how much faster the query.
const AGAINST_PROMETHEUS: f64 = 3.0;
const AGAINST_VICTORIA_METRICS: f64 = 1.0;
/// With 120 samples each.
const SERIES_BYTES_MAX: f64 = 1_200.0;
/// The query of the figures.
const RATE: &str = "sum by (job) (rate(http_requests_total[5m]))";
const RATES_TIMED: i64 = 40;
/// What has to be the same on all sides: VictoriaMetrics' own `rate` is another, on purpose.
const SAME: [&str; 3] = [
    "count({__name__=~\".+\"})",
    "sum by (job) (http_requests_total)",
    "max by (job) (queue_depth) - min by (job) (queue_depth)",
];
/// What has to be the same as in Prometheus.
const SAME_AS_PROMETHEUS: [&str; 2] = [
    RATE,
    "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))",
];

/// What one run of one side gave.
struct Run {
    samples_a_cpu_second: f64,
    samples_a_second: f64,
    resident_bytes: f64,
    resident_bytes_empty: f64,
    rate_ms: f64,
    answers: Vec<(&'static str, Values)>,
}

/// The data of one benchmark run.
struct Load {
    bodies: Arc<Vec<Body>>,
    series: usize,
    end_ms: i64,
}

pub(crate) async fn measure(
    options: &Options,
    sides: &Sides,
    report: &mut Report,
) -> anyhow::Result<()> {
    let end_ms = series::end_ms();
    let bodies = series::mixed(options.percent, options.samples, end_ms)?;
    let sent: usize = bodies.iter().map(|body| body.samples).sum();
    let load = Load {
        bodies: Arc::new(bodies),
        series: sent / options.samples,
        end_ms,
    };
    let mut figures = Figures::new(sides);
    for _ in 0..options.runs {
        let mut ours = None;
        for side in &sides.all {
            let run = one(options, side, &load).await?;
            figures.add(side, &run, load.series as f64);
            match &ours {
                None => ours = Some(run),
                Some(ours) => check(side.kind, ours, &run)?,
            }
        }
    }
    report.add(figures.ingest);
    report.add(figures.memory);
    report.add(figures.process);
    report.add(figures.rate);
    Ok(())
}

async fn one(options: &Options, side: &Side, load: &Load) -> anyhow::Result<Run> {
    let folder = tempfile::tempdir()?;
    let running = side.start(folder.path()).await?;
    let settle = Duration::from_secs(options.settle_seconds);
    tokio::time::sleep(settle.min(Duration::from_secs(1))).await;
    let resident_bytes_empty = running.resident_bytes()?;
    let (cpu, begin) = (running.cpu_seconds()?, Instant::now());
    let samples = send(&running, &load.bodies, options.connections).await? as f64;
    let seconds = begin.elapsed().as_secs_f64();
    tokio::time::sleep(settle).await;
    let cpu_seconds = running.cpu_seconds()? - cpu;
    let resident_bytes = running.resident_bytes()?;
    let mut asked = Asked::open(&running).await?;
    let mut answers = Vec::new();
    for query in SAME.into_iter().chain(SAME_AS_PROMETHEUS) {
        answers.push((query, asked.ask(query, load.end_ms).await?));
    }
    let count = answers[0].1.values().sum::<f64>();
    ensure!(
        count == load.series as f64,
        "{:?} has {count} series of {}",
        side.kind,
        load.series
    );
    let rate_ms = asked.time(RATE, load.end_ms, RATES_TIMED).await?;
    running.stop().await?;
    Ok(Run {
        samples_a_cpu_second: samples / cpu_seconds,
        samples_a_second: samples / seconds,
        resident_bytes,
        resident_bytes_empty,
        rate_ms,
        answers,
    })
}

fn check(kind: Kind, ours: &Run, theirs: &Run) -> anyhow::Result<()> {
    let compared = match kind {
        Kind::Prometheus => ours.answers.len(),
        _ => SAME.len(),
    };
    let pairs = ours.answers.iter().zip(&theirs.answers);
    for ((query, ours), (_, theirs)) in pairs.take(compared) {
        compare(query, ours, theirs)?;
    }
    Ok(())
}

/// What is compared.
struct Figures {
    ingest: Figure,
    /// What came with the series.
    memory: Figure,
    /// All of the process, as if a server without series took nothing.
    process: Figure,
    rate: Figure,
}

impl Figures {
    fn new(sides: &Sides) -> Self {
        let mut ingest = Figure::rate("ingest_per_cpu", "samples/CPU-second").note("samples/s");
        let mut rate = Figure::latency("rate_sum_10k", "ms").note("");
        if let Some(peer) = sides.peer(Kind::Prometheus) {
            ingest = ingest.target(peer, AGAINST_PROMETHEUS);
            rate = rate.target(peer, AGAINST_PROMETHEUS);
        }
        if let Some(peer) = sides.peer(Kind::VictoriaMetrics) {
            ingest = ingest.target(peer, AGAINST_VICTORIA_METRICS);
        }
        let memory = Figure::least("memory_bytes_a_series", "B").at_most(SERIES_BYTES_MAX);
        let process = Figure::least("memory_process_bytes_a_series", "B");
        Self {
            ingest,
            memory: memory.note("MiB in all when empty"),
            process: process.note("MiB in all when empty"),
            rate,
        }
    }

    fn add(&mut self, side: &Side, run: &Run, series: f64) {
        let memory = (run.resident_bytes - run.resident_bytes_empty) / series;
        let process = run.resident_bytes / series;
        let empty_mib = run.resident_bytes_empty / f64::from(1 << 20);
        if side.kind == Kind::Portique {
            self.ingest
                .ours(run.samples_a_cpu_second, run.samples_a_second);
            self.memory.ours(memory, empty_mib);
            self.process.ours(process, empty_mib);
            self.rate.ours(run.rate_ms, 0.0);
            return;
        }
        let peer = side.peer;
        self.ingest
            .peer(peer, run.samples_a_cpu_second, run.samples_a_second);
        self.memory.peer(peer, memory, empty_mib);
        self.process.peer(peer, process, empty_mib);
        self.rate.peer(peer, run.rate_ms, 0.0);
    }
}
