use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;

/// A hub that is killed does not answer; one that lives does so well within this.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// A hub over HTTP.
pub(super) struct Http {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Http {
    pub(super) fn new(hub: &str, token: &str) -> Self {
        let http = reqwest::Client::builder().timeout(ANSWER_TIMEOUT);
        Self {
            http: http.no_proxy().build().unwrap(),
            url: format!("{hub}/api/v1"),
            token: token.to_owned(),
        }
    }

    /// One request; none when there was no whole answer.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        key: Option<&str>,
    ) -> Option<(StatusCode, Value)> {
        let url = format!("{}{path}", self.url);
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        if !body.is_null() {
            request = request.json(body);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let response = request.send().await.ok()?;
        let status = response.status();
        let text = response.bytes().await.ok()?;
        let value = serde_json::from_slice(&text).unwrap_or(Value::Null);
        Some((status, value))
    }
}

/// Whether the same request may be answered later.
pub(super) fn is_busy(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    )
}
