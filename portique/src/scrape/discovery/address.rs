use std::path::PathBuf;
use std::time::Duration;

use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use portique_monitor::scrape::{
    HttpDiscovery, TARGETS_FILE_BYTES_MAX, TargetGroup, read_target_groups,
};
use tokio::time::MissedTickBehavior;

use super::Outlet;
use crate::outbound::{Ask, Endpoint, Trust, read_body};

/// Who knows targets answers in this time, or is asked again later.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Asks again and again; what was good last stays until there is a good answer.
pub(super) async fn refresh(
    discovery: HttpDiscovery,
    folder: PathBuf,
    trust: Trust,
    outlet: Outlet,
) {
    let endpoint = Endpoint::new(discovery.endpoint.clone(), &folder, trust);
    let mut asks = tokio::time::interval(discovery.refresh_interval);
    asks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last: Option<Result<Vec<TargetGroup>, String>> = None;
    loop {
        asks.tick().await;
        let answer = match tokio::time::timeout(TIMEOUT, ask(&endpoint, &discovery.url)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no whole answer within {} s", TIMEOUT.as_secs())),
        };
        let answer = answer.map_err(|problem| format!("{}: {problem}", discovery.url));
        if last.as_ref() == Some(&answer) {
            continue;
        }
        let told = match &answer {
            Ok(groups) => outlet.tell(Some(groups.clone()), None).await,
            Err(problem) => {
                tracing::warn!(
                    problem,
                    "targets are not known anew: the last known ones stay"
                );
                outlet.tell(None, Some(problem.clone())).await
            }
        };
        if !told {
            return;
        }
        last = Some(answer);
    }
}

async fn ask(endpoint: &Endpoint, url: &str) -> Result<Vec<TargetGroup>, String> {
    let mut ask = Ask::get(url);
    ask.headers
        .insert(ACCEPT, HeaderValue::from_static("application/json"));
    let answer = endpoint
        .send(ask)
        .await
        .map_err(|fault| fault.to_string())?;
    if answer.status() != StatusCode::OK {
        return Err(format!("server returned HTTP status {}", answer.status()));
    }
    let said = answer.headers().get(CONTENT_TYPE);
    let said = said
        .and_then(|said| said.to_str().ok())
        .unwrap_or("")
        .to_owned();
    if !said
        .trim()
        .to_ascii_lowercase()
        .starts_with("application/json")
    {
        return Err(format!(
            "its Content-Type is {said:?}: it is application/json"
        ));
    }
    let bytes = read_body(answer.into_body(), TARGETS_FILE_BYTES_MAX, |_| true).await;
    let bytes = bytes.map_err(|fault| fault.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "the answer is not UTF-8".to_owned())?;
    let groups = read_target_groups("answer", &text).map_err(|problems| problems[0].to_string())?;
    let groups = groups.into_iter();
    Ok(groups.map(|group| group.with_meta("url", url)).collect())
}
