//! Rules and alerts as visitors see them.

mod history;
mod rule;

use std::collections::BTreeMap;

use portique_clock::Timestamp;
use portique_monitor::{AlertState, Engine, Episode, Fingerprint, Shelf};
use portique_series::Labels;
use serde::{Deserialize, Serialize};

pub(crate) use history::{AlertExplained, AlertHistory};
pub(crate) use rule::{AlertingView, GroupView, RuleView};

/// How far an alert is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateView {
    /// It is raised.
    Firing,
    /// Its condition holds, but not yet for as long as its rule says.
    Pending,
    /// It was firing, and its condition holds no more; shown for a quarter of an hour.
    Resolved,
}

/// An alert.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct AlertView {
    /// What it is known by: 16 hexadecimal digits, of its labels.
    pub(crate) fingerprint: String,
    /// What its rule is known by.
    pub(crate) rule: String,
    /// Its rule's name.
    pub(crate) name: String,
    /// How far it is.
    pub(crate) state: StateView,
    /// Who it is.
    pub(crate) labels: BTreeMap<String, String>,
    /// What to tell people.
    pub(crate) annotations: BTreeMap<String, String>,
    /// Since when its condition holds.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) active_at: Timestamp,
    /// Since when it fires.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) fired_at: Option<Timestamp>,
    /// Since when its condition does not hold while it goes on firing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) lingering_since: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) resolved_at: Option<Timestamp>,
    /// The value when its condition held last; text, as it can be infinite or not a number.
    pub(crate) value: String,
    /// Whether it is raised because its series ended.
    pub(crate) is_stale: bool,
    /// Who takes care of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) acknowledged: Option<AcknowledgedView>,
    /// Who it is given to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) assignee: Option<String>,
    /// By whom it is put aside, when it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shelf: Option<ShelfView>,
    #[serde(skip)]
    pub(crate) number: f64,
}

/// Who takes care of an alert.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct AcknowledgedView {
    /// Who.
    by: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// An alert put aside: nobody is told of it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct ShelfView {
    /// By whom.
    by: String,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    /// Why; may be empty.
    comment: String,
}

/// The alerts of a fingerprint, the active ones first.
pub(super) fn find(engine: &Engine, alert: Fingerprint, now: Timestamp) -> Vec<AlertView> {
    let mut found: Vec<&Episode> = engine.book().find(alert).collect();
    found.sort_by_key(|episode| !episode.is_active());
    let views = found.into_iter().map(|e| AlertView::of(e, engine, now));
    views.collect()
}

impl From<AlertState> for StateView {
    fn from(state: AlertState) -> Self {
        match state {
            AlertState::Pending => Self::Pending,
            AlertState::Firing => Self::Firing,
            AlertState::Resolved => Self::Resolved,
        }
    }
}

impl AlertView {
    pub(super) fn of(episode: &Episode, engine: &Engine, now: Timestamp) -> Self {
        let name = episode.labels.get(portique_monitor::ALERT_NAME);
        let acknowledged = episode.acknowledged.as_ref();
        Self {
            fingerprint: episode.fingerprint().to_string(),
            rule: episode.rule.to_string(),
            name: name.unwrap_or_default().to_owned(),
            state: episode.state.into(),
            labels: pairs(&episode.labels),
            annotations: pairs(&episode.annotations),
            active_at: episode.active_at,
            fired_at: episode.fired_at,
            lingering_since: episode.lingering_since,
            resolved_at: episode.resolved_at,
            value: episode.value.to_string(),
            is_stale: episode.is_stale,
            acknowledged: acknowledged.map(|acknowledged| AcknowledgedView {
                by: acknowledged.by.to_string(),
                at: acknowledged.at,
            }),
            assignee: episode.assignee.as_deref().map(str::to_owned),
            shelf: engine.book().shelf(&episode.labels, now).map(Into::into),
            number: episode.value,
        }
    }
}

impl From<&Shelf> for ShelfView {
    fn from(shelf: &Shelf) -> Self {
        Self {
            by: shelf.by.to_string(),
            until: shelf.until,
            comment: shelf.comment.to_string(),
        }
    }
}

fn pairs(labels: &Labels) -> BTreeMap<String, String> {
    let pairs = labels.iter();
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
