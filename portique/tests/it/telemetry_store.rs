//! What people do with the store of telemetry, and what it does when somebody sends too many
//! series.

use std::time::Duration;

use portique::TelemetryConfig;
use portique_exposition::WriteVersion;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::hub_process::{complaint, run};
use crate::intake::{Place, body, now_ms, with_hub_of, with_query};

/// Series that each metric of the bombed hub may have.
const SERIES_MAX: usize = 10;
/// What is not there by then never will be.
const PATIENCE: Duration = Duration::from_secs(30);

/// The hub's own figures are left out: what is looked at is what was sent.
fn quiet() -> TelemetryConfig {
    TelemetryConfig {
        own_figures_every: None,
        ..TelemetryConfig::default()
    }
}

async fn read(place: &Place, path: &str) -> Value {
    let answer = place.anonymous(Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

async fn command(place: &Place, path: &str, body: &Value) -> Response {
    let request = place.anonymous(Method::POST, path);
    let request = request.bearer_auth(&place.commander).json(body);
    request.send().await.unwrap()
}

async fn fill(place: &Place) {
    let series: &[(&[(&str, &str)], f64)] = &[
        (&[("__name__", "up"), ("job", "old")], 1.0),
        (&[("__name__", "up"), ("job", "new")], 1.0),
        (&[("__name__", "temp"), ("job", "old"), ("room", "a")], 21.5),
    ];
    let written = place
        .remote_write(WriteVersion::V1, body(WriteVersion::V1, series))
        .await;
    assert_eq!(written.status(), 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_are_counted_then_deleted_by_the_commander_and_their_names_vanish() {
    with_hub_of(quiet(), async |place| {
        fill(&place).await;
        let path = "/api/v1/telemetry/delete";
        let request = json!({ "match": ["{job=\"old\"}"], "dry_run": true });
        let by_service = place.post(path).json(&request).send().await.unwrap();
        assert_eq!(
            by_service.status(),
            403,
            "the service token deletes nothing"
        );
        let counted: Value = command(&place, path, &request).await.json().await.unwrap();
        assert_eq!(
            counted,
            json!({ "series": 2, "samples": 2, "dry_run": true })
        );
        assert_eq!(
            place.query("{job=\"old\"}").await.len(),
            2,
            "nothing happened"
        );
        for (wrong, expected) in [
            (json!({ "match": [] }), "match has no selector"),
            (json!({ "match": ["{}"] }), "accepts every series"),
            (json!({ "match": ["up{"] }), "up{"),
        ] {
            let refused = command(&place, path, &wrong).await;
            assert_eq!(refused.status(), 400, "{wrong}");
            let problem: Value = refused.json().await.unwrap();
            assert!(
                problem["detail"].as_str().unwrap().contains(expected),
                "{problem}"
            );
        }
        let request = json!({ "match": ["{job=\"old\"}"] });
        let deleted: Value = command(&place, path, &request).await.json().await.unwrap();
        assert_eq!(deleted["samples"], 2);
        assert_eq!(place.query("{__name__!=\"\"}").await.len(), 1);
        let labels = read(&place, "/prometheus/api/v1/labels").await;
        assert_eq!(labels["data"], json!(["__name__", "job"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_admin_routes_delete_clean_and_copy() {
    with_hub_of(quiet(), async |place| {
        fill(&place).await;
        let admin = "/prometheus/api/v1/admin/tsdb";
        let path = with_query(&format!("{admin}/delete_series"), &[("match[]", "temp")]);
        let nobody = place.anonymous(Method::POST, &path).send().await.unwrap();
        assert_eq!(nobody.status(), 401);
        let put = place
            .anonymous(Method::PUT, &path)
            .bearer_auth(&place.commander);
        assert_eq!(put.send().await.unwrap().status(), 204);
        assert!(place.query("temp").await.is_empty());
        let nothing = command(&place, &format!("{admin}/delete_series"), &Value::Null).await;
        let refused: Value = nothing.json().await.unwrap();
        assert_eq!(refused["error"], "no match[] parameter provided");
        let cleaned = command(&place, &format!("{admin}/clean_tombstones"), &Value::Null).await;
        assert_eq!(cleaned.status(), 204);
        let copied = command(&place, &format!("{admin}/snapshot"), &Value::Null).await;
        let copied: Value = copied.json().await.unwrap();
        assert!(
            !copied["data"]["name"].as_str().unwrap().is_empty(),
            "{copied}"
        );
        let head = command(
            &place,
            &format!("{admin}/snapshot?skip_head=true"),
            &Value::Null,
        )
        .await;
        assert_eq!(head.status(), 400);
        let copied: Value = command(&place, "/api/v1/telemetry/snapshots", &Value::Null)
            .await
            .json()
            .await
            .unwrap();
        let blocks =
            std::path::Path::new(copied["folder"].as_str().unwrap()).join("blocks/default");
        assert!(
            blocks.join("00000000000000000001.block").exists(),
            "{copied}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_shows_deletes_and_copies() {
    with_hub_of(quiet(), async |place| {
        fill(&place).await;
        let (hub, token) = (
            format!("http://{}", place.http),
            tempfile::NamedTempFile::new().unwrap(),
        );
        std::fs::write(token.path(), &place.commander).unwrap();
        let token = token.path().to_str().unwrap().to_owned();
        let at = ["--hub", &hub, "--token-file", &token];
        let on = |args: &[&str]| {
            let args: Vec<String> = args
                .iter()
                .chain(&at)
                .map(|arg| (*arg).to_owned())
                .collect();
            tokio::task::block_in_place(move || {
                let args: Vec<&str> = args.iter().map(String::as_str).collect();
                let ran = run(&args);
                assert!(ran.status.success(), "{}", complaint(&ran));
                String::from_utf8(ran.stdout).unwrap()
            })
        };
        let top = on(&["series", "top"]);
        assert!(
            top.contains("takes samples") && top.contains("job=old"),
            "{top}"
        );
        let listed = on(&["series", "{job=\"old\"}"]);
        assert!(
            listed.contains("temp{") && listed.contains("up{"),
            "{listed}"
        );
        let counted = on(&["series", "delete", "{job=\"old\"}", "--dry-run"]);
        assert_eq!(counted, "2 samples of 2 series would be deleted\n");
        let deleted = on(&["series", "delete", "{job=\"old\"}"]);
        assert_eq!(deleted, "2 samples of 2 series were deleted\n");
        assert!(on(&["series", "snapshot"]).starts_with("copied to "));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cardinality_bomb_is_bounded_named_and_shuts_nobody_out_by_any_way() {
    let telemetry = TelemetryConfig {
        series_per_metric_max: Some(SERIES_MAX),
        ..quiet()
    };
    with_hub_of(telemetry, async |place| {
        for round in 0..2 {
            bomb(&place, round).await;
        }
        for way in ["remote_write", "otlp", "influx", "graphite"] {
            let metric = format!("{{__name__=~\"bomb_{way}.*\"}}");
            let found = place.wait_for(&metric, PATIENCE).await;
            assert_eq!(found.len(), SERIES_MAX, "{way}");
            let account = refusing_account(&place, way).await;
            let last = account["last"][0]["text"].as_str().unwrap();
            assert!(
                last.contains("has its 10 series") && last.contains("\"id\""),
                "{last}"
            );
        }
        let store = read(&place, "/api/v1/telemetry/store").await;
        let refused = store["refused_by_metric"].as_array().unwrap();
        assert_eq!(refused.len(), 4, "{store}");
        let figures = place
            .anonymous(Method::GET, "/metrics")
            .send()
            .await
            .unwrap();
        let figures = figures.text().await.unwrap();
        for expected in [
            "portique_telemetry_refusals_total{reason=\"too_many_series\"}",
            "portique_telemetry_metric_refusals_total{metric=\"bomb_remote_write\"}",
            "portique_telemetry_metric_series{metric=\"bomb_remote_write\"} 10",
        ] {
            assert!(figures.contains(expected), "{expected}: {figures}");
        }
        // Those that are known go on.
        let known: &[(&[(&str, &str)], f64)] =
            &[(&[("__name__", "bomb_remote_write"), ("id", "3")], 9.0)];
        let written = place
            .remote_write(WriteVersion::V1, body(WriteVersion::V1, known))
            .await;
        assert_eq!(written.status(), 204);
    })
    .await;
}

/// The account of a way once it has refused what the limits leave no room for.
async fn refusing_account(place: &Place, way: &str) -> Value {
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        ticks.tick().await;
        let account = place.account(way).await;
        if account["refused"]["too_many_series"].as_u64() >= Some(40) {
            return account;
        }
        assert!(tokio::time::Instant::now() < deadline, "{account}");
    }
}

/// Fifty series of a metric by each way.
async fn bomb(place: &Place, round: usize) {
    let ids: Vec<String> = (0..50).map(|id| (id + round * 50).to_string()).collect();
    let labels: Vec<[(&str, &str); 2]> = ids
        .iter()
        .map(|id| [("__name__", "bomb_remote_write"), ("id", id.as_str())])
        .collect();
    let series: Vec<(&[(&str, &str)], f64)> =
        labels.iter().map(|labels| (&labels[..], 1.0)).collect();
    place
        .remote_write(WriteVersion::V2, body(WriteVersion::V2, &series))
        .await;
    let now = format!("{}000000", now_ms());
    let points: Vec<Value> = ids
        .iter()
        .map(|id| {
            let id = json!({ "key": "id", "value": { "stringValue": id } });
            json!({ "timeUnixNano": now, "asInt": "7", "attributes": [id] })
        })
        .collect();
    let metrics = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [
        { "name": "bomb_otlp", "gauge": { "dataPoints": points } },
    ] }] }] });
    place
        .post("/otlp/v1/metrics")
        .json(&metrics)
        .send()
        .await
        .unwrap();
    let lines: String = ids
        .iter()
        .map(|id| format!("bomb_influx,id={id} value=1\n"))
        .collect();
    place.post("/write").body(lines).send().await.unwrap();
    let lines: String = ids
        .iter()
        .map(|id| format!("bomb_graphite;id={id} 1 -1\n"))
        .collect();
    let mut stream = TcpStream::connect(place.graphite).await.unwrap();
    stream.write_all(lines.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    // The port answers nothing: its lines are taken when they can be asked for.
    place
        .wait_for("{__name__=\"bomb_graphite\"}", PATIENCE)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn experimental_functions_name_the_key_that_switches_them_on() {
    with_hub_of(quiet(), async |place| {
        let path = with_query("/prometheus/api/v1/query", &[("query", "limitk(2, up)")]);
        let answer = place.anonymous(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), 400);
        let refused: Value = answer.json().await.unwrap();
        let said = refused["error"].as_str().unwrap();
        assert!(said.contains("query.experimental = true"), "{said}");
        assert!(!said.contains("--enable-feature"), "{said}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_status_of_the_store_lists_the_largest() {
    with_hub_of(quiet(), async |place| {
        fill(&place).await;
        let status = read(&place, "/prometheus/api/v1/status/tsdb?limit=1").await;
        let data = &status["data"];
        assert_eq!(data["headStats"]["numSeries"], 3, "{status}");
        assert_eq!(
            data["seriesCountByMetricName"],
            json!([{ "name": "up", "value": 2 }])
        );
        assert_eq!(
            data["labelValueCountByLabelName"],
            json!([{ "name": "__name__", "value": 2 }])
        );
        assert_eq!(
            data["seriesCountByLabelValuePair"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
    })
    .await;
}
