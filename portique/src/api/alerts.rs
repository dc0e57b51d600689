//! Alerts and rules over HTTP: what there is, why, and what people do about it.
//!
//! What happens to alerts is also on the bus, under `monitor.alerts.>`: a stream of events follows it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use portique_clock::{Clock, Timestamp};
use portique_monitor::{Act, Fingerprint};
use portique_promql::syntax::parse_selector;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::refusal::{Refusal, Reply};
use crate::monitor::{
    AlertExplained, AlertFilter, AlertHistory, AlertView, GroupView, Loaded, Monitor, StateView,
};

/// Alerts of an answer when nobody says.
const LIMIT_DEFAULT: usize = 1_000;
/// Most alerts of an answer.
const LIMIT_MAX: usize = 10_000;

/// What these routes stand on.
pub(crate) struct AlertsApi {
    monitor: Monitor,
    clock: Arc<dyn Clock>,
}

/// The routes, with their whole paths.
pub(crate) fn router(monitor: Monitor, clock: Arc<dyn Clock>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(explain))
        .routes(routes!(acknowledge))
        .routes(routes!(unacknowledge))
        .routes(routes!(comment))
        .routes(routes!(shelve))
        .routes(routes!(unshelve))
        .routes(routes!(assign))
        .routes(routes!(rules))
        .routes(routes!(reload))
        .with_state(Arc::new(AlertsApi { monitor, clock }))
}

/// Which alerts.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// `firing`, `pending`, `resolved`, or several with commas between; all when absent.
    state: Option<String>,
    /// A selector that labels pass, such as `{severity="critical"}`.
    #[serde(rename = "match")]
    selector: Option<String>,
    /// Whether somebody takes care of them.
    acknowledged: Option<bool>,
    /// Whether they are put aside.
    shelved: Option<bool>,
    /// At most so many, 1 to 10,000; 1,000 when absent.
    limit: Option<usize>,
}

/// Alerts, firing ones first, then the newest.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct AlertList {
    alerts: Vec<AlertView>,
    /// How many there are beyond the limit.
    left_out: usize,
}

/// Somebody, and what they say.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaidRequest {
    /// Who: at most 256 bytes.
    by: String,
    /// At most 4 KiB.
    #[serde(default)]
    comment: String,
}

/// Somebody, and how long an alert is put aside.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShelveRequest {
    /// Who: at most 256 bytes.
    by: String,
    /// Why; at most 4 KiB.
    #[serde(default)]
    comment: String,
    /// Until when, at most 92 days ahead; either this or `for_s`.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// For so many seconds.
    for_s: Option<f64>,
}

/// Somebody, and who an alert is given to.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssignRequest {
    /// Who gives it: at most 256 bytes.
    by: String,
    /// To whom; to nobody when absent.
    to: Option<String>,
}

/// What was loaded.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct LoadedView {
    files: usize,
    groups: usize,
    rules: usize,
}

/// Alerts that fire, are pending, or were resolved in the last quarter of an hour.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", params(ListQuery),
    responses((status = OK, body = AlertList)))]
pub(crate) async fn list(
    State(api): State<Arc<AlertsApi>>,
    Query(query): Query<ListQuery>,
) -> Reply<Json<AlertList>> {
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let message = format!("limit is {limit}: write 1 to {LIMIT_MAX}");
        return Err(Refusal::invalid(message));
    }
    let selectors = query.selector.iter().map(|text| {
        let parsed = parse_selector(text);
        parsed.map_err(|error| Refusal::invalid(format!("match is no selector: {error}")))
    });
    let filter = AlertFilter {
        states: states(query.state.as_deref())?,
        any_of: selectors.collect::<Reply<_>>()?,
        acknowledged: query.acknowledged,
        shelved: query.shelved,
    };
    let (alerts, left_out) = api.monitor.alerts(&filter, limit);
    Ok(Json(AlertList { alerts, left_out }))
}

fn states(text: Option<&str>) -> Reply<Vec<StateView>> {
    let words = text.into_iter().flat_map(|text| text.split(','));
    let states = words.map(|word| match word.trim() {
        "firing" => Ok(StateView::Firing),
        "pending" => Ok(StateView::Pending),
        "resolved" => Ok(StateView::Resolved),
        other => Err(Refusal::invalid(format!(
            "state {other:?} is none: write firing, pending or resolved, with commas between"
        ))),
    });
    states.collect()
}

/// An alert with what happened to it; two, when two rules raise the same labels.
#[utoipa::path(get, path = "/api/v1/alerts/{fingerprint}", tag = "alerts",
    params(("fingerprint" = String, Path)), responses((status = OK, body = Vec<AlertHistory>)))]
pub(crate) async fn show(
    State(api): State<Arc<AlertsApi>>,
    Path(alert): Path<String>,
) -> Reply<Json<Vec<AlertHistory>>> {
    Ok(Json(api.monitor.history(fingerprint(&alert)?)?))
}

/// Why there is an alert: its rule, the samples that it reads, and what happened.
#[utoipa::path(get, path = "/api/v1/alerts/{fingerprint}/explanation", tag = "alerts",
    params(("fingerprint" = String, Path)), responses((status = OK, body = Vec<AlertExplained>)))]
pub(crate) async fn explain(
    State(api): State<Arc<AlertsApi>>,
    Path(alert): Path<String>,
) -> Reply<Json<Vec<AlertExplained>>> {
    Ok(Json(api.monitor.explain(fingerprint(&alert)?).await?))
}

/// Take care of an alert, until it ends.
#[utoipa::path(post, path = "/api/v1/alerts/{fingerprint}/acknowledge", tag = "alerts",
    params(("fingerprint" = String, Path)), request_body = SaidRequest,
    responses((status = OK, body = Vec<AlertView>)))]
pub(crate) async fn acknowledge(
    State(api): State<Arc<AlertsApi>>,
    Path(alert): Path<String>,
    Json(request): Json<SaidRequest>,
) -> Reply<Json<Vec<AlertView>>> {
    let comment = request.comment.into();
    api.act(&alert, &request.by, Act::Acknowledge { comment })
        .await
}

/// Take care of it no more.
#[utoipa::path(post, path = "/api/v1/alerts/{fingerprint}/unacknowledge", tag = "alerts",
    params(("fingerprint" = String, Path)), request_body = SaidRequest,
    responses((status = OK, body = Vec<AlertView>)))]
pub(crate) async fn unacknowledge(
    State(api): State<Arc<AlertsApi>>,
    Path(alert): Path<String>,
    Json(request): Json<SaidRequest>,
) -> Reply<Json<Vec<AlertView>>> {
    let said = request.without_comment()?;
    api.act(&alert, &said.by, Act::Unacknowledge).await
}

/// Say something about an alert.
#[utoipa::path(post, path = "/api/v1/alerts/{fingerprint}/comment", tag = "alerts",
    params(("fingerprint" = String, Path)), request_body = SaidRequest,
    responses((status = OK, body = Vec<AlertView>)))]
pub(crate) async fn comment(
    State(api): State<Arc<AlertsApi>>,
    Path(alert): Path<String>,
    Json(request): Json<SaidRequest>,
) -> Reply<Json<Vec<AlertView>>> {
    let comment = request.comment.into();
    api.act(&alert, &request.by, Act::Comment { comment }).await
}

/// Put an alert aside: nobody is told of it until then, however often it comes and goes.
#[utoipa::path(post, path = "/api/v1/alerts/{fingerprint}/shelve", tag = "alerts",
    params(("fingerprint" = String, Path)), request_body = ShelveRequest,
    responses((status = OK, body = Vec<AlertView>)))]
pub(crate) async fn shelve(
    State(api): State<Arc<AlertsApi>>,
    Path(alert): Path<String>,
    Json(request): Json<ShelveRequest>,
) -> Reply<Json<Vec<AlertView>>> {
    let until = match (request.until, request.for_s) {
        (Some(until), None) => until,
        (None, Some(for_s)) => {
            let span = Duration::try_from_secs_f64(for_s);
            let span = span.map_err(|error| Refusal::invalid(format!("for_s: {error}")))?;
            api.clock.now().plus(span)
        }
        _ => {
            let message = "write either until or for_s: until when the alert is put aside";
            return Err(Refusal::invalid(message));
        }
    };
    let comment = request.comment.into();
    api.act(&alert, &request.by, Act::Shelve { until, comment })
        .await
}

/// Take an alert from the shelf.
#[utoipa::path(post, path = "/api/v1/alerts/{fingerprint}/unshelve", tag = "alerts",
    params(("fingerprint" = String, Path)), request_body = SaidRequest,
    responses((status = OK, body = Vec<AlertView>)))]
pub(crate) async fn unshelve(
    State(api): State<Arc<AlertsApi>>,
    Path(alert): Path<String>,
    Json(request): Json<SaidRequest>,
) -> Reply<Json<Vec<AlertView>>> {
    let said = request.without_comment()?;
    api.act(&alert, &said.by, Act::Unshelve).await
}

/// Give an alert to somebody, until it ends.
#[utoipa::path(post, path = "/api/v1/alerts/{fingerprint}/assign", tag = "alerts",
    params(("fingerprint" = String, Path)), request_body = AssignRequest,
    responses((status = OK, body = Vec<AlertView>)))]
pub(crate) async fn assign(
    State(api): State<Arc<AlertsApi>>,
    Path(alert): Path<String>,
    Json(request): Json<AssignRequest>,
) -> Reply<Json<Vec<AlertView>>> {
    let to = request.to.map(Into::into);
    api.act(&alert, &request.by, Act::Assign { to }).await
}

/// All rules, group by group, and how they go.
#[utoipa::path(get, path = "/api/v1/rules", tag = "alerts",
    responses((status = OK, body = Vec<GroupView>)))]
pub(crate) async fn rules(State(api): State<Arc<AlertsApi>>) -> Json<Vec<GroupView>> {
    Json(api.monitor.groups(true, |_, _| true))
}

/// Read all rule files again; alerts of rules that stay go on.
#[utoipa::path(post, path = "/api/v1/rules/reload", tag = "alerts",
    responses((status = OK, body = LoadedView)))]
pub(crate) async fn reload(State(api): State<Arc<AlertsApi>>) -> Reply<Json<LoadedView>> {
    let loaded = api.monitor.reload().await;
    let Loaded {
        files,
        groups,
        rules,
    } = loaded.map_err(|problems| {
        let problems = problems.join("\n");
        Refusal::invalid(format!("the rules stay as they were:\n{problems}"))
    })?;
    Ok(Json(LoadedView {
        files,
        groups,
        rules,
    }))
}

impl SaidRequest {
    /// What nothing can be said about.
    fn without_comment(self) -> Reply<Self> {
        match self.comment.is_empty() {
            true => Ok(self),
            false => Err(Refusal::invalid(
                "nothing is said with this: leave the comment out, or send it to comment",
            )),
        }
    }
}

impl AlertsApi {
    async fn act(&self, alert: &str, by: &str, act: Act) -> Reply<Json<Vec<AlertView>>> {
        let alert = fingerprint(alert)?;
        Ok(Json(self.monitor.act(alert, by, act).await?))
    }
}

fn fingerprint(text: &str) -> Reply<Fingerprint> {
    let message = || {
        format!(
            "{text:?} is no fingerprint: it has 16 hexadecimal digits, as the list of alerts shows"
        )
    };
    Fingerprint::parse(text).ok_or_else(|| Refusal::invalid(message()))
}
