//! Rules as they are evaluated.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use portique_series::{Labels, METRIC_NAME};
use serde::{Deserialize, Serialize};

use crate::{ALERT_NAME, Fingerprint, Query};

/// Who a rule is, across restarts and reloads: its file, group, kind, name and labels, and its place
/// among those that share them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleId(pub Fingerprint);

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// When a rule is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trigger {
    /// At its group's interval.
    #[default]
    Interval,
    /// Also when a sample of a series that it reads arrives, and when an alert's time comes.
    Ingest,
}

/// What becomes of an alert whose series have no value any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnStale {
    /// It resolves.
    #[default]
    Resolve,
    /// It is raised, whatever the last value was.
    Alarm,
}

/// Rules that are evaluated one after the other.
#[derive(Debug, Clone)]
pub struct RuleGroup {
    /// Its name, unique in its file.
    pub name: Arc<str>,
    /// The file it is written in.
    pub file: Arc<str>,
    /// How often its rules are evaluated; never zero.
    pub interval: Duration,
    /// How far before the time of an evaluation its queries look.
    pub query_offset: Duration,
    /// Most series or alerts that each rule may have; zero is no limit.
    pub limit: usize,
    /// In order of evaluation.
    pub rules: Vec<Arc<Rule>>,
}

/// One rule.
#[derive(Clone)]
pub struct Rule {
    /// Who it is.
    pub id: RuleId,
    /// What it records or raises.
    pub kind: RuleKind,
    /// What it evaluates.
    pub query: Arc<dyn Query>,
    /// Labels for its results, sorted by name, those of its group among them; an empty value takes a label
    /// away; of an alerting rule, templates.
    pub labels: Vec<(String, String)>,
    /// When it is evaluated.
    pub trigger: Trigger,
    /// Where it is written, from 1.
    pub line: u32,
}

/// What a rule makes of its expression.
#[derive(Clone)]
pub enum RuleKind {
    /// A series.
    Recording {
        /// The metric's name.
        record: Arc<str>,
    },
    /// Alerts.
    Alerting(Alerting),
}

/// What only alerting rules have.
#[derive(Clone)]
pub struct Alerting {
    /// The value of [`ALERT_NAME`].
    pub alert: Arc<str>,
    /// How long the expression holds before an alert fires.
    pub hold: Duration,
    /// How long an alert goes on firing after the expression held last.
    pub keep_firing: Duration,
    /// Templates.
    pub annotations: Labels,
    /// While this does not hold for its series, a firing alert is not resolved; it is a
    /// [threshold](crate::Threshold).
    pub resolve: Option<Arc<dyn Query>>,
    /// What becomes of an alert whose series ended.
    pub on_stale: OnStale,
    /// A series that ended raises an alarm only while this yields an element whose labels are all among its
    /// own; otherwise it was taken away. None: it always does.
    pub stale_while: Option<Arc<dyn Query>>,
    /// What a system does when an alert begins to fire.
    pub action: Option<RuleAction>,
}

/// The call of an action that a rule asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleAction {
    /// Which, as [`Actions`](crate::Actions) knows it.
    pub name: Arc<str>,
    /// Templates, as annotations are.
    pub params: Labels,
}

impl Rule {
    /// What it records or raises.
    pub fn name(&self) -> &str {
        match &self.kind {
            RuleKind::Recording { record } => record,
            RuleKind::Alerting(alerting) => &alerting.alert,
        }
    }

    /// What is special to alerting rules, if it is one.
    pub fn alerting(&self) -> Option<&Alerting> {
        match &self.kind {
            RuleKind::Alerting(alerting) => Some(alerting),
            RuleKind::Recording { .. } => None,
        }
    }

    /// The label that holds its name, and so is not for it to set otherwise.
    pub(crate) fn name_label(&self) -> &'static str {
        match self.kind {
            RuleKind::Recording { .. } => METRIC_NAME,
            RuleKind::Alerting(_) => ALERT_NAME,
        }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.id, self.name(), self.query.text())
    }
}
