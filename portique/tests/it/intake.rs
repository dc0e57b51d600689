//! Telemetry sent in every format, asked for again, and what became of what was wrong.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use portique::{Config, Data, EventsConfig, Hub, LogConfig, LogFormat, TelemetryConfig};
use portique_exposition::{WriteEncoder, WriteSeries, WriteVersion, compress_snappy};
use portique_series::{Labels, Samples};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// What is not there by then never will be.
const PATIENCE: Duration = Duration::from_secs(30);

/// A hub with a Graphite port, and what it takes to visit it.
pub(crate) struct Place {
    client: Client,
    pub(crate) http: SocketAddr,
    pub(crate) graphite: SocketAddr,
    pub(crate) token: String,
    pub(crate) commander: String,
    pub(crate) grpc: SocketAddr,
    /// Its `prometheus.yml`, if it has one.
    pub(crate) prometheus_file: PathBuf,
}

/// How a hub is, beside what is the same for all.
#[derive(Default)]
pub(crate) struct Wishes {
    /// A folder that outlives the hub.
    pub(crate) folder: Option<PathBuf>,
    /// The text of its `prometheus.yml`.
    pub(crate) prometheus_file: Option<String>,
    /// Where it listens.
    pub(crate) listen: Option<SocketAddr>,
    /// How it keeps telemetry, but for the file.
    pub(crate) telemetry: TelemetryConfig,
}

/// Visits a hub of its own until the visit ends.
pub(crate) async fn with_hub(visit: impl AsyncFnOnce(Place)) {
    with_hub_of(TelemetryConfig::default(), visit).await;
}

/// Visits a hub that keeps telemetry in its own way.
pub(crate) async fn with_hub_of(telemetry: TelemetryConfig, visit: impl AsyncFnOnce(Place)) {
    let wishes = Wishes {
        telemetry,
        ..Wishes::default()
    };
    with_hub_as(wishes, visit).await;
}

/// Telemetry of others only, so that nothing else is `up`.
pub(crate) fn without_own_figures() -> TelemetryConfig {
    TelemetryConfig {
        own_figures_every: None,
        ..TelemetryConfig::default()
    }
}

/// The same with a `prometheus.yml` of this text.
pub(crate) async fn with_hub_scraping(file: &str, visit: impl AsyncFnOnce(Place)) {
    let wishes = Wishes {
        prometheus_file: Some(file.to_owned()),
        telemetry: without_own_figures(),
        ..Wishes::default()
    };
    with_hub_as(wishes, visit).await;
}

/// The same, as it is wished.
pub(crate) async fn with_hub_as(wishes: Wishes, visit: impl AsyncFnOnce(Place)) {
    let any_port = "127.0.0.1:0".parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prometheus.yml");
    let prometheus_file = wishes.prometheus_file.map(|text| {
        std::fs::write(&path, text).unwrap();
        path.clone()
    });
    let hub = Hub::open(Config {
        listen: wishes.listen.unwrap_or(any_port),
        grpc_listen: any_port,
        prometheus_listen: None,
        connections_max: None,
        tls: portique::TlsConfig::default(),
        data: wishes.folder.map_or(Data::Ephemeral, Data::Folder),
        events: EventsConfig::default(),
        payments: portique::PaymentsConfig::default(),
        pools: Vec::new(),
        notifications: portique::NotificationsConfig::default(),
        access: portique::AccessConfig::default(),
        telemetry: TelemetryConfig {
            graphite_listen: Some(any_port),
            prometheus_file,
            ..wishes.telemetry
        },
        rules: portique::RulesConfig::default(),
        stop_grace: Duration::from_secs(10),
        log: LogConfig {
            format: LogFormat::Text,
            filter: "info".into(),
        },
        executable: PathBuf::from(env!("CARGO_BIN_EXE_portique")),
        origins: portique::Origins::default(),
    });
    let hub = hub.await.unwrap();
    let token = |file: &str| {
        let text = std::fs::read_to_string(hub.data().join(file)).unwrap();
        text.trim().to_owned()
    };
    let visit = visit(Place {
        commander: hub.token().to_owned(),
        grpc: hub.addresses().grpc,
        client: Client::builder().no_proxy().build().unwrap(),
        http: hub.addresses().http,
        graphite: hub.graphite_address().unwrap(),
        token: token("service.token"),
        prometheus_file: path,
    });
    Box::pin(hub.run(visit)).await.unwrap();
}

impl Place {
    pub(crate) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.http);
        self.client.request(method, url)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.anonymous(Method::POST, path).bearer_auth(&self.token)
    }

    /// A change that only the commander may ask for.
    pub(crate) fn command(&self, path: &str) -> RequestBuilder {
        self.anonymous(Method::POST, path)
            .bearer_auth(&self.commander)
    }

    /// What an instant query comes to: labels without the name, and the value, of each series.
    pub(crate) async fn query(&self, query: &str) -> Vec<(Value, String)> {
        let path = with_query("/prometheus/api/v1/query", &[("query", query)]);
        let answer = self.anonymous(Method::GET, &path).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let result = answer["data"]["result"].as_array();
        let result = result.unwrap_or_else(|| panic!("{answer}"));
        let series = result.iter().map(|series| {
            let mut labels = series["metric"].clone();
            labels.as_object_mut().unwrap().remove("__name__");
            (
                labels,
                series["value"][1].as_str().unwrap_or_default().to_owned(),
            )
        });
        series.collect()
    }

    /// Asks until there is something.
    pub(crate) async fn wait_for(&self, query: &str, patience: Duration) -> Vec<(Value, String)> {
        let deadline = Instant::now() + patience;
        let mut ticks = interval(Duration::from_millis(50));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let found = self.query(query).await;
            if !found.is_empty() {
                return found;
            }
            let now = Instant::now();
            assert!(now < deadline, "nothing came of {query}");
        }
    }

    /// Sends a line of Graphite's plaintext.
    pub(crate) async fn write_line(&self, line: &str) {
        let mut stream = TcpStream::connect(self.graphite).await.unwrap();
        stream
            .write_all(format!("{line}\n").as_bytes())
            .await
            .unwrap();
    }

    /// What a route of Prometheus' interface answers.
    pub(crate) async fn telemetry(&self, path: &str) -> Value {
        let asked = self.anonymous(Method::GET, &format!("/prometheus/api/v1/{path}"));
        asked.send().await.unwrap().json().await.unwrap()
    }

    /// What a route answers that needs no token.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let asked = self.anonymous(Method::GET, path);
        asked.send().await.unwrap().json().await.unwrap()
    }

    /// The page of metrics.
    pub(crate) async fn metrics(&self) -> String {
        let asked = self.anonymous(Method::GET, "/metrics");
        asked.send().await.unwrap().text().await.unwrap()
    }

    /// The account of one way in.
    pub(crate) async fn account(&self, way: &str) -> Value {
        let asked = self.anonymous(Method::GET, "/api/v1/telemetry/intake");
        let ways: Vec<Value> = asked.send().await.unwrap().json().await.unwrap();
        let found = ways.into_iter().find(|found| found["way"] == way);
        found.unwrap()
    }

    /// The account of a way once so many samples were taken.
    async fn wait_for_account(&self, way: &str, accepted: u64) -> Value {
        let deadline = Instant::now() + PATIENCE;
        let mut ticks = interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            let account = self.account(way).await;
            if account["accepted"] == accepted {
                return account;
            }
            assert!(Instant::now() < deadline, "{account}");
        }
    }

    pub(crate) async fn remote_write(&self, version: WriteVersion, body: Vec<u8>) -> Response {
        let content_type = format!("application/x-protobuf;proto={}", version.message());
        let request = self.post("/prometheus/api/v1/write");
        let request = request.header("content-type", content_type);
        let request = request.header("content-encoding", "snappy");
        request.body(body).send().await.unwrap()
    }
}

pub(crate) fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    format!("{path}?{}", query.extend_pairs(pairs).finish())
}

pub(crate) fn now_ms() -> i64 {
    let now = portique_clock::WallClock::new();
    portique_clock::Clock::now(&now).as_millis()
}

/// A body of these series, each with one float of the present.
pub(crate) fn body(version: WriteVersion, series: &[(&[(&str, &str)], f64)]) -> Vec<u8> {
    let mut encoder = WriteEncoder::new(version);
    for (labels, value) in series {
        let labels = Labels::from_pairs(labels.iter().copied());
        let mut samples = Samples::default();
        samples.push_float(now_ms(), *value);
        encoder.series(&WriteSeries {
            labels: &labels,
            samples: &samples,
            exemplars: &[],
            metadata: None,
        });
    }
    encoder.finish().unwrap()
}

fn header(answer: &Response, name: &str) -> String {
    let value = answer.headers().get(name);
    value.map_or(String::new(), |value| value.to_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn remote_write_of_both_versions_is_there_at_once() {
    with_hub(async |place| {
        for (version, name, written) in [
            (WriteVersion::V1, "first", ""),
            (WriteVersion::V2, "second", "1"),
        ] {
            let body = body(version, &[(&[("__name__", name), ("job", "a")], 1.5)]);
            let answer = place.remote_write(version, body).await;
            assert_eq!(answer.status(), 204);
            let found = header(&answer, "x-prometheus-remote-write-samples-written");
            assert_eq!(found, written);
            assert_eq!(
                place.query(name).await,
                [(json!({"job": "a"}), "1.5".to_owned())]
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused_counted_and_shown_and_the_rest_is_taken() {
    with_hub(async |place| {
        let good: (&[(&str, &str)], f64) = (&[("__name__", "good")], 2.0);
        let nameless: (&[(&str, &str)], f64) = (&[("job", "a")], 1.0);
        let body = body(WriteVersion::V2, &[nameless, good]);
        let answer = place.remote_write(WriteVersion::V2, body).await;
        assert_eq!(answer.status(), 400);
        let written = header(&answer, "x-prometheus-remote-write-samples-written");
        assert_eq!(written, "1");
        let problem: Value = answer.json().await.unwrap();
        let said = "1 samples were taken, 1 were not: series 1: the series has no label __name__: \"job=a\"";
        assert_eq!(problem["detail"], said);
        assert_eq!(place.query("good").await.len(), 1);
        let account = place.account("remote_write").await;
        assert_eq!((&account["accepted"], &account["refused"]), (&json!(1), &json!({"no_name": 1})));
        assert_eq!(account["last"][0]["reason"], "no_name");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_cannot_be_read_say_why() {
    with_hub(async |place| {
        let cut = compress_snappy(b"\x0a\x05ab").unwrap();
        let answer = place.remote_write(WriteVersion::V1, cut).await;
        assert_eq!(answer.status(), 400);
        let answer = place
            .remote_write(WriteVersion::V1, b"plain".to_vec())
            .await;
        assert_eq!(answer.status(), 400);
        let request = place.post("/prometheus/api/v1/write");
        let answer = request
            .header("content-type", "text/plain")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 415);
        let request = place.anonymous(Method::POST, "/write").body("a value=1");
        assert_eq!(request.send().await.unwrap().status(), 401);
        assert_eq!(
            place.account("remote_write").await["refused"],
            json!({"unreadable": 2})
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn otlp_and_influx_and_graphite_come_to_series() {
    with_hub(async |place| {
        let now = format!("{}000000", now_ms());
        let metrics = json!({"resourceMetrics": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]},
            "scopeMetrics": [{"metrics": [
                {"name": "sold", "sum": {"isMonotonic": true, "aggregationTemporality": 2,
                    "dataPoints": [{"timeUnixNano": now, "asInt": "7"}]}},
                {"name": "delta", "sum": {"aggregationTemporality": 1, "dataPoints": [{}]}},
            ]}],
        }]});
        let answer = place
            .post("/otlp/v1/metrics")
            .json(&metrics)
            .send()
            .await
            .unwrap();
        let partial: Value = answer.json().await.unwrap();
        assert_eq!(
            partial["partialSuccess"]["rejectedDataPoints"], "1",
            "{partial}"
        );
        assert_eq!(
            place.query("sold_total").await,
            [(json!({"job": "cart"}), "7".to_owned())]
        );

        let lines = "cpu,host=h idle=1.5,note=\"x\"\ncpu,host=h\n";
        let answer = place
            .post("/api/v2/write?bucket=b")
            .body(lines)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 400);
        let found = place.query("cpu_idle").await;
        assert_eq!(found, [(json!({"db": "b", "host": "h"}), "1.5".to_owned())]);
        let account = place.account("influx").await;
        assert_eq!(account["refused"], json!({"syntax": 1, "unsupported": 1}));

        let mut stream = TcpStream::connect(place.graphite).await.unwrap();
        stream.write_all(b"bad\na.b;dc=x 4").await.unwrap();
        stream.write_all(b".5 -1\nc.d 5 N").await.unwrap();
        stream.shutdown().await.unwrap();
        let found = place.wait_for("{__name__=\"a.b\"}", PATIENCE).await;
        assert_eq!(found, [(json!({"dc": "x"}), "4.5".to_owned())]);
        let account = place.wait_for_account("graphite", 2).await;
        assert_eq!(account["refused"], json!({"syntax": 1}));
        assert_eq!(place.query("{__name__=\"c.d\"}").await.len(), 1);
    })
    .await;
}

/// Rules of launch control destroy a module by what they read there.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_sends_what_a_system_measures_by_any_way_in() {
    with_hub(async |place| {
        let (name, good) = ("launch_engines_failed", "engines_failed");
        for version in [WriteVersion::V1, WriteVersion::V2] {
            let body = body(
                version,
                &[
                    (
                        &[
                            ("__name__", name),
                            ("rocket", "demo"),
                            ("module", "booster"),
                        ],
                        9.0,
                    ),
                    (&[("__name__", good)], 9.0),
                ],
            );
            let answer = place.remote_write(version, body).await;
            assert_eq!(answer.status(), 400);
            let problem: Value = answer.json().await.unwrap();
            let said = problem["detail"].as_str().unwrap();
            assert!(
                said.contains("launch_* belong to a system of the hub"),
                "{said}"
            );
        }
        let metrics = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
            {"name": "launch.engines.failed", "gauge": {"dataPoints": [
                {"timeUnixNano": format!("{}000000", now_ms()), "asInt": "9"}]}},
        ]}]}]});
        let sent = place.post("/otlp/v1/metrics").json(&metrics).send();
        let partial: Value = sent.await.unwrap().json().await.unwrap();
        assert_eq!(
            partial["partialSuccess"]["rejectedDataPoints"], "1",
            "{partial}"
        );
        let sent = place
            .post("/api/v2/write?bucket=b")
            .body("launch engines_failed=9\n")
            .send();
        assert_eq!(sent.await.unwrap().status(), 400);
        place
            .write_line(&format!("{name} 9 -1\nsteam.engines 9 -1"))
            .await;
        place.wait_for_account("graphite", 1).await;

        assert!(place.query("{__name__=~\"launch_.*\"}").await.is_empty());
        assert_eq!(place.query(good).await.len(), 1);
        for (way, count) in [
            ("remote_write", 2),
            ("otlp", 1),
            ("influx", 1),
            ("graphite", 1),
        ] {
            let account = place.account(way).await;
            assert_eq!(account["refused"], json!({"reserved_name": count}), "{way}");
            assert_eq!(account["last"][0]["reason"], "reserved_name", "{account}");
        }
        let metrics = place.metrics().await;
        let total = "portique_telemetry_refusals_total{reason=\"reserved_name\"} 5";
        assert!(metrics.contains(total), "{metrics}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn federation_shows_the_newest_of_what_is_selected() {
    with_hub(async |place| {
        let series: &[(&[(&str, &str)], f64)] = &[
            (&[("__name__", "is_up"), ("job", "a")], 1.0),
            (&[("__name__", "is_up"), ("job", "b")], 0.0),
            (&[("__name__", "other"), ("job", "a")], 3.0),
        ];
        place
            .remote_write(WriteVersion::V1, body(WriteVersion::V1, series))
            .await;
        let selectors = [("match[]", "is_up"), ("match[]", "{job=\"a\"}")];
        let path = with_query("/prometheus/federate", &selectors);
        let asked = place.anonymous(Method::GET, &path);
        let text = asked.send().await.unwrap().text().await.unwrap();
        let values: Vec<_> = text
            .lines()
            .map(|line| line.rsplit_once(' ').unwrap().0)
            .collect();
        let expected = [
            "# TYPE is_up",
            "is_up{job=\"a\"} 1",
            "is_up{job=\"b\"} 0",
            "# TYPE other",
            "other{job=\"a\"} 3",
        ];
        assert_eq!(values, expected);
        let answer = place.anonymous(Method::GET, "/prometheus/federate?match[]={}");
        assert_eq!(answer.send().await.unwrap().status(), 400);
    })
    .await;
}
