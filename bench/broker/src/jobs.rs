//! Jobs from the add to the acknowledged completion, beside BullMQ.

use crate::Options;
use crate::bullmq::BullMq;
use crate::hub::Hub;
use crate::load::{self, BATCH, IN_FLIGHT};
use crate::report::{Figure, Peer, Report};

/// Jobs a second of the latency figure.
const PACE: u32 = 1_000;
/// What the 99th percentile of the latency is promised to stay under, in milliseconds.
const PACE_P99_MAX_MS: f64 = 5.0;

/// Batches of 100 over gRPC, against `addBulk` of 100 and a worker of 50.
pub(crate) async fn bulk(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let mut figure = Figure::rate("jobs_bulk", "add to completed, batches of 100", "jobs/s");
    for _ in 0..options.runs {
        let hub = Hub::start(&options.portique).await?;
        let ended = load::bulk(&hub, options.jobs).await?;
        figure.ours(ended.rate, micros(hub.cpu_seconds()?, options.jobs));
        hub.stop().await?;
        for peer in BullMq::peers(options.alone) {
            let bullmq = BullMq::start(&options.bullmq, peer).await?;
            let ended = bullmq.bulk(options.peer_jobs, BATCH, IN_FLIGHT).await?;
            let cpu = micros(bullmq.cpu_seconds()?, options.peer_jobs);
            figure.peer(bullmq.peer, ended.rate, cpu);
            bullmq.stop().await?;
        }
    }
    report.add(figure.target(Peer::BULLMQ_EVERYSEC, 10.0))
}

/// One job a request over HTTP, 50 not answered yet, against as many `add`s.
pub(crate) async fn single(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let jobs = options.peer_jobs * 2;
    let mut figure = Figure::rate(
        "jobs_single",
        "add to completed, single adds over HTTP",
        "jobs/s",
    );
    for _ in 0..options.runs {
        let hub = Hub::start(&options.portique).await?;
        let ended = load::single(&hub, jobs).await?;
        figure.ours(ended.rate, micros(hub.cpu_seconds()?, jobs));
        hub.stop().await?;
        for peer in BullMq::peers(options.alone) {
            let bullmq = BullMq::start(&options.bullmq, peer).await?;
            let ended = bullmq.single(options.peer_jobs, IN_FLIGHT).await?;
            let cpu = micros(bullmq.cpu_seconds()?, options.peer_jobs);
            figure.peer(bullmq.peer, ended.rate, cpu);
            bullmq.stop().await?;
        }
    }
    report.add(figure.target(Peer::BULLMQ_EVERYSEC, 3.0))
}

/// From the moment a job should have been added to its acknowledged completion.
pub(crate) async fn pace(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let seconds = options.pace_seconds;
    let mut figure = Figure::latency(
        "jobs_p99_at_1000_per_second",
        "p99 of add to completed at 1,000 jobs/s",
        "ms",
    );
    for _ in 0..options.runs {
        let hub = Hub::start(&options.portique).await?;
        let ended = load::paced(&hub, PACE, seconds).await?;
        figure.ours(ended.p99_ms, ended.p50_ms);
        hub.stop().await?;
        for peer in BullMq::peers(options.alone) {
            let bullmq = BullMq::start(&options.bullmq, peer).await?;
            let ended = bullmq.paced(PACE, seconds, IN_FLIGHT).await?;
            figure.peer(bullmq.peer, ended.p99_ms, ended.p50_ms);
            bullmq.stop().await?;
        }
    }
    report.add(figure.at_most(PACE_P99_MAX_MS))
}

fn micros(seconds: f64, jobs: usize) -> f64 {
    seconds * 1e6 / jobs as f64
}
