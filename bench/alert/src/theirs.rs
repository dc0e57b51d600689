//! Prometheus and Alertmanager at the shortest intervals that they are run with.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bench_harness::{Server, free_port, version_of};
use tokio::process::Command;

use crate::Options;
use crate::board::{Board, Took};
use crate::files::{self, Trigger};
use crate::listener::Listener;
use crate::trial;

/// Scrapes and evaluations before the first event.
const WARM_UP: Duration = Duration::from_secs(5);
const CALLS_WAIT_MAX: Duration = Duration::from_secs(60);

/// Of Prometheus, and of Alertmanager; they stand in figures to the end, and are not given back.
pub(crate) async fn versions(options: &Options) -> anyhow::Result<&'static str> {
    let mut versions = Vec::new();
    for program in [&options.prometheus, &options.alertmanager] {
        let version = version_of(program, "--version", "version ").await?;
        versions.push(version.unwrap_or_default());
    }
    Ok(String::leak(versions.join(" and ")))
}

pub(crate) async fn run(options: &Options) -> anyhow::Result<Took> {
    let board = Arc::new(Board::new(options.events, options.rules));
    let listener = Listener::start(board.clone()).await?;
    let folder = tempfile::tempdir()?;
    let alertmanager = alertmanager(options, folder.path(), listener.port).await?;
    let (alerts, scraped) = (alertmanager.port, listener.port);
    let prometheus = prometheus(options, folder.path(), alerts, scraped).await?;
    tokio::time::sleep(WARM_UP).await;
    trial::each(options.events, &board, async |_| Ok(())).await?;
    let took = board.all_called(CALLS_WAIT_MAX).await?;
    prometheus.stop().await?;
    alertmanager.stop().await?;
    Ok(took)
}

async fn alertmanager(options: &Options, folder: &Path, webhook: u16) -> anyhow::Result<Server> {
    let file = folder.join("alertmanager.yml");
    std::fs::write(&file, files::routes(webhook))?;
    let port = free_port()?;
    let mut command = Command::new(&options.alertmanager);
    command
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.path={}/alerts", folder.display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--cluster.listen-address=")
        .current_dir(folder);
    Server::start(command, port).await
}

async fn prometheus(
    options: &Options,
    folder: &Path,
    alerts: u16,
    scraped: u16,
) -> anyhow::Result<Server> {
    let [rules, file] = ["rules.yml", "prometheus.yml"].map(|name| folder.join(name));
    std::fs::write(&rules, files::rules(options.rules, Trigger::Interval))?;
    let config = format!(
        "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [{}]\n\
         alerting: {{ alertmanagers: [{{ static_configs: [{{ targets: ['127.0.0.1:{alerts}'] }}] }}] }}\n\
         scrape_configs:\n- job_name: bench\n  static_configs: [{{ targets: ['127.0.0.1:{scraped}'] }}]\n",
        rules.display()
    );
    std::fs::write(&file, config)?;
    let port = free_port()?;
    let mut command = Command::new(&options.prometheus);
    command
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.tsdb.path={}/data", folder.display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .current_dir(folder);
    Server::start(command, port).await
}
