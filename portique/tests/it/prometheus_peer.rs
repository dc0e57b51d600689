//! A real Prometheus that scrapes the hub, federates from it, and writes to it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::process::Child;

use crate::intake::with_hub;

/// It scrapes once a second, and writes what it scraped some seconds later; a busy machine takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_scrapes_federates_and_writes_what_can_be_queried() {
    let program = installed("prometheus");
    with_hub(async |place| {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        std::fs::write(
            &config,
            configuration(&place.http.to_string(), &place.token),
        )
        .unwrap();
        let _peer = start(&program, &config, folder.path());
        let scraped = place.wait_for("up{job=\"hub\"} == 1", PATIENCE).await;
        assert_eq!(scraped.len(), 1, "{scraped:?}");
        place
            .wait_for("portique_http_requests_total > 0", PATIENCE)
            .await;
        let federated =
            "scrape_samples_scraped{job=\"federation\"} > 0 and on() up{job=\"federation\"} == 1";
        place.wait_for(federated, PATIENCE).await;
    })
    .await;
}

fn configuration(hub: &str, token: &str) -> String {
    format!(
        "global: {{ scrape_interval: 1s }}
scrape_configs:
  - job_name: hub
    static_configs: [{{ targets: ['{hub}'] }}]
  - job_name: federation
    honor_labels: true
    metrics_path: /prometheus/federate
    params: {{ 'match[]': ['{{job=\"hub\"}}'] }}
    static_configs: [{{ targets: ['{hub}'] }}]
remote_write:
  - url: http://{hub}/prometheus/api/v1/write
    authorization: {{ credentials: {token} }}
    queue_config: {{ batch_send_deadline: 1s }}
"
    )
}

fn start(program: &Path, config: &Path, folder: &Path) -> Child {
    tokio::process::Command::new(program)
        .arg(format!("--config.file={}", config.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            folder.join("data").display()
        ))
        .args(["--web.listen-address=127.0.0.1:0", "--log.level=warn"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// A program of Debian's package: where it is installed, or unpacked into the cache of the benchmarks' peers.
pub(crate) fn installed(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name));
    if let Some(found) = found.into_iter().find(|program| program.is_file()) {
        return found;
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    let folder = cache.unwrap_or_else(home).join("portique-peers/prometheus");
    let program = folder.join("usr/bin").join(name);
    if !program.is_file() {
        unpack(&folder);
    }
    program
}

fn unpack(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let script = "apt-get download -q prometheus && dpkg -x prometheus_*.deb .";
    let done = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder)
        .output();
    let is_done = done.as_ref().is_ok_and(|done| done.status.success());
    assert!(
        is_done,
        "this test needs a Prometheus: install it (Debian: apt-get install prometheus); {done:?}"
    );
}
