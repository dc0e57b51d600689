use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

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
}

/// An alert in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    /// It was over when the group was last looked at, and nobody told of it since.
    pub(super) is_done: bool,
}
