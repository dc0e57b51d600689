//! Six million samples of many series: a query over all of them, and a start after a crash.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use bench_harness::{Figure, Report};

use crate::Options;
use crate::query::{Asked, Values, compare};
use crate::send::send;
use crate::series;
use crate::side::{Kind, Running, Side, Sides};
use crate::wire::Body;

/// Samples of each series.
const SAMPLES: usize = 30;
/// What a restart may take.
const RESTART_S_MAX: f64 = 0.5;
const AGAINST_PROMETHEUS: f64 = 3.0;
const RATE: &str = "sum by (job) (rate(machine_packets_total[5m]))";
const RATES_TIMED: i64 = 5;
/// What is asked until it is answered: the newest samples of a few series.
const FEW: &str = "machine_packets_total{instance=\"10.2.0.7:9100\"}";
/// What tells whether everything came back.
const ALL: [&str; 2] = [
    "count(machine_packets_total)",
    "sum by (job) (sum_over_time(machine_packets_total[10m]))",
];
/// Who has not answered by then does not.
const RESTART_WAIT_MAX: Duration = Duration::from_secs(300);
const RETRY: Duration = Duration::from_millis(2);

struct Run {
    rate_ms: f64,
    restart_s: f64,
    rates: Values,
}

pub(crate) async fn measure(
    options: &Options,
    sides: &Sides,
    report: &mut Report,
) -> anyhow::Result<()> {
    let end_ms = series::end_ms();
    let bodies = Arc::new(series::wide(options.wide_series, SAMPLES, end_ms)?);
    let mut restart = Figure::least("restart_6m_samples_s", "s").at_most(RESTART_S_MAX);
    let mut rate = Figure::latency("rate_sum_200k", "ms").note("");
    if let Some(peer) = sides.peer(Kind::Prometheus) {
        rate = rate.target(peer, AGAINST_PROMETHEUS);
    }
    for _ in 0..options.runs {
        let mut ours = None;
        for side in &sides.all {
            let run = one(options, side, &bodies, end_ms).await?;
            if side.kind == Kind::Portique {
                restart.ours(run.restart_s, 0.0);
                rate.ours(run.rate_ms, 0.0);
                ours = Some(run.rates);
                continue;
            }
            restart.peer(side.peer, run.restart_s, 0.0);
            rate.peer(side.peer, run.rate_ms, 0.0);
            if let (Some(ours), Kind::Prometheus) = (&ours, side.kind) {
                compare(RATE, ours, &run.rates)?;
            }
        }
    }
    report.add(restart);
    report.add(rate);
    Ok(())
}

async fn one(
    options: &Options,
    side: &Side,
    bodies: &Arc<Vec<Body>>,
    end_ms: i64,
) -> anyhow::Result<Run> {
    let folder = tempfile::tempdir()?;
    let running = side.start(folder.path()).await?;
    send(&running, bodies, options.connections).await?;
    tokio::time::sleep(Duration::from_secs(options.settle_seconds)).await;
    let mut asked = Asked::open(&running).await?;
    let rates = asked.ask(RATE, end_ms).await?;
    let rate_ms = asked.time(RATE, end_ms, RATES_TIMED).await?;
    let few = asked.ask(FEW, end_ms).await?;
    let before = all(&mut asked, end_ms).await?;
    running.kill().await?;
    let (running, restart_s) = start_again(side, folder.path(), &few, end_ms).await?;
    let mut asked = Asked::open(&running).await?;
    for (query, before) in ALL.iter().zip(before) {
        compare(query, &before, &asked.ask(query, end_ms).await?)?;
    }
    running.stop().await?;
    Ok(Run {
        rate_ms,
        restart_s,
        rates,
    })
}

async fn all(asked: &mut Asked, end_ms: i64) -> anyhow::Result<Vec<Values>> {
    let mut values = Vec::new();
    for query in ALL {
        values.push(asked.ask(query, end_ms).await?);
    }
    Ok(values)
}

/// The side, and the seconds from its start to the first right answer.
async fn start_again(
    side: &Side,
    folder: &std::path::Path,
    expected: &Values,
    end_ms: i64,
) -> anyhow::Result<(Running, f64)> {
    let begin = Instant::now();
    let running = side.start(folder).await?;
    while begin.elapsed() < RESTART_WAIT_MAX {
        let mut asked = Asked::open(&running).await?;
        let answer = asked.try_ask(FEW, end_ms).await;
        if answer.is_some_and(|answer| compare(FEW, expected, &answer).is_ok()) {
            return Ok((running, begin.elapsed().as_secs_f64()));
        }
        tokio::time::sleep(RETRY).await;
    }
    bail!("{:?} did not come back with what it had", side.kind)
}
