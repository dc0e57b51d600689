//! A real Prometheus that scrapes the hub, federates from it, and writes to it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Child;

use crate::debian::program;
use crate::intake::with_hub;

/// It scrapes once a second, and writes what it scraped some seconds later; a busy machine takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_scrapes_federates_and_writes_what_can_be_queried() {
    let program = program("prometheus", "prometheus");
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
    start_at(program, config, folder, "127.0.0.1:0")
}

/// Starts it with its data in a folder, on an address.
pub(crate) fn start_at(program: &Path, config: &Path, folder: &Path, address: &str) -> Child {
    tokio::process::Command::new(program)
        .arg(format!("--config.file={}", config.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            folder.join("data").display()
        ))
        .arg(format!("--web.listen-address={address}"))
        .arg("--log.level=warn")
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}
