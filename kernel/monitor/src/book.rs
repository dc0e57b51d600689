//! All alerts and shelves: what facts made of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_series::Labels;
use serde::{Deserialize, Serialize};

use crate::{
    Acknowledgement, Act, Acted, AlertState, Changed, EntryKind, Episode, Fact, Fingerprint,
    RuleId, Transition, wire,
};

/// A resolved alert can be looked at for this long, as in Prometheus.
pub const RESOLVED_KEPT: Duration = Duration::from_mins(15);

/// An alert put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shelf {
    /// Which; it need not be active.
    #[serde(with = "wire::labels")]
    pub labels: Labels,
    /// By whom.
    pub by: Arc<str>,
    /// Until when.
    pub until: Timestamp,
    /// Why.
    pub comment: Arc<str>,
}

/// The durable state of all alerts; changed by [`apply`](Self::apply) only, apart from the last values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Book {
    episodes: BTreeMap<RuleId, BTreeMap<Labels, Episode>>,
    shelves: BTreeMap<Labels, Shelf>,
    last_alive: Option<Timestamp>,
}

impl Book {
    /// Makes a fact true. A fact that does not fit, such as the end of an alert that is not there, does
    /// nothing.
    pub fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::Changed(changed) => self.change(changed),
            Fact::Acted(acted) => self.act(acted),
            Fact::Alive { at } => {
                self.last_alive = Some(*at);
                self.forget(*at);
            }
            Fact::Kept(episode) => {
                let of_rule = self.episodes.entry(episode.rule).or_default();
                of_rule.insert(episode.labels.clone(), (**episode).clone());
            }
            Fact::Shelved(shelf) => {
                self.shelves.insert(shelf.labels.clone(), shelf.clone());
            }
        }
    }

    /// Facts that make an empty book this one: a checkpoint, after which older facts can go.
    pub fn checkpoint(&self) -> Vec<Fact> {
        let alive = self.last_alive.map(|at| Fact::Alive { at });
        let shelves = self.shelves.values().cloned().map(Fact::Shelved);
        let kept = self.all().cloned().map(|e| Fact::Kept(Box::new(e)));
        alive.into_iter().chain(shelves).chain(kept).collect()
    }

    /// All alerts, resolved ones too while they are kept; by rule, then labels.
    pub fn all(&self) -> impl Iterator<Item = &Episode> {
        self.episodes.values().flat_map(BTreeMap::values)
    }

    /// The alerts of a rule, by labels.
    pub fn of_rule(&self, rule: RuleId) -> impl Iterator<Item = &Episode> {
        self.episodes
            .get(&rule)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    /// Those with the fingerprint: one, unless two rules raise the same labels.
    pub fn find(&self, alert: Fingerprint) -> impl Iterator<Item = &Episode> {
        self.all().filter(move |e| e.fingerprint() == alert)
    }

    /// The shelf of a label set, if it is put aside at that time.
    pub fn shelf(&self, labels: &Labels, at: Timestamp) -> Option<&Shelf> {
        self.shelves.get(labels).filter(|shelf| shelf.until > at)
    }

    /// All shelves, those that ended too until they are let go; by labels.
    pub fn shelves(&self) -> impl Iterator<Item = &Shelf> {
        self.shelves.values()
    }

    /// When rules were last known to be evaluated.
    pub fn last_alive(&self) -> Option<Timestamp> {
        self.last_alive
    }

    /// Rules that have alerts.
    pub(crate) fn rules(&self) -> impl Iterator<Item = RuleId> {
        self.episodes.keys().copied()
    }

    pub(crate) fn episode(&self, rule: RuleId, labels: &Labels) -> Option<&Episode> {
        self.episodes.get(&rule)?.get(labels)
    }

    /// Notes what an active alert's element looks like now: shown to people, too frequent to be kept.
    pub(crate) fn refresh(&mut self, rule: RuleId, labels: &Labels, look: Look) {
        let of_rule = self.episodes.get_mut(&rule);
        if let Some(episode) = of_rule.and_then(|alerts| alerts.get_mut(labels)) {
            episode.value = look.value;
            episode.annotations = look.annotations;
            episode.is_stale = look.is_stale;
        }
    }

    fn change(&mut self, changed: &Changed) {
        let of_rule = self.episodes.entry(changed.rule).or_default();
        let is_known = of_rule.get(&changed.labels).is_some_and(Episode::is_active);
        match changed.to {
            Transition::Dropped => {
                of_rule.remove(&changed.labels);
                if of_rule.is_empty() {
                    self.episodes.remove(&changed.rule);
                }
                return;
            }
            Transition::Pending | Transition::Firing if !is_known => {
                of_rule.insert(changed.labels.clone(), Episode::begun(changed));
            }
            _ => {}
        }
        if let Some(episode) = of_rule.get_mut(&changed.labels) {
            advance(episode, changed);
        }
    }

    fn act(&mut self, acted: &Acted) {
        match &acted.act {
            Act::Shelve { until, comment } => {
                let shelf = Shelf {
                    labels: acted.labels.clone(),
                    by: Arc::clone(&acted.by),
                    until: *until,
                    comment: Arc::clone(comment),
                };
                self.shelves.insert(acted.labels.clone(), shelf);
            }
            Act::Unshelve => {
                self.shelves.remove(&acted.labels);
            }
            _ => {}
        }
        let all = self.episodes.values_mut();
        for episode in all.filter_map(|alerts| alerts.get_mut(&acted.labels)) {
            let by = Arc::clone(&acted.by);
            match &acted.act {
                Act::Acknowledge { .. } if episode.is_active() => {
                    episode.acknowledged = Some(Acknowledgement { by, at: acted.at });
                }
                Act::Unacknowledge => episode.acknowledged = None,
                Act::Assign { to } if episode.is_active() => episode.assignee.clone_from(to),
                _ => {}
            }
            let (by, act) = (Arc::clone(&acted.by), acted.act.clone());
            episode.note(acted.at, EntryKind::Acted { by, act });
        }
    }

    /// Lets go what ended long enough ago.
    fn forget(&mut self, now: Timestamp) {
        self.shelves.retain(|_, shelf| shelf.until > now);
        for alerts in self.episodes.values_mut() {
            alerts.retain(|_, e| {
                e.resolved_at
                    .is_none_or(|end| now.since(end) <= RESOLVED_KEPT)
            });
        }
        self.episodes.retain(|_, alerts| !alerts.is_empty());
    }
}

/// What an alert's element looks like.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Look {
    pub(crate) value: f64,
    pub(crate) annotations: Labels,
    pub(crate) is_stale: bool,
}

fn advance(episode: &mut Episode, changed: &Changed) {
    let at = changed.at;
    episode.active_at = changed.active_at;
    episode.value = changed.value;
    episode.annotations = changed.annotations.clone();
    episode.is_stale = changed.is_stale;
    match changed.to {
        Transition::Firing => {
            episode.state = AlertState::Firing;
            episode.fired_at = Some(at);
        }
        Transition::Lingering => episode.lingering_since = Some(at),
        Transition::Recovered => episode.lingering_since = None,
        Transition::Resolved => {
            episode.state = AlertState::Resolved;
            episode.resolved_at = Some(at);
            episode.lingering_since = None;
            episode.acknowledged = None;
            episode.assignee = None;
        }
        Transition::Pending | Transition::Dropped | Transition::Postponed => {}
    }
    let (to, value) = (changed.to, changed.value);
    episode.note(at, EntryKind::Changed { to, value });
}
