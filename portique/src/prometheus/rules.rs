//! Rules and alerts as Prometheus shows them, and the order to read configuration again.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portique_clock::Timestamp;
use portique_monitor::Fingerprint;
use portique_series::{Labels, Matcher};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::PREFIX;
use super::Reply;
use super::answer::{Answer, Refusal};
use super::number::exponent;
use super::parameters::Parameters;
use crate::monitor::{AlertView, AlertingView, GroupView, Monitor, RuleView, StateView};
use crate::reload::Reloader;

/// What Prometheus says of a rule that was not evaluated yet: the first moment of its calendar.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// What these routes stand on.
pub(crate) struct RulesApi {
    monitor: Monitor,
    reloader: Reloader,
}

/// The routes, with their whole paths.
pub(crate) fn router(monitor: Monitor, reloader: Reloader) -> OpenApiRouter {
    let routes = OpenApiRouter::new()
        .routes(routes!(rules))
        .routes(routes!(alerts))
        .routes(routes!(reload))
        .with_state(Arc::new(RulesApi { monitor, reloader }));
    OpenApiRouter::new().nest(PREFIX, routes)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Discovery {
    groups: Vec<Group>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: String,
    file: String,
    rules: Vec<Rule>,
    interval: f64,
    limit: usize,
    evaluation_time: f64,
    last_evaluation: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Rule {
    Alerting(Box<AlertingRule>),
    Recording(Box<RecordingRule>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AlertingRule {
    state: &'static str,
    name: String,
    query: String,
    duration: f64,
    keep_firing_for: f64,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    alerts: Vec<Alert>,
    #[serde(flatten)]
    health: HealthPart,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordingRule {
    name: String,
    query: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(flatten)]
    health: HealthPart,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HealthPart {
    health: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    evaluation_time: f64,
    last_evaluation: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    state: &'static str,
    active_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_firing_since: Option<Timestamp>,
    value: String,
}

/// What is asked for.
struct Wanted {
    kind: Option<&'static str>,
    names: Vec<String>,
    groups: Vec<String>,
    files: Vec<String>,
    any_of: Vec<Vec<Matcher>>,
    has_alerts: bool,
    /// Groups of a page, and the token of its first group.
    page: Option<(usize, Option<String>)>,
}

impl Wanted {
    fn of(parameters: &Parameters) -> Result<Self, Refusal> {
        let all = |name| parameters.all(name).map(str::to_owned).collect();
        let excluded = parameters.text("exclude_alerts").map(boolean).transpose();
        let excluded = excluded.map_err(|text| {
            let reason = format!(
                "error converting exclude_alerts: strconv.ParseBool: parsing {text:?}: invalid syntax"
            );
            Refusal::parameter("exclude_alerts", reason)
        })?;
        Ok(Self {
            kind: kind(parameters)?,
            names: all("rule_name[]"),
            groups: all("rule_group[]"),
            files: all("file[]"),
            any_of: parameters.selectors()?,
            has_alerts: excluded != Some(true),
            page: page(parameters)?,
        })
    }

    fn has_group(&self, file: &str, name: &str) -> bool {
        let has = |listed: &[String], text: &str| {
            listed.is_empty() || listed.iter().any(|known| known == text)
        };
        has(&self.groups, name) && has(&self.files, file)
    }

    fn has_rule(&self, rule: &RuleView) -> bool {
        let kind = if rule.alerting.is_some() {
            "alert"
        } else {
            "record"
        };
        let has_kind = self.kind.is_none_or(|wanted| wanted == kind);
        let has_name = self.names.is_empty() || self.names.contains(&rule.name);
        let labels = Labels::from_pairs(&rule.labels);
        let matches = |m: &Matcher| m.matches(labels.get(m.name()).unwrap_or(""));
        let has_labels =
            self.any_of.is_empty() || self.any_of.iter().any(|all| all.iter().all(matches));
        has_kind && has_name && has_labels
    }
}

fn kind(parameters: &Parameters) -> Result<Option<&'static str>, Refusal> {
    let asked = parameters.text("type").map(str::to_lowercase);
    match asked.as_deref() {
        None => Ok(None),
        Some("alert") => Ok(Some("alert")),
        Some("record") => Ok(Some("record")),
        Some(other) => {
            let reason = format!("not supported value {other:?}");
            Err(Refusal::parameter("type", reason))
        }
    }
}

/// As Go reads a truth value.
fn boolean(text: &str) -> Result<bool, &str> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        other => Err(other),
    }
}

fn page(parameters: &Parameters) -> Result<Option<(usize, Option<String>)>, Refusal> {
    let token = parameters.text("group_next_token").map(str::to_owned);
    let Some(limit) = parameters.text("group_limit") else {
        if token.is_some() {
            let reason = "group_limit needs to be present in order to paginate over the groups";
            return Err(Refusal::parameter("group_next_token", reason));
        }
        return Ok(None);
    };
    match limit.parse::<i32>() {
        Err(_) => {
            let reason = format!(
                "group_limit needs to be a valid number: strconv.ParseInt: parsing {limit:?}: invalid syntax"
            );
            Err(Refusal::parameter("group_limit", reason))
        }
        Ok(..=0) => {
            let reason = "group_limit needs to be greater than 0";
            Err(Refusal::parameter("group_limit", reason))
        }
        Ok(limit) => Ok(Some((limit.unsigned_abs() as usize, token))),
    }
}

/// All rules, group by group, as they go.
#[utoipa::path(get, path = "/api/v1/rules", tag = "prometheus",
    params(
        ("type" = Option<String>, Query, description = "`alert` or `record`"),
        ("rule_name[]" = Option<String>, Query),
        ("rule_group[]" = Option<String>, Query),
        ("file[]" = Option<String>, Query),
        ("match[]" = Option<String>, Query, description = "A selector that the labels of a rule pass"),
        ("exclude_alerts" = Option<bool>, Query),
        ("group_limit" = Option<u32>, Query),
        ("group_next_token" = Option<String>, Query),
    ),
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn rules(State(api): State<Arc<RulesApi>>, parameters: Parameters) -> Reply {
    let wanted = Wanted::of(&parameters)?;
    let has_group = |file: &str, name: &str| wanted.has_group(file, name);
    let mut groups = api.monitor.groups(wanted.has_alerts, has_group);
    groups.sort_by(|a, b| (&a.file, &a.name).cmp(&(&b.file, &b.name)));
    let mut answer = Discovery {
        groups: Vec::new(),
        group_next_token: None,
    };
    let mut begin = match &wanted.page {
        Some((_, Some(token))) => Some(token.as_str()),
        _ => None,
    };
    for mut group in groups {
        let own = token(&group);
        if begin.is_some_and(|token| token != own) {
            continue;
        }
        begin = None;
        group.rules.retain(|rule| wanted.has_rule(rule));
        if group.rules.is_empty() {
            continue;
        }
        if let Some((limit, _)) = wanted.page
            && answer.groups.len() == limit
        {
            answer.group_next_token = Some(own);
            break;
        }
        answer.groups.push(group.into());
    }
    if let Some(token) = begin {
        let reason = format!("invalid group_next_token '{token}'. were rule groups changed?");
        return Err(Refusal::parameter("group_next_token", reason));
    }
    Ok(Answer::of(&answer))
}

/// Names a group for the next page.
fn token(group: &GroupView) -> String {
    let labels = [("file", &*group.file), ("name", &*group.name)];
    Fingerprint::of(&Labels::from_pairs(labels)).to_string()
}

/// Pending and firing alerts.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "prometheus",
    responses((status = OK, body = serde_json::Value)))]
pub(crate) async fn alerts(State(api): State<Arc<RulesApi>>) -> Answer {
    let active = api.monitor.active().into_iter().map(Alert::from);
    let active: Vec<Alert> = active.collect();
    Answer::of(&BTreeMap::from([("alerts", active)]))
}

/// Read rule files and what else was configured in files again; with mistakes, all goes on as before.
#[utoipa::path(method(post, put), path = "/-/reload", tag = "prometheus",
    responses((status = OK), (status = INTERNAL_SERVER_ERROR, body = String)))]
pub(crate) async fn reload(State(api): State<Arc<RulesApi>>) -> Response {
    match api.reloader.reload().await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(problems) => {
            let text = format!("failed to reload config:\n{}\n", problems.join("\n"));
            let mut response = (StatusCode::INTERNAL_SERVER_ERROR, text).into_response();
            response.extensions_mut().insert(crate::http::Fixed);
            response
        }
    }
}

impl From<GroupView> for Group {
    fn from(group: GroupView) -> Self {
        let last = group.rules.iter().filter_map(|rule| rule.last_at).max();
        Self {
            evaluation_time: group.rules.iter().map(|rule| rule.took_s).sum(),
            last_evaluation: time(last),
            name: group.name,
            file: group.file,
            interval: group.interval_s,
            limit: group.limit,
            rules: group.rules.into_iter().map(Rule::from).collect(),
        }
    }
}

impl From<RuleView> for Rule {
    fn from(rule: RuleView) -> Self {
        let health = HealthPart {
            health: rule.health,
            last_error: rule.last_error,
            evaluation_time: rule.took_s,
            last_evaluation: time(rule.last_at),
        };
        match rule.alerting {
            None => Self::Recording(Box::new(RecordingRule {
                name: rule.name,
                query: rule.query,
                labels: rule.labels,
                health,
                kind: "recording",
            })),
            Some(alerting) => Self::Alerting(Box::new(AlertingRule {
                state: state(&alerting),
                name: rule.name,
                query: rule.query,
                duration: alerting.for_s,
                keep_firing_for: alerting.keep_firing_for_s,
                labels: rule.labels,
                annotations: alerting.annotations,
                alerts: alerting.alerts.into_iter().map(Alert::from).collect(),
                health,
                kind: "alerting",
            })),
        }
    }
}

impl From<AlertView> for Alert {
    fn from(alert: AlertView) -> Self {
        Self {
            labels: alert.labels,
            annotations: alert.annotations,
            state: word(alert.state),
            active_at: alert.active_at,
            keep_firing_since: alert.lingering_since,
            value: exponent(alert.number),
        }
    }
}

/// The state of the rule is that of the alert that is furthest.
fn state(alerting: &AlertingView) -> &'static str {
    alerting.state.map_or("inactive", word)
}

fn word(state: StateView) -> &'static str {
    match state {
        StateView::Pending => "pending",
        StateView::Firing => "firing",
        StateView::Resolved => "inactive",
    }
}

fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| NEVER.to_owned(), |at| at.to_string())
}
