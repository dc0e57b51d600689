//! A hub in this process for the tests of queues and events, with its tokens at hand.

use std::path::{Path, PathBuf};
use std::time::Duration;

use portique::{Config, Data, EventsConfig, Hub, LogConfig, LogFormat};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

/// What is not there by then never will be.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a hub is reached, and with what.
pub(crate) struct Rig {
    client: Client,
    url: String,
    commander: String,
    service: String,
}

/// As [`with_hub`], configured otherwise.
pub(crate) async fn with_hub_of(config: Config, visit: impl AsyncFnOnce(Rig)) {
    let hub = Hub::open(config).await.unwrap();
    visit_hub(hub, visit).await;
}

/// Visits a hub of its own until the visit ends.
pub(crate) async fn with_hub(visit: impl AsyncFnOnce(Rig)) {
    let hub = Hub::open(config(Data::Ephemeral)).await.unwrap();
    visit_hub(hub, visit).await;
}

/// As [`with_hub`], with a hub that keeps its own figures so often.
pub(crate) async fn with_hub_watched(every: Option<Duration>, visit: impl AsyncFnOnce(Rig)) {
    let mut config = config(Data::Ephemeral);
    config.telemetry.own_figures_every = every;
    let hub = Hub::open(config).await.unwrap();
    visit_hub(hub, visit).await;
}

/// As [`with_hub`], on a folder that outlives the hub.
pub(crate) async fn with_hub_on(folder: &Path, visit: impl AsyncFnOnce(Rig)) {
    let data = Data::Folder(folder.to_path_buf());
    let hub = Hub::open(config(data)).await.unwrap();
    visit_hub(hub, visit).await;
}

async fn visit_hub(hub: Hub, visit: impl AsyncFnOnce(Rig)) {
    let token = |file: &str| {
        let text = std::fs::read_to_string(hub.data().join(file)).unwrap();
        text.trim().to_owned()
    };
    let rig = Rig {
        client: Client::builder().no_proxy().build().unwrap(),
        url: format!("http://{}/api/v1", hub.addresses().http),
        commander: hub.token().to_owned(),
        service: token("service.token"),
    };
    // A hub is large, and every test would hold it.
    Box::pin(hub.run(visit(rig))).await.unwrap();
}

/// Addresses of its own, and otherwise what is the default.
pub(crate) fn config(data: Data) -> Config {
    let any_port = "127.0.0.1:0".parse().unwrap();
    Config {
        listen: any_port,
        grpc_listen: any_port,
        prometheus_listen: None,
        connections_max: None,
        tls: portique::TlsConfig::default(),
        data,
        events: EventsConfig::default(),
        access: portique::AccessConfig::default(),
        telemetry: portique::TelemetryConfig::default(),
        rules: portique::RulesConfig::default(),
        payments: portique::PaymentsConfig::default(),
        pools: Vec::new(),
        notifications: portique::NotificationsConfig::default(),
        stop_grace: Duration::from_secs(10),
        log: LogConfig {
            format: LogFormat::Text,
            filter: "info".into(),
        },
        executable: PathBuf::from(env!("CARGO_BIN_EXE_portique")),
        origins: portique::Origins::default(),
    }
}

impl Rig {
    /// The hub's address, without a path.
    pub(crate) fn root(&self) -> String {
        self.url.replace("/api/v1", "")
    }

    /// The token that programs show.
    pub(crate) fn service_token(&self) -> &str {
        &self.service
    }

    /// The token that people show.
    pub(crate) fn commander_token(&self) -> &str {
        &self.commander
    }

    /// A request of the commander to Alertmanager's API.
    pub(crate) fn alerting(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/v2{path}", self.root());
        self.client
            .request(method, url)
            .bearer_auth(&self.commander)
    }

    /// A request without a token.
    pub(crate) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// A request with the service token.
    pub(crate) fn service(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&self.service)
    }

    /// A request with the commander token.
    pub(crate) fn commander(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&self.commander)
    }

    /// What is there.
    pub(crate) async fn get(&self, path: &str) -> Value {
        json(self.commander(Method::GET, path)).await
    }

    /// What becomes of a body that is JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        json(self.service(Method::POST, path).json(body)).await
    }

    /// What becomes of a body that is JSON, put there.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> Value {
        json(self.commander(Method::PUT, path).json(body)).await
    }

    /// What becomes of a request without a body.
    pub(crate) async fn ask(&self, path: &str) -> Value {
        json(self.service(Method::POST, path)).await
    }

    /// The page of metrics.
    pub(crate) async fn metrics(&self) -> String {
        let page = self.url.replace("/api/v1", "/metrics");
        let answer = self.client.get(page).send().await.unwrap();
        answer.text().await.unwrap()
    }

    /// The page of metrics for who accepts this, and its content type.
    pub(crate) async fn metrics_as(&self, accept: &str) -> (String, String) {
        let page = self.url.replace("/api/v1", "/metrics");
        let asked = self.client.get(page).header("accept", accept);
        let answer = asked.send().await.unwrap();
        let kind = answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        (answer.text().await.unwrap(), kind)
    }

    /// What a route of Prometheus' interface answers, whatever it is.
    pub(crate) async fn prometheus(&self, path: &str, pairs: &[(&str, &str)]) -> Value {
        let url = self.url.replace("/api/v1", "/prometheus/api/v1");
        let mut query = form_urlencoded::Serializer::new(String::new());
        let query = query.extend_pairs(pairs).finish();
        let asked = self.client.get(format!("{url}{path}?{query}"));
        asked.send().await.unwrap().json().await.unwrap()
    }

    /// The series that an instant query comes to.
    pub(crate) async fn query(&self, promql: &str) -> Vec<Value> {
        let answer = self.prometheus("/query", &[("query", promql)]).await;
        let result = answer["data"]["result"].as_array();
        result
            .unwrap_or_else(|| panic!("{promql}: {answer}"))
            .clone()
    }

    /// Asks until there is something.
    pub(crate) async fn wait_for(&self, promql: &str) -> Vec<Value> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            let found = self.query(promql).await;
            if !found.is_empty() {
                return found;
            }
            let now = tokio::time::Instant::now();
            assert!(now < deadline, "nothing came of {promql}");
        }
    }

    /// Where the hub listens, as its own series say it.
    pub(crate) fn instance(&self) -> &str {
        let host = self.url.trim_start_matches("http://");
        host.trim_end_matches("/api/v1")
    }
}

/// What a request that is granted comes to; null when there is nothing to say.
pub(crate) async fn json(request: RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{status}: {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

/// Asserts that a request is refused with this status and code; what the detail says.
pub(crate) async fn refused(request: RequestBuilder, status: u16, code: &str) -> String {
    let answer = request.send().await.unwrap();
    problem(answer, status, code).await
}

/// Asserts that an answer is a problem with this status and code; what the detail says.
pub(crate) async fn problem(answer: Response, status: u16, code: &str) -> String {
    let given = answer.status();
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(given, status, "{problem}");
    assert_eq!(problem["code"], code, "{problem}");
    problem["detail"].as_str().unwrap().to_owned()
}
