//! Ours: levels arrive by remote write, the hub calls the webhook.

use std::sync::Arc;
use std::time::Duration;

use bench_harness::{Connection, Hub};
use portique_clock::{Clock, WallClock};
use portique_exposition::{WriteEncoder, WriteSeries, WriteVersion};
use portique_series::{Labels, METRIC_NAME, Samples};
use tokio::task::JoinSet;

use crate::Options;
use crate::board::{Board, Sample, Took};
use crate::files::{self, Trigger};
use crate::listener::Listener;
use crate::trial;

const PATH: &str = "/prometheus/api/v1/write";
const HEADERS: &str = "content-type: application/x-protobuf\r\ncontent-encoding: snappy\r\n";
/// All series are sent so often: what a scrape each second is on the other side.
const ROUND: Duration = Duration::from_secs(1);
/// Rounds before the first event.
const ROUNDS_BEFORE: u32 = 3;
const CALLS_WAIT_MAX: Duration = Duration::from_secs(30);

pub(crate) async fn run(options: &Options) -> anyhow::Result<Took> {
    let board = Arc::new(Board::new(options.events, options.rules));
    let listener = Listener::start(board.clone()).await?;
    let folder = tempfile::tempdir()?;
    let config = configure(folder.path(), options, listener.port)?;
    let data = folder.path().join("data");
    let hub = Hub::start_with(&options.portique, &data, Some(&config)).await?;
    let mut rounds = JoinSet::new();
    rounds.spawn(send_rounds(connect(&hub).await?, board.others()));
    let mut connection = connect(&hub).await?;
    send(&mut connection, &board.levels()).await?;
    tokio::time::sleep(ROUND * ROUNDS_BEFORE).await;
    trial::each(options.events, &board, async |number| {
        send(&mut connection, &[board.level(number)]).await
    })
    .await?;
    let took = board.all_called(CALLS_WAIT_MAX).await?;
    rounds.shutdown().await;
    hub.stop().await?;
    Ok(took)
}

fn configure(
    folder: &std::path::Path,
    options: &Options,
    webhook_port: u16,
) -> anyhow::Result<std::path::PathBuf> {
    let [rules, routes, config] = ["rules.yml", "routes.yml", "hub.toml"].map(|f| folder.join(f));
    std::fs::write(&rules, files::rules(options.rules, Trigger::Ingest))?;
    std::fs::write(&routes, files::routes(webhook_port))?;
    let text = format!(
        "[rules]\nfiles = [{:?}]\n[notifications]\nfile = {:?}\n",
        rules, routes
    );
    std::fs::write(&config, text)?;
    Ok(config)
}

async fn connect(hub: &Hub) -> anyhow::Result<Connection> {
    Connection::open(&hub.http, Some(&hub.token)).await
}

/// The traffic that the other rules see.
async fn send_rounds(mut connection: Connection, others: Vec<Sample>) -> anyhow::Result<()> {
    let mut ticks = tokio::time::interval(ROUND);
    loop {
        ticks.tick().await;
        send(&mut connection, &others).await?;
    }
}

async fn send(connection: &mut Connection, series: &[Sample]) -> anyhow::Result<()> {
    let now_ms = WallClock::new().now().as_millis();
    let mut body = WriteEncoder::new(WriteVersion::V1);
    for (metric, trial, value) in series {
        let labels = Labels::from_pairs([(METRIC_NAME, &**metric), ("trial", trial)]);
        let mut samples = Samples::default();
        samples.push_float(now_ms, *value);
        body.series(&WriteSeries {
            labels: &labels,
            samples: &samples,
            exemplars: &[],
            metadata: None,
        });
    }
    connection.send(PATH, HEADERS, &body.finish()?).await?;
    Ok(())
}
