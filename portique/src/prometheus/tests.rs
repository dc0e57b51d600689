//! The interface as its clients see it, on a store of its own.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use portique_clock::{Seeded, SimulatedClock, Timestamp};
use portique_series::{Batch, Labels, MetricKind};
use reqwest::{Client, StatusCode, Url};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{QueryCounts, router};
use crate::config::TelemetryConfig;
use crate::outbound::Trust;
use crate::scrape::{Loaded, Scraping};
use crate::telemetry::Telemetry;

/// Now, for these tests.
const NOW_MS: i64 = 1_000_000;

struct Visit {
    client: Client,
    url: String,
}

impl Visit {
    fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        Url::parse_with_params(&format!("{}{path}", self.url), query).unwrap()
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> (StatusCode, Value) {
        let answer = self.client.get(self.url(path, query)).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        (
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    }

    /// The data of an answer that is one.
    async fn data(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let (status, mut answer) = self.get(path, query).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(answer["status"], "success");
        answer["data"].take()
    }

    #[track_caller]
    fn refused(
        &self,
        path: &str,
        query: &[(&str, &str)],
        status: u16,
        kind: &str,
        error: &str,
    ) -> impl Future<Output = ()> {
        let request = self.client.get(self.url(path, query));
        let (kind, error) = (kind.to_owned(), error.to_owned());
        async move {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status().as_u16(), status);
            let answer: Value = answer.json().await.unwrap();
            let expected = json!({ "status": "error", "errorType": kind, "error": error });
            assert_eq!(answer, expected);
        }
    }
}

/// Serves the interface on a store with a few series.
async fn serve(config: TelemetryConfig, visit: impl AsyncFnOnce(Visit)) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(SimulatedClock::new(Timestamp::from_millis(NOW_MS)));
    let telemetry = Telemetry::open(folder.path(), &config, clock, &mut Seeded::new(7)).unwrap();
    let store = telemetry.store.clone();
    tokio::task::spawn_blocking(move || store.append(&batch()).unwrap())
        .await
        .unwrap();
    let (scraping, _worker) = Scraping::new(
        None,
        Arc::new(Loaded::default()),
        telemetry.clone(),
        None,
        Trust::default(),
    );
    let (routes, _) = router(telemetry, scraping, QueryCounts::default()).split_for_parts();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let visitor = Visit {
        client: Client::builder().no_proxy().build().unwrap(),
        url: format!(
            "http://{}/prometheus/api/v1",
            listener.local_addr().unwrap()
        ),
    };
    let routes: Router = routes;
    tokio::select! {
        served = async { axum::serve(listener, routes).await } => panic!("the server ended: {served:?}"),
        () = visit(visitor) => {}
    }
}

fn batch() -> Batch {
    let mut batch = Batch::new();
    for (job, factor) in [("a", 1.0), ("b", 2.0)] {
        let labels = [
            ("__name__", "m_total"),
            ("job", job),
            ("http.status", "200"),
        ];
        batch.series(&Labels::from_pairs(labels)).unwrap();
        for step in 0..=10_i64 {
            batch.float(step * 10_000, factor * step as f64);
        }
    }
    let trace = Labels::from_pairs([("trace_id", "1a")]);
    batch.exemplar(trace, 0.5, 20_000);
    batch.metadata("m_total", MetricKind::Counter, "What is counted.", "");
    batch
}

#[tokio::test]
async fn instants_ranges_and_scalars() {
    serve(TelemetryConfig::default(), async |visit| {
        let data = visit
            .data("/query", &[("query", "sum(m_total)"), ("time", "100")])
            .await;
        let expected =
            json!({ "resultType": "vector", "result": [{ "metric": {}, "value": [100, "30"] }] });
        assert_eq!(data, expected);
        let range = [
            ("query", "m_total{job=\"b\"} * 0.5"),
            ("start", "10"),
            ("end", "1970-01-01T00:00:20Z"),
            ("step", "5s"),
        ];
        let data = visit.data("/query_range", &range).await;
        let values = json!([[10, "1"], [15, "1"], [20, "2"]]);
        assert_eq!(data["resultType"], "matrix");
        assert_eq!(data["result"][0]["values"], values);
        let data = visit
            .data(
                "/query",
                &[("query", "m_total{job='a'}[30s]"), ("time", "100")],
            )
            .await;
        assert_eq!(data["result"][0]["values"].as_array().unwrap().len(), 3);
        let data = visit.data("/query", &[("query", "time()")]).await;
        assert_eq!(
            data,
            json!({ "resultType": "scalar", "result": [1000, "1000"] })
        );
        let limited = visit
            .get(
                "/query",
                &[("query", "m_total"), ("time", "50"), ("limit", "1")],
            )
            .await
            .1;
        assert_eq!(limited["data"]["result"].as_array().unwrap().len(), 1);
        assert_eq!(
            limited["warnings"],
            json!(["results truncated due to limit"])
        );
    })
    .await;
}

#[tokio::test]
async fn forms_are_read_as_addresses_are() {
    serve(TelemetryConfig::default(), async |visit| {
        let post = visit.client.post(format!("{}/query?time=50", visit.url));
        let form = "query=sum%28m_total%29&time=100";
        let post = post
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        let answer: Value = post.send().await.unwrap().json().await.unwrap();
        // What the form says comes first.
        assert_eq!(answer["data"]["result"][0]["value"], json!([100, "30"]));
    })
    .await;
}

#[tokio::test]
async fn refusals_have_their_words_and_statuses() {
    serve(TelemetryConfig::default(), async |visit| {
        let query = |text| [("query", text)];
        let error = "invalid parameter \"query\": 1:5: parse error: unexpected end of input";
        visit.refused("/query", &query("1 + "), 400, "bad_data", error).await;
        let error = "invalid parameter \"query\": 1:1: parse error: function \"mad_over_time\" is not enabled";
        visit.refused("/query", &query("mad_over_time(m[5m])"), 400, "bad_data", error).await;
        let error = "invalid parameter \"time\": cannot parse \"x\" to a valid timestamp";
        visit.refused("/query", &[("query", "1"), ("time", "x")], 400, "bad_data", error).await;
        let range = |query, start, end, step| [("query", query), ("start", start), ("end", end), ("step", step)];
        let error = "invalid parameter \"end\": end timestamp must not be before start time";
        visit.refused("/query_range", &range("1", "2", "1", "1"), 400, "bad_data", error).await;
        let error = "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer";
        visit.refused("/query_range", &range("1", "1", "2", "0"), 400, "bad_data", error).await;
        let error = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)";
        visit.refused("/query_range", &range("1", "0", "11001", "1"), 400, "bad_data", error).await;
        let data = visit.data("/query_range", &range("1", "0", "11000", "1")).await;
        assert_eq!(data["result"][0]["values"].as_array().unwrap().len(), 11_001);
        let error = "invalid parameter \"query\": invalid expression type \"range vector\" for range query, must be Scalar or instant Vector";
        visit.refused("/query_range", &range("m_total[5m]", "0", "1", "1"), 400, "bad_data", error).await;
        let (status, answer) = visit.get("/query", &[("query", "m_total + on () group_left () m_total"), ("time", "50")]).await;
        assert_eq!(status.as_u16(), 422, "{answer}");
        assert_eq!(answer["errorType"], "execution");
    })
    .await;
}

#[tokio::test]
async fn queries_are_limited_in_samples_and_time() {
    let config = TelemetryConfig {
        query_samples_max: Some(5),
        ..TelemetryConfig::default()
    };
    serve(config, async |visit| {
        let error = "query processing would load too many samples into memory in query execution";
        let query = [("query", "m_total[100s]"), ("time", "100")];
        visit
            .refused("/query", &query, 422, "execution", error)
            .await;
        let query = [("query", "m_total"), ("timeout", "0")];
        let (status, answer) = visit.get("/query", &query).await;
        assert_eq!(
            (status.as_u16(), &answer["errorType"]),
            (503, &json!("timeout")),
            "{answer}"
        );
    })
    .await;
}

#[tokio::test]
async fn labels_values_and_series_are_listed() {
    serve(TelemetryConfig::default(), async |visit| {
        let all = visit.data("/labels", &[]).await;
        assert_eq!(all, json!(["__name__", "http.status", "job"]));
        let values = visit
            .data("/label/job/values", &[("match[]", "m_total{job!='a'}")])
            .await;
        assert_eq!(values, json!(["b"]));
        let values = visit.data("/label/U__http_2e_status/values", &[]).await;
        assert_eq!(values, json!(["200"]));
        let none = visit.data("/label/job/values", &[("start", "500")]).await;
        assert_eq!(none, json!([]));
        let query = [
            ("match[]", "{\"http.status\"=\"200\"}"),
            ("match[]", "up"),
            ("limit", "1"),
        ];
        let (_, answer) = visit.get("/series", &query).await;
        let expected = json!([{ "__name__": "m_total", "http.status": "200", "job": "a" }]);
        assert_eq!(answer["data"], expected);
        assert_eq!(
            answer["warnings"],
            json!(["results truncated due to limit"])
        );
        visit
            .refused(
                "/series",
                &[],
                400,
                "bad_data",
                "no match[] parameter provided",
            )
            .await;
        let error =
            "invalid parameter \"match[]\": match[] must contain at least one non-empty matcher";
        visit
            .refused(
                "/labels",
                &[("match[]", "{a=~'.*'}")],
                400,
                "bad_data",
                error,
            )
            .await;
    })
    .await;
}

#[tokio::test]
async fn metadata_and_exemplars_are_found() {
    serve(TelemetryConfig::default(), async |visit| {
        let metadata = visit.data("/metadata", &[("metric", "m_total")]).await;
        let entry = json!([{ "type": "counter", "help": "What is counted.", "unit": "" }]);
        assert_eq!(metadata, json!({ "m_total": entry }));
        assert_eq!(
            visit.data("/metadata", &[("metric", "other")]).await,
            json!({})
        );
        let query = [
            ("query", "rate(m_total{job='b'}[1m])"),
            ("start", "0"),
            ("end", "60"),
        ];
        let found = visit.data("/query_exemplars", &query).await;
        assert_eq!(found[0]["seriesLabels"]["job"], "b");
        let exemplar = json!({ "labels": { "trace_id": "1a" }, "value": "0.5", "timestamp": 20 });
        assert_eq!(found[0]["exemplars"], json!([exemplar]));
        // As Grafana asks to see whether there is such a thing, with milliseconds for seconds.
        let probe = [
            ("query", "test"),
            ("start", "1600000000000"),
            ("end", "1600000000001"),
        ];
        assert_eq!(visit.data("/query_exemplars", &probe).await, json!([]));
    })
    .await;
}

#[tokio::test]
async fn queries_are_formatted_and_parsed() {
    serve(TelemetryConfig::default(), async |visit| {
        let formatted = visit
            .data("/format_query", &[("query", "sum(a)by(b)")])
            .await;
        assert_eq!(formatted, "sum by (b) (a)");
        let tree = visit
            .data(
                "/parse_query",
                &[("query", "rate(m{a!='b'}[5m] offset 1m) + 1")],
            )
            .await;
        assert_eq!(tree["type"], "binaryExpr");
        assert_eq!(tree["matching"], Value::Null);
        let rate = &tree["lhs"];
        assert_eq!(rate["func"]["argTypes"], json!(["matrix"]));
        let range = &rate["args"][0];
        assert_eq!(
            (&range["range"], &range["offset"]),
            (&json!(300_000), &json!(60_000))
        );
        let matchers = json!([
            { "name": "a", "type": "!=", "value": "b" },
            { "name": "__name__", "type": "=", "value": "m" },
        ]);
        assert_eq!(range["matchers"], matchers);
    })
    .await;
}

#[tokio::test]
async fn grafana_finds_the_version_and_no_features() {
    serve(TelemetryConfig::default(), async |visit| {
        let build = visit.data("/status/buildinfo", &[]).await;
        assert_eq!(build["version"], "3.14.0");
        assert_eq!(build.get("features"), None);
        let flags = visit.data("/status/flags", &[]).await;
        assert_eq!(flags["query.timeout"], "120s");
        assert_eq!(visit.data("/status/config", &[]).await["yaml"], "");
    })
    .await;
}

#[tokio::test]
async fn what_takes_the_most_room_is_named() {
    serve(TelemetryConfig::default(), async |visit| {
        let runtime = visit.data("/status/runtimeinfo", &[]).await;
        assert_eq!(runtime["startTime"], "1970-01-01T00:16:40Z");
        let tsdb = visit.data("/status/tsdb", &[("limit", "1")]).await;
        let most = tsdb["seriesCountByMetricName"].as_array().unwrap();
        assert_eq!(most.len(), 1, "{tsdb}");
        assert!(tsdb["headStats"]["numSeries"].as_u64() >= most[0]["value"].as_u64());
        let error = "invalid parameter \"limit\": limit must not exceed 10000";
        visit
            .refused(
                "/status/tsdb",
                &[("limit", "10001")],
                400,
                "bad_data",
                error,
            )
            .await;
    })
    .await;
}
