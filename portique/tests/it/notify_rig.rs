//! Receivers of notifications on the loopback, and a hub that tells them.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method as Verb, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use portique::{Data, NotificationsConfig};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::api_rig::{self, Rig, with_hub_of};

/// Longest wait for something that has to happen: a busy machine takes its time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A request as it arrived.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) verb: Verb,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Arrived {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What a receiver does with a request.
pub(crate) enum Answer {
    With(Response),
    Never,
}

/// Answers with what it is told to, in turn, then with 200.
pub(crate) struct Receiver {
    pub(crate) url: String,
    arrived: mpsc::Receiver<Arrived>,
    _server: JoinSet<()>,
}

#[derive(Clone)]
struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    arrived: mpsc::Sender<Arrived>,
}

impl Receiver {
    pub(crate) async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, answers)
    }

    pub(crate) fn on(listener: TcpListener, answers: Vec<Answer>) -> Self {
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (sender, arrived) = mpsc::channel(1_024);
        let script = Script {
            answers: Arc::new(Mutex::new(answers.into())),
            arrived: sender,
        };
        let router = Router::new().fallback(receive).with_state(script);
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            arrived,
            _server: server,
        }
    }

    pub(crate) async fn next(&mut self) -> Arrived {
        let next = tokio::time::timeout(PATIENCE, self.arrived.recv()).await;
        next.expect("nothing arrived")
            .expect("the receiver is there")
    }

    /// What arrived and was not looked at.
    pub(crate) fn left(&mut self) -> usize {
        let mut left = 0;
        while self.arrived.try_recv().is_ok() {
            left += 1;
        }
        left
    }
}

async fn receive(
    State(script): State<Script>,
    verb: Verb,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = script.answers.lock().unwrap().pop_front();
    let arrived = Arrived {
        verb,
        uri,
        headers,
        body,
    };
    script.arrived.send(arrived).await.unwrap();
    match answer {
        Some(Answer::With(response)) => response,
        Some(Answer::Never) => std::future::pending().await,
        None => StatusCode::OK.into_response(),
    }
}

/// A status with these words.
pub(crate) fn says(status: u16, words: &str) -> Answer {
    let status = StatusCode::from_u16(status).unwrap();
    Answer::With((status, words.to_owned()).into_response())
}

/// Visits a hub that is configured by this text.
pub(crate) async fn with_notifier(text: &str, visit: impl AsyncFnOnce(Rig)) {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), text);
    let config = portique::Config {
        notifications: NotificationsConfig {
            file: Some(file.into()),
            external_url: Some("http://hub.example".into()),
            ..NotificationsConfig::default()
        },
        ..api_rig::config(Data::Ephemeral)
    };
    with_hub_of(config, visit).await;
}

/// Writes the configuration of notifications; its path.
pub(crate) fn write(folder: &Path, text: &str) -> String {
    let path = folder.join("alertmanager.yml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A configuration that tells one receiver at once; its ways follow in YAML.
pub(crate) fn at_once(ways: &str) -> String {
    format!(
        "route: {{receiver: all, group_by: [alertname], group_wait: 0s, group_interval: 1s}}\n\
         receivers:\n- name: all\n{ways}"
    )
}

/// Tells the hub of an alert that goes on, or has ended.
pub(crate) async fn raise(rig: &Rig, labels: &[(&str, &str)], is_over: bool) {
    let labels: serde_json::Map<String, Value> = labels
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    let mut alert = json!({
        "labels": labels,
        "annotations": { "summary": "It is hot" },
        "startsAt": "2026-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph",
    });
    if is_over {
        alert["endsAt"] = json!("2026-01-01T00:01:00Z");
    }
    post(rig, &json!([alert])).await;
}

/// Tells the hub of alerts.
pub(crate) async fn post(rig: &Rig, alerts: &Value) {
    let answer = rig.alerting(Method::POST, "/alerts").json(alerts);
    let answer = answer.send().await.unwrap();
    let status = answer.status();
    assert_eq!(status, 200, "{}", answer.text().await.unwrap());
}

/// What Alertmanager's API shows.
pub(crate) async fn get(rig: &Rig, path: &str) -> Value {
    api_rig::json(rig.alerting(Method::GET, path)).await
}

/// Waits until something is so; what was last seen otherwise.
pub(crate) async fn until<T: std::fmt::Debug>(
    mut look: impl AsyncFnMut() -> T,
    is_so: impl Fn(&T) -> bool,
) -> T {
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        let seen = look().await;
        if is_so(&seen) {
            return seen;
        }
        assert!(tokio::time::Instant::now() < end, "it stays so: {seen:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What is said about the only alert there is.
pub(crate) async fn explained(rig: &Rig) -> Value {
    let alerts = get(rig, "/alerts").await;
    let fingerprint = alerts[0]["fingerprint"].as_str().unwrap();
    rig.get(&format!("/notifications/alerts/{fingerprint}"))
        .await
}

/// The value of a figure on the page of metrics; 0 when it is not there.
pub(crate) async fn figure(rig: &Rig, name: &str) -> f64 {
    let page = rig.metrics().await;
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}
