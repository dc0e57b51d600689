//! The hub's own figures: on its page for monitors, and in its own store.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::api_rig::{Rig, json, with_hub, with_hub_watched};
use crate::debian::program;

/// The least that a hub may be told.
const OFTEN: Option<Duration> = Some(Duration::from_secs(1));

/// Gives the hub something to count.
async fn load(rig: &Rig) {
    let job = json!({ "kind": "letter", "payload": {} });
    rig.post("/queues/mail/jobs", &job).await;
    rig.put("/consumers/audit", &json!({ "filter": "shop.>" }))
        .await;
    let webhook = json!({ "filter": "shop.>", "url": "http://127.0.0.1:9/" });
    rig.put("/webhooks/shop", &webhook).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_page_shows_is_in_the_store_and_ends_with_what_it_is_about() {
    with_hub_watched(OFTEN, async |rig| {
        load(&rig).await;
        let own = format!("job=\"portique\",instance=\"{}\"", rig.instance());
        for (metric, labels) in [
            ("up", ""),
            ("portique_queue_jobs", ",queue=\"mail\",state=\"waiting\""),
            ("portique_journal_poisoned", ""),
            ("portique_launch_rockets", ""),
            (
                "portique_intake_refused_total",
                ",way=\"otlp\",reason=\"too_old\"",
            ),
            ("portique_part_ready", ",part=\"telemetry\""),
            (
                "portique_webhook_pushes_total",
                ",webhook=\"shop\",outcome=\"received\"",
            ),
            ("portique_build_info", ",version=\"0.1.0\""),
            (
                "portique_http_request_duration_seconds_bucket",
                ",le=\"+Inf\"",
            ),
            ("process_resident_memory_bytes", ""),
        ] {
            let found = rig.wait_for(&format!("{metric}{{{own}{labels}}}")).await;
            assert_eq!(found.len(), 1, "{metric}: {found:?}");
        }
        let asked = rig.prometheus("/metadata", &[("metric", "portique_queue_enqueued_total")]);
        let said = &asked.await["data"]["portique_queue_enqueued_total"][0];
        assert_eq!(
            (&said["type"], &said["help"]),
            (&json!("counter"), &json!("Jobs taken in"))
        );
        json(rig.commander(Method::DELETE, "/webhooks/shop")).await;
        // Far sooner than a series without a last sample would be forgotten.
        rig.wait_for("absent(portique_webhook_pushes_total{webhook=\"shop\"})")
            .await;
        assert_eq!(rig.query("up{job=\"portique\"} == 1").await.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_told_not_to_keeps_nothing_of_itself() {
    with_hub_watched(None, async |rig| {
        let page = rig.metrics().await;
        assert!(page.contains("\nportique_own_series 0\n"), "{page}");
        let names = rig.prometheus("/label/__name__/values", &[]).await;
        assert_eq!(names["data"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_in_the_format_that_is_accepted_and_stands_the_check_of_promtool() {
    with_hub(async |rig| {
        load(&rig).await;
        let (page, kind) = rig
            .metrics_as("application/openmetrics-text;version=1.0.0")
            .await;
        assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
        assert!(page.ends_with("# EOF\n"), "{page}");
        assert!(
            page.contains("# TYPE portique_queue_enqueued counter\n"),
            "{page}"
        );
        let (page, kind) = rig.metrics_as("*/*").await;
        assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
        assert!(
            page.contains("# TYPE portique_queue_enqueued_total counter\n"),
            "{page}"
        );
        let mut promtool = Command::new(program("promtool", "prometheus"))
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = promtool.stdin.take().unwrap();
        input.write_all(page.as_bytes()).unwrap();
        drop(input);
        let said = promtool.wait_with_output().unwrap();
        let complaints = String::from_utf8_lossy(&said.stderr);
        assert!(
            said.status.success() && complaints.is_empty(),
            "{complaints}"
        );
    })
    .await;
}
