//! Who is asked for samples, and how they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use portique_clock::Timestamp;
use portique_monitor::format_duration;
use portique_series::{Labels, Matcher, Metadata};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{Answer, Refusal};
use super::parameters::Parameters;
use super::{QueryApi, Reply};
use crate::scrape::Watched;

/// What Prometheus says of a target that was never asked.
const NEVER: &str = "0001-01-01T00:00:00Z";

pub(super) fn router() -> OpenApiRouter<Arc<QueryApi>> {
    OpenApiRouter::new()
        .routes(routes!(targets))
        .routes(routes!(targets_metadata))
        .routes(routes!(scrape_pools))
        .routes(routes!(alertmanagers))
        .routes(routes!(config))
}

/// A target as Prometheus shows it; what it has not is at the end.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ActiveTarget {
    discovered_labels: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
    scrape_pool: String,
    scrape_url: String,
    global_url: String,
    last_error: String,
    last_scrape: String,
    /// Seconds.
    last_scrape_duration: f64,
    health: &'static str,
    scrape_interval: String,
    scrape_timeout: String,
    /// Samples of the last answer.
    samples: usize,
    /// Lines that could not be read and samples that were left out, since the hub asks it.
    rejected: u64,
    /// The same by reason.
    rejections: BTreeMap<&'static str, u64>,
    /// The last of them, and why; empty when there was none.
    last_rejection: String,
}

impl ActiveTarget {
    fn of(pool: &str, watched: &Watched) -> Self {
        let (target, state) = (&watched.target, watched.state());
        let last_scrape = state.last_scrape_ms.map(Timestamp::from_millis);
        Self {
            discovered_labels: pairs(&target.discovered),
            labels: pairs(&target.labels),
            scrape_pool: pool.to_owned(),
            scrape_url: target.url.clone(),
            global_url: target.url.clone(),
            last_error: state.last_error,
            last_scrape: last_scrape.map_or_else(|| NEVER.to_owned(), |at| at.to_string()),
            last_scrape_duration: state.last_duration.as_secs_f64(),
            health: state.health.as_str(),
            scrape_interval: format_duration(target.interval),
            scrape_timeout: format_duration(target.timeout),
            samples: state.samples,
            rejected: state.rejected.values().sum(),
            rejections: state.rejected,
            last_rejection: state.last_rejection,
        }
    }
}

fn pairs(labels: &Labels) -> BTreeMap<String, String> {
    let pairs = labels.iter();
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The targets that are asked, and those that relabelling drops.
#[utoipa::path(get, path = "/targets", tag = "prometheus",
    params(
        ("state" = Option<String>, Query, description = "`active`, `dropped` or `any`"),
        ("scrapePool" = Option<String>, Query, description = "Of this job only"),
    ),
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn targets(State(api): State<Arc<QueryApi>>, parameters: Parameters) -> Reply {
    let state = parameters
        .text("state")
        .unwrap_or("any")
        .to_ascii_lowercase();
    let wanted = parameters
        .text("scrapePool")
        .filter(|pool| !pool.is_empty());
    let (mut active, mut dropped, mut counts) = (Vec::new(), Vec::new(), BTreeMap::new());
    let mut problems = BTreeMap::new();
    for (name, pool) in api.scraping.registry().pools() {
        if wanted.is_some_and(|wanted| wanted != name) {
            continue;
        }
        if state != "dropped" {
            let targets = pool.active.iter();
            active.extend(targets.map(|watched| ActiveTarget::of(&name, watched)));
        }
        if state != "active" {
            let labels = pool.dropped.iter();
            let shown = |labels| json!({ "discoveredLabels": pairs(labels), "scrapePool": name });
            dropped.extend(labels.map(shown));
        }
        if !pool.problems.is_empty() {
            problems.insert(name.clone(), pool.problems.clone());
        }
        counts.insert(name, pool.dropped_count);
    }
    let mut answer = Answer::of(&json!({
        "activeTargets": active,
        "droppedTargets": dropped,
        "droppedTargetCounts": counts,
    }));
    for (pool, problems) in problems {
        let said = problems
            .into_iter()
            .map(|problem| format!("{pool}: {problem}"));
        answer.warnings.extend(said);
    }
    Ok(answer)
}

/// What targets say of their metrics.
#[utoipa::path(get, path = "/targets/metadata", tag = "prometheus",
    params(
        ("match_target" = Option<String>, Query, description = "Of targets that a selector accepts"),
        ("metric" = Option<String>, Query, description = "Of this metric only"),
        ("limit" = Option<u64>, Query),
    ),
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn targets_metadata(
    State(api): State<Arc<QueryApi>>,
    parameters: Parameters,
) -> Reply {
    let limit = parameters.limit()?;
    let matchers = match parameters
        .text("match_target")
        .filter(|text| !text.is_empty())
    {
        Some(text) => matchers(text)?,
        None => Vec::new(),
    };
    let metric = parameters
        .text("metric")
        .filter(|metric| !metric.is_empty());
    let mut found = Vec::new();
    for pool in api.scraping.registry().pools().values() {
        for watched in &pool.active {
            let labels = &watched.target.labels;
            let accepts = |m: &Matcher| m.matches(labels.get(m.name()).unwrap_or(""));
            if !matchers.iter().all(accepts) {
                continue;
            }
            let metadata = watched.state().metadata;
            let wanted = metadata
                .iter()
                .filter(|(name, _)| metric.is_none_or(|m| m == *name));
            let room = limit.saturating_sub(found.len());
            found.extend(wanted.take(room).map(|(name, data)| {
                described(labels, metric.is_none().then_some(name.as_str()), data)
            }));
        }
    }
    Ok(Answer::of(&found))
}

fn matchers(text: &str) -> Result<Vec<Matcher>, Refusal> {
    let parsed = portique_promql::syntax::parse_selector(text);
    parsed.map_err(|error| Refusal::parameter("match_target", error))
}

/// The metric is left out when it was asked for, as in Prometheus.
fn described(target: &Labels, metric: Option<&str>, data: &Metadata) -> Value {
    let mut entry = json!({
        "target": pairs(target),
        "type": data.kind.as_str(),
        "help": data.help,
        "unit": data.unit,
    });
    if let Some(metric) = metric {
        entry["metric"] = metric.into();
    }
    entry
}

/// The jobs whose targets are asked.
#[utoipa::path(get, path = "/scrape_pools", tag = "prometheus",
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn scrape_pools(State(api): State<Arc<QueryApi>>) -> Answer {
    let pools: Vec<String> = api.scraping.registry().pools().into_keys().collect();
    Answer::of(&json!({ "scrapePools": pools }))
}

/// Other programs that alerts are sent to, which there are none of: the hub notifies itself.
#[utoipa::path(get, path = "/alertmanagers", tag = "prometheus",
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn alertmanagers() -> Answer {
    Answer::of(&json!({ "activeAlertmanagers": [], "droppedAlertmanagers": [] }))
}

/// The `prometheus.yml` that the hub reads, with its secrets blotted out; empty without one.
#[utoipa::path(get, path = "/status/config", tag = "prometheus",
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn config(State(api): State<Arc<QueryApi>>) -> Answer {
    Answer::of(&json!({ "yaml": api.scraping.loaded().file.redacted }))
}
