//! What has been said to whom, so that nothing is said twice.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};

use super::group::GroupId;
use crate::Fingerprint;

/// How long it is remembered what was said, beyond twice the repeat interval; as in Alertmanager.
pub const LOG_RETENTION: Duration = Duration::from_hours(120);
/// A telling of which nobody says for this long what became of it counts as failed: saying it twice is
/// better than not at all.
pub const IN_FLIGHT_MAX: Duration = Duration::from_hours(1);

/// Who was told of what: one way of a receiver and one group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LogKey {
    /// Of which group.
    pub group: GroupId,
    /// The receiver's name.
    pub receiver: Arc<str>,
    /// The way, such as `webhook[0]`.
    pub integration: Arc<str>,
}

/// What was last said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When; repeats are counted from here.
    pub at: Timestamp,
    /// Until when it is remembered.
    pub expires_at: Timestamp,
    /// Which alerts were firing.
    pub firing: BTreeSet<Fingerprint>,
    /// Which were resolved.
    pub resolved: BTreeSet<Fingerprint>,
    /// Which were said to fire before, and were muted this time: their ends are owed.
    pub owed: BTreeSet<Fingerprint>,
    /// Why it was said.
    pub reason: Reason,
}

impl LogEntry {
    /// Whether an alert was said to fire, and its end was not said.
    pub fn awaits_end_of(&self, alert: Fingerprint) -> bool {
        self.firing.contains(&alert) || self.owed.contains(&alert)
    }
}

/// Why somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// They were never told of this group, or long ago.
    First,
    /// Alerts fire of which they were not told.
    NewAlerts,
    /// Some alerts are resolved and others fire.
    SomeResolved,
    /// The last one is resolved.
    AllResolved,
    /// Nothing changed for the repeat interval.
    Repeat,
}

impl Reason {
    /// Whether it is about ends only, which are not sent everywhere.
    pub(super) fn is_end(self) -> bool {
        matches!(self, Self::SomeResolved | Self::AllResolved)
    }

    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first notification of the group",
            Self::NewAlerts => "new alerts fire",
            Self::SomeResolved => "some alerts are resolved",
            Self::AllResolved => "all alerts are resolved",
            Self::Repeat => "the repeat interval is over",
        }
    }
}

/// Why somebody is not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Withheld {
    /// No alert of the group may be told: silenced, inhibited, or none is left.
    NothingToTell,
    /// It would be asked of a system, and the alerts were posted: systems act on what rules of the hub raise.
    Posted,
    /// A time interval mutes the route; its name.
    Muted(String),
    /// The route is active in time intervals only, and none of them holds.
    NotActive,
    /// What was said last is not settled; its number.
    InFlight(u64),
    /// All alerts are resolved and nobody was told that they fired.
    NeverTold,
    /// Nothing changed; it is said again at the first look at the group from then on.
    Until(Timestamp),
    /// Nothing changed, and there is nothing to repeat.
    NothingNew,
}

/// What may be told of a group: fingerprints by state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tellable {
    pub(super) firing: BTreeSet<Fingerprint>,
    pub(super) resolved: BTreeSet<Fingerprint>,
}

/// Whether somebody is told, judged by what was said last.
pub(super) fn verdict(
    entry: Option<&LogEntry>,
    tellable: &Tellable,
    sends_resolved: bool,
    repeat: Duration,
    now: Timestamp,
) -> Result<Reason, Withheld> {
    let Tellable { firing, resolved } = tellable;
    let Some(entry) = entry.filter(|entry| entry.expires_at > now) else {
        return match firing.is_empty() {
            true => Err(Withheld::NeverTold),
            false => Ok(Reason::First),
        };
    };
    if !firing.is_subset(&entry.firing) {
        return Ok(Reason::NewAlerts);
    }
    // Here and below also where ends are not sent: what ended must leave the log, or its next episode
    // goes unsaid.
    if firing.is_empty() {
        return match entry.firing.is_empty() && resolved.is_disjoint(&entry.owed) {
            true => Err(Withheld::NothingNew),
            false => Ok(Reason::AllResolved),
        };
    }
    let is_end_news = match sends_resolved {
        true => !resolved.is_subset(&entry.resolved),
        false => !resolved.is_disjoint(&entry.firing),
    };
    if is_end_news || !resolved.is_disjoint(&entry.owed) {
        return Ok(Reason::SomeResolved);
    }
    let again = entry.at.plus(repeat);
    if again <= now {
        return Ok(Reason::Repeat);
    }
    Err(Withheld::Until(again))
}
