//! What is waited for beside the state of a rocket: telemetry, alerts, lines of the log.

use serde_json::Value;

use super::{ControlRoom, LOOK_EVERY, PATIENCE};

impl ControlRoom {
    /// What a PromQL query finds now.
    pub(in super::super) async fn promql(&self, query: &str) -> Vec<Value> {
        let url = self.url.replace("/api/v1", "/prometheus/api/v1/query");
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let request = self.http.get(format!("{url}?query={encoded}"));
        let answer = request.send().await.expect("the hub answers");
        let answer: Value = answer.json().await.expect("JSON");
        assert_eq!(answer["status"], "success", "{query}: {answer:#}");
        answer["data"]["result"]
            .as_array()
            .expect("a vector")
            .clone()
    }

    /// Waits until a PromQL query finds what is wanted; returns it.
    pub(in super::super) async fn until_promql(
        &self,
        query: &str,
        what: &str,
        is_so: impl Fn(&[Value]) -> bool,
    ) -> Vec<Value> {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let mut last = Vec::new();
        let waiting = async {
            loop {
                looks.tick().await;
                last = self.promql(query).await;
                if is_so(&last) {
                    return;
                }
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("{query}: {what} did not come within {PATIENCE:?}; it is {last:#?}");
        }
        last
    }

    /// Waits until an alert fires for a rocket; returns it.
    pub(in super::super) async fn until_alert(&self, rule: &str, rocket: &str) -> Value {
        let url = self.url.replace("/api/v1", "/prometheus/api/v1/alerts");
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let looking = async {
            loop {
                looks.tick().await;
                let answer = self.http.get(&url).send().await.expect("the hub answers");
                let answer: Value = answer.json().await.expect("JSON");
                let alerts = answer["data"]["alerts"].as_array().into_iter().flatten();
                let mut firing = alerts.filter(|alert| {
                    let labels = &alert["labels"];
                    let is_it = labels["alertname"] == rule && labels["rocket"] == rocket;
                    is_it && alert["state"] == "firing"
                });
                if let Some(alert) = firing.next() {
                    return alert.clone();
                }
            }
        };
        match tokio::time::timeout(PATIENCE, looking).await {
            Ok(alert) => alert,
            Err(_) => panic!("{rule} of {rocket} did not fire within {PATIENCE:?}"),
        }
    }

    /// Waits until the mission log has such lines; returns them.
    pub(in super::super) async fn until_log(&self, filter: &str) -> Vec<Value> {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let looking = async {
            loop {
                looks.tick().await;
                let lines = self.log(filter).await;
                if !lines.is_empty() {
                    return lines;
                }
            }
        };
        match tokio::time::timeout(PATIENCE, looking).await {
            Ok(lines) => lines,
            Err(_) => panic!("the log has no {filter} within {PATIENCE:?}"),
        }
    }
}
