//! A real Prometheus that scrapes the hub, federates from it, and writes to it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Child;

use crate::debian::program;
use crate::intake::{with_hub, with_hub_scraping};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_is_scraped_and_receives_what_was_before_it_was_there() {
    let program = program("prometheus", "prometheus");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let file = format!(
        "global: {{scrape_interval: 1s}}
scrape_configs: [{{job_name: peer, static_configs: [{{targets: ['{address}']}}]}}]
remote_write:
  - url: http://{address}/api/v1/write
    queue_config: {{batch_send_deadline: 1s, capacity: 20}}
"
    );
    with_hub_scraping(&file, async |place| {
        place.wait_for("up{job=\"peer\"} == 0", PATIENCE).await;
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        std::fs::write(&config, "global: {}\n").unwrap();
        let listen = format!("--web.listen-address={address}");
        let more = ["--web.enable-remote-write-receiver", &listen];
        let _peer = start_with(&program, &config, folder.path(), &more);
        place.wait_for("up{job=\"peer\"} == 1", PATIENCE).await;
        place
            .wait_for("prometheus_tsdb_head_series > 0", PATIENCE)
            .await;
        let query = "min_over_time(up{job=\"peer\"}[10m]) == 0 and up{job=\"peer\"} == 1";
        wait_for_at(&format!("http://{address}"), query).await;
    })
    .await;
}

/// Asks a Prometheus until there is something.
async fn wait_for_at(prometheus: &str, query: &str) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
    loop {
        ticks.tick().await;
        let answer = reqwest::get(format!("{prometheus}/api/v1/query?query={query}")).await;
        let answer = answer.unwrap().text().await.unwrap();
        if answer.contains("\"metric\"") {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn promtool_asks_the_hub() {
    let promtool = program("prometheus", "prometheus").with_file_name("promtool");
    with_hub_scraping("scrape_configs: []", async |place| {
        place.write_line("room_temperature 21.5 N").await;
        place.wait_for("room_temperature", PATIENCE).await;
        let hub = format!("http://{}/prometheus", place.http);
        for (arguments, said) in [
            (
                vec!["query", "instant", &hub, "room_temperature"],
                "room_temperature => 21.5 @",
            ),
            (
                vec!["query", "range", "--step=1s", &hub, "room_temperature"],
                "21.5 @",
            ),
            (
                vec!["query", "series", "--match=room_temperature", &hub],
                "room_temperature",
            ),
            (
                vec!["query", "labels", &hub, "__name__"],
                "room_temperature",
            ),
        ] {
            let output = tokio::process::Command::new(&promtool)
                .args(&arguments)
                .output();
            let output = output.await.unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{arguments:?}: {output:?}");
            assert!(text.contains(said), "{arguments:?}: {text}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn promtool_finds_nothing_wrong_with_the_metrics() {
    let promtool = program("prometheus", "prometheus").with_file_name("promtool");
    with_hub(async |place| {
        let page = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(page.path(), place.metrics().await).unwrap();
        let checked = tokio::process::Command::new(&promtool)
            .args(["check", "metrics"])
            .stdin(page.reopen().unwrap())
            .output();
        let checked = checked.await.unwrap();
        assert!(checked.status.success(), "{checked:?}");
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
    let address = format!("--web.listen-address={address}");
    start_with(program, config, folder, &[&address])
}

fn start_with(program: &Path, config: &Path, folder: &Path, more: &[&str]) -> Child {
    tokio::process::Command::new(program)
        .arg(format!("--config.file={}", config.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            folder.join("data").display()
        ))
        .args(more)
        .arg("--log.level=warn")
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}
