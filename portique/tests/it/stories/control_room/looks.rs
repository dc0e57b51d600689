//! What is waited for beside the state of a rocket: its telemetry.

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
}
