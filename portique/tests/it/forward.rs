//! Remote write, out: another hub receives what this one takes, whatever happens in between.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, interval};

use crate::intake::{Place, Wishes, with_hub_as, without_own_figures};
use crate::scrape::target::{Answer, Target};
use portique::TelemetryConfig;

/// A busy machine takes longer than the seconds that this takes.
const PATIENCE: Duration = Duration::from_secs(90);

/// An address that nobody listens on yet.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

fn receiver(listen: SocketAddr) -> Wishes {
    Wishes {
        listen: Some(listen),
        telemetry: TelemetryConfig {
            open_writes: true,
            ..without_own_figures()
        },
        ..Wishes::default()
    }
}

fn sender(folder: &Path, target: &Target, to: SocketAddr, more: &str) -> Wishes {
    let address = target.address;
    let file = format!(
        "global: {{scrape_interval: 100ms, scrape_timeout: 100ms, external_labels: {{hub: one}}}}
scrape_configs: [{{job_name: j, static_configs: [{{targets: ['{address}']}}]}}]
remote_write:
  - url: http://{to}/prometheus/api/v1/write
    queue_config: {{batch_send_deadline: 100ms, max_backoff: 200ms{more}}}
    write_relabel_configs: [{{source_labels: [__name__], regex: scrape_.*, action: drop}}]
"
    );
    Wishes {
        folder: Some(folder.to_path_buf()),
        prometheus_file: Some(file),
        telemetry: without_own_figures(),
        ..Wishes::default()
    }
}

impl Place {
    /// The only receiver of remote write.
    async fn receiver(&self) -> Value {
        self.get("/api/v1/telemetry/remote-write").await[0].clone()
    }

    /// Asks until a receiver is as it shall be.
    async fn wait_for_receiver(&self, is_there: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        let mut ticks = interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            let receiver = self.receiver().await;
            if is_there(&receiver) {
                return receiver;
            }
            assert!(Instant::now() < deadline, "{receiver}");
        }
    }
}

/// Waits until both have the same number of samples of a series up to a time.
async fn agree(one: &Place, other: &Place, at_ms: i64) {
    let at = at_ms as f64 / 1000.0;
    let deadline = Instant::now() + PATIENCE;
    let mut ticks = interval(Duration::from_millis(100));
    loop {
        ticks.tick().await;
        let sent = one.query(&format!("count_over_time(a[1h] @ {at})")).await;
        let received = other
            .query(&format!("count_over_time(a{{hub=\"one\"}}[1h] @ {at})"))
            .await;
        let counts = [&sent, &received].map(|found| found.first().map(|(_, value)| value.clone()));
        if counts[0].is_some() && counts[0] == counts[1] {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{counts:?}, {}",
            one.receiver().await
        );
    }
}

fn now_ms() -> i64 {
    portique_clock::Clock::now(&portique_clock::WallClock::new()).as_millis()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_gets_every_sample_through_a_restart_of_the_sender() {
    let target = Target::start(Answer::text("a 1\n")).await;
    let folder = tempfile::tempdir().unwrap();
    let address = free_address();
    with_hub_as(receiver(address), async |other| {
        for version in ["", "}\n    protobuf_message: io.prometheus.write.v2.Request\n    metadata_config: {send: true"] {
            let wishes = sender(folder.path(), &target, address, version);
            let visit = with_hub_as(wishes, async |one| {
                one.wait_for("count_over_time(a[1h]) > 5", PATIENCE).await;
                let at_ms = now_ms();
                agree(&one, &other, at_ms).await;
                let receiver = one.receiver().await;
                assert_eq!(receiver["left_out"], serde_json::json!({}), "{receiver}");
                assert_eq!(receiver["behind_since_ms"], Value::Null, "{receiver}");
            });
            // A hub inside another's visit makes a large future.
            Box::pin(visit).await;
        }
        assert!(other.query("scrape_samples_scraped").await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_was_away_gets_what_it_missed() {
    let target = Target::start(Answer::text("a 1\n")).await;
    let folder = tempfile::tempdir().unwrap();
    let address = free_address();
    let wishes = sender(folder.path(), &target, address, ", capacity: 10");
    with_hub_as(wishes, async |one| {
        let behind = one
            .wait_for_receiver(|receiver| receiver["behind_since_ms"].is_i64())
            .await;
        assert_ne!(behind["last_error"], "", "{behind}");
        assert_eq!(behind["pending"], 0, "{behind}");
        let visit = with_hub_as(receiver(address), async |other| {
            let at_ms = now_ms();
            agree(&one, &other, at_ms).await;
        });
        Box::pin(visit).await;
        let figures = one.metrics().await;
        assert!(
            figures.contains("portique_remote_write_samples_total"),
            "{figures}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_receiver_refuses_is_left_out_and_said() {
    let target = Target::start(Answer::text("a 1\n")).await;
    let refusing = Target::start(Answer::of("400 Bad Request", "", b"not today")).await;
    let folder = tempfile::tempdir().unwrap();
    let wishes = sender(folder.path(), &target, refusing.address, "");
    with_hub_as(wishes, async |one| {
        let found = one
            .wait_for_receiver(|found| found["left_out"]["refused"].is_u64())
            .await;
        let said = found["last_error"].as_str().unwrap();
        assert!(said.contains("400 Bad Request: not today"), "{found}");
        refusing.say(Answer::of(
            "429 Too Many Requests",
            "retry-after: 0\r\n",
            b"slowly",
        ));
        one.wait_for_receiver(|found| found["retries"].as_u64().unwrap_or_default() > 1)
            .await;
    })
    .await;
}
