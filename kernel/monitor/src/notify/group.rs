use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_series::Labels;
use serde::{Deserialize, Serialize};

use crate::{Fingerprint, wire};

/// Alerts that are told together: those of one route with the same values of its `group_by` labels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupId {
    /// The route's key.
    pub route: Arc<str>,
    /// What the alerts have in common.
    #[serde(with = "wire::labels")]
    pub labels: Labels,
}

/// As Alertmanager writes a group's key: `{}/{team="a"}:{alertname="x"}`.
impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<String> = self
            .labels
            .iter()
            .map(|(n, v)| format!("{n}={v:?}"))
            .collect();
        write!(f, "{}:{{{}}}", self.route, labels.join(", "))
    }
}

/// A group with its deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) members: BTreeMap<Fingerprint, Member>,
    /// When it is looked at next.
    pub(super) next: Timestamp,
    pub(super) has_flushed: bool,
    /// Somebody could not be told because the telling before was not settled.
    pub(super) is_blocked: bool,
    /// Since when it has no members.
    pub(super) empty_since: Option<Timestamp>,
}

/// A group whose last alert is gone is kept for this long, so that an alert that comes and goes is told at the
/// group's pace; later it begins a new group. As in Alertmanager.
pub(super) const EMPTY_KEPT: Duration = Duration::from_secs(30);

impl Group {
    /// When it is looked at, or let go.
    pub(super) fn deadline(&self) -> Timestamp {
        let gone_at = self.empty_since.map(|since| since.plus(EMPTY_KEPT));
        gone_at.map_or(self.next, |gone_at| gone_at.min(self.next))
    }
}

/// An alert in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    /// It was over when the group was last looked at, and nobody told of it since.
    pub(super) is_done: bool,
}
