use std::collections::BTreeMap;

use portique_clock::Timestamp;
use portique_monitor::{Engine, GroupStatus, Health, OnStale, RuleKind, RuleStatus, Trigger};
use serde::Serialize;

use super::{AlertView, StateView, pairs};

/// A group of rules.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct GroupView {
    /// Its name, unique in its file.
    pub(crate) name: String,
    /// Its file.
    pub(crate) file: String,
    /// Seconds between evaluations.
    pub(crate) interval_s: f64,
    /// How far before the time of an evaluation its queries look, in seconds.
    pub(crate) query_offset_s: f64,
    /// Most series or alerts of a rule; 0 is no limit.
    pub(crate) limit: usize,
    /// When it is evaluated next.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) next_at: Timestamp,
    /// Intervals that passed without an evaluation.
    pub(crate) missed: u64,
    /// In order of evaluation.
    pub(crate) rules: Vec<RuleView>,
}

/// A rule, and how it goes.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct RuleView {
    /// What it is known by.
    pub(crate) id: String,
    /// What it records or raises.
    pub(crate) name: String,
    /// Its expression.
    pub(crate) query: String,
    /// Labels it sets; of an alerting rule, templates.
    pub(crate) labels: BTreeMap<String, String>,
    /// Where it is in its file, from 1.
    pub(crate) line: u32,
    /// `interval` or `ingest`.
    pub(crate) trigger: &'static str,
    /// `unknown`, `ok` or `err`.
    pub(crate) health: &'static str,
    /// Why the last evaluation failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_error: Option<String>,
    /// The time of the last evaluation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) last_at: Option<Timestamp>,
    /// How long it took, in seconds.
    pub(crate) took_s: f64,
    /// Evaluations since it was loaded.
    pub(crate) evaluations: u64,
    /// How many of them failed.
    pub(crate) failures: u64,
    /// What only alerting rules have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) alerting: Option<AlertingView>,
}

/// What only alerting rules have.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct AlertingView {
    /// Seconds that the expression holds before an alert fires.
    pub(crate) for_s: f64,
    /// Seconds that an alert goes on firing after the expression held last.
    pub(crate) keep_firing_for_s: f64,
    /// Templates.
    pub(crate) annotations: BTreeMap<String, String>,
    /// While it does not hold, a firing alert is not resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resolve_expr: Option<String>,
    /// Whether it is an alarm that a series has no value any more.
    pub(crate) alarms_when_stale: bool,
    /// What a system does when an alert begins to fire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) action: Option<String>,
    /// The state of the alert that is furthest; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<StateView>,
    /// Its pending and firing alerts, by labels.
    pub(crate) alerts: Vec<AlertView>,
}

impl GroupView {
    /// A group with its rules; their alerts only when they are asked for.
    pub(in crate::monitor) fn of(
        status: &GroupStatus<'_>,
        engine: &Engine,
        has_alerts: bool,
        now: Timestamp,
    ) -> Self {
        let group = status.group;
        let rules = status.rules.iter();
        Self {
            name: group.name.to_string(),
            file: group.file.to_string(),
            interval_s: group.interval.as_secs_f64(),
            query_offset_s: group.query_offset.as_secs_f64(),
            limit: group.limit,
            next_at: status.next_at,
            missed: status.missed,
            rules: rules
                .map(|rule| RuleView::of(rule, engine, has_alerts, now))
                .collect(),
        }
    }
}

impl RuleView {
    pub(in crate::monitor) fn of(
        status: &RuleStatus<'_>,
        engine: &Engine,
        has_alerts: bool,
        now: Timestamp,
    ) -> Self {
        let rule = status.rule;
        let last_error = match status.health {
            Health::Bad(error) => Some(error.to_string()),
            Health::Good | Health::Unknown => None,
        };
        let alerting = match &rule.kind {
            RuleKind::Recording { .. } => None,
            RuleKind::Alerting(alerting) => Some(AlertingView {
                for_s: alerting.hold.as_secs_f64(),
                keep_firing_for_s: alerting.keep_firing.as_secs_f64(),
                annotations: pairs(&alerting.annotations),
                resolve_expr: alerting.resolve.as_ref().map(|e| e.text().to_owned()),
                alarms_when_stale: alerting.on_stale == OnStale::Alarm,
                action: alerting.action.as_ref().map(|a| a.name.to_string()),
                state: status.alerts.iter().map(|e| e.state.into()).min(),
                alerts: Vec::new(),
            }),
        };
        let mut view = Self {
            id: rule.id.to_string(),
            name: rule.name().to_owned(),
            query: rule.query.text().to_owned(),
            labels: rule.labels.iter().cloned().collect(),
            line: rule.line,
            trigger: match rule.trigger {
                Trigger::Interval => "interval",
                Trigger::Ingest => "ingest",
            },
            health: status.health.as_str(),
            last_error,
            last_at: status.last_at,
            took_s: status.took.as_secs_f64(),
            evaluations: status.evaluations,
            failures: status.failures,
            alerting,
        };
        if let Some(alerting) = view.alerting.as_mut().filter(|_| has_alerts) {
            let alerts = status.alerts.iter();
            alerting.alerts = alerts.map(|e| AlertView::of(e, engine, now)).collect();
        }
        view
    }
}
