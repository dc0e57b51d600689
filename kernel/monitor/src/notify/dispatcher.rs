//! The state machine from alerts to notifications.

mod apply;
mod checkpoint;
mod explain;
mod flush;
mod post;
mod silences;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_series::Labels;

pub use explain::{Explanation, RouteExplanation, WayExplanation};
pub use flush::{Due, Output};
pub use post::Receipt;

use super::alert::Received;
use super::config::{Config, Route};
use super::fact::Notified;
use super::group::{Group, GroupId};
use super::inhibit::Inhibitor;
use super::log::{LogEntry, LogKey};
use super::silence::Silence;
use crate::Fingerprint;

/// Most alerts that are held: a fact about a group of all of them fits into one event of the bus.
pub const ALERTS_MAX: usize = 20_000;
/// Most silences that are kept, expired ones too.
pub const SILENCES_MAX: usize = 10_000;
/// How long an expired silence can be looked at; as in Alertmanager.
pub const SILENCES_KEPT: Duration = Duration::from_hours(120);
/// How long an alert is held after its end, so that a late word of it continues the same episode.
pub const ALERTS_KEPT: Duration = Duration::from_mins(30);
/// How often what is old is let go.
pub(super) const SWEEP_INTERVAL: Duration = Duration::from_mins(15);

/// What the configuration file does not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Where people find this server; messages carry it.
    pub external_url: String,
    /// How long nobody is told of anything after a start, so that senders can tell of their alerts first.
    pub start_delay: Duration,
}

/// Alerts, groups, silences and what was said, with every wait as a deadline.
///
/// Facts are decided by its methods, kept by whoever owns it, and made true by [`apply`](Self::apply): the
/// same facts make the same dispatcher, so one that is restarted goes on where it was.
#[derive(Debug, Clone)]
pub struct Dispatcher {
    config: Arc<Config>,
    options: Options,
    state: State,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct State {
    alerts: BTreeMap<Fingerprint, Received>,
    groups: BTreeMap<GroupId, Group>,
    /// When which group is looked at: the same as in the groups.
    deadlines: BTreeSet<(Timestamp, GroupId)>,
    silences: BTreeMap<String, Silence>,
    log: BTreeMap<LogKey, LogEntry>,
    in_flight: BTreeMap<u64, Notified>,
    /// What is in flight to whom: the same as in `in_flight`.
    busy: BTreeMap<LogKey, u64>,
    /// What went wrong last, until something is delivered.
    trouble: BTreeMap<LogKey, (Timestamp, Arc<str>)>,
    next_id: u64,
    configured: Option<(Timestamp, u64)>,
    not_before: Option<Timestamp>,
    swept_at: Option<Timestamp>,
}

/// Why an alert is not told of, now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Muting {
    /// The silences that mute it.
    pub silenced_by: Vec<String>,
    /// The alert that inhibits it.
    pub inhibited_by: Option<Fingerprint>,
}

impl Muting {
    /// Whether anything mutes it.
    pub fn is_muted(&self) -> bool {
        !self.silenced_by.is_empty() || self.inhibited_by.is_some()
    }
}

impl Dispatcher {
    /// One without alerts.
    pub fn new(config: Arc<Config>, options: Options) -> Self {
        Self {
            config,
            options,
            state: State::default(),
        }
    }

    /// What it goes by.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// All alerts held, resolved ones too while they are held, by fingerprint.
    pub fn alerts(&self) -> impl Iterator<Item = &Received> {
        self.state.alerts.values()
    }

    /// All silences, expired ones too while they are kept, by id.
    pub fn silences(&self) -> impl Iterator<Item = &Silence> {
        self.state.silences.values()
    }

    /// The silence of an id.
    pub fn silence(&self, id: &str) -> Option<&Silence> {
        self.state.silences.get(id)
    }

    /// Groups with their alerts' fingerprints, by route and labels.
    pub fn groups(&self) -> impl Iterator<Item = (&GroupId, Vec<Fingerprint>)> {
        let groups = self.state.groups.iter();
        groups.map(|(id, group)| (id, group.members.keys().copied().collect()))
    }

    /// The alert of a fingerprint.
    pub fn alert(&self, fingerprint: Fingerprint) -> Option<&Received> {
        self.state.alerts.get(&fingerprint)
    }

    /// Notifications that were decided and of which nobody said what became of them, oldest first. After
    /// a start, whoever cannot keep facts and jobs in one frame enqueues them again under their keys.
    pub fn in_flight(&self) -> impl Iterator<Item = &Notified> {
        self.state.in_flight.values()
    }

    /// What was last said to whom.
    pub fn log(&self) -> impl Iterator<Item = (&LogKey, &LogEntry)> {
        self.state.log.iter()
    }

    /// Why alerts with these labels are not told of now.
    pub fn muting(&self, labels: &Labels, now: Timestamp) -> Muting {
        self.muting_by(labels, &self.inhibitor(now), now)
    }

    /// Alerts that a silence would mute, were it active now.
    pub fn preview(&self, matchers: &super::Matchers, now: Timestamp) -> Vec<&Received> {
        let firing = self.alerts().filter(|alert| !alert.is_resolved(now));
        firing
            .filter(|alert| matchers.matches(&alert.labels))
            .collect()
    }

    pub(super) fn inhibitor(&self, now: Timestamp) -> Inhibitor<'_> {
        Inhibitor::new(&self.config.inhibit_rules, self.state.alerts.values(), now)
    }

    pub(super) fn muting_by(
        &self,
        labels: &Labels,
        inhibitor: &Inhibitor<'_>,
        now: Timestamp,
    ) -> Muting {
        let silences = self.state.silences.values();
        let muting = silences.filter(|silence| silence.mutes(labels, now));
        Muting {
            silenced_by: muting.map(|silence| silence.id.clone()).collect(),
            inhibited_by: inhibitor.inhibiting(labels),
        }
    }

    /// The names of the time intervals by which a route's notifications are muted now.
    pub(super) fn muted_by_time(&self, route: &Route, now: Timestamp) -> Option<super::Withheld> {
        let mut muting = route.mute_time_intervals.iter();
        if let Some(name) = muting.find(|name| self.config.is_within(name, now)) {
            return Some(super::Withheld::Muted(name.clone()));
        }
        let active = &route.active_time_intervals;
        let is_active =
            active.is_empty() || active.iter().any(|name| self.config.is_within(name, now));
        (!is_active).then_some(super::Withheld::NotActive)
    }

    pub(super) fn route_of(&self, group: &GroupId) -> Option<&Route> {
        find_route(&self.config.route, &group.route)
    }
}

fn find_route<'r>(route: &'r Route, key: &str) -> Option<&'r Route> {
    if *route.key == *key {
        return Some(route);
    }
    // Keys begin with those of their parents.
    let mut below = route
        .routes
        .iter()
        .filter(|below| key.starts_with(&*below.key));
    below.find_map(|below| find_route(below, key))
}
