use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;
use portique_series::Labels;

use super::Engine;
use crate::{Alert, AlertState, Episode, QueryError, Rule, RuleGroup, RuleId};

/// How a rule's last evaluation went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Health {
    /// There was none yet.
    #[default]
    Unknown,
    /// It went well.
    Good,
    /// It failed.
    Bad(QueryError),
}

impl Health {
    /// As Prometheus' API writes it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Good => "ok",
            Self::Bad(_) => "err",
        }
    }
}

/// A group as readers see it.
pub struct GroupStatus<'e> {
    /// The group.
    pub group: &'e RuleGroup,
    /// When it is evaluated next.
    pub next_at: Timestamp,
    /// How many intervals passed without an evaluation since it was loaded, because the ones before took too
    /// long or the machine slept.
    pub missed: u64,
    /// Its rules, in order.
    pub rules: Vec<RuleStatus<'e>>,
}

/// A rule as readers see it.
pub struct RuleStatus<'e> {
    /// The rule.
    pub rule: &'e Arc<Rule>,
    /// How its last evaluation went.
    pub health: &'e Health,
    /// The time of its last evaluation.
    pub last_at: Option<Timestamp>,
    /// How long the last evaluation took.
    pub took: Duration,
    /// How many evaluations there were since it was loaded.
    pub evaluations: u64,
    /// How many of them failed.
    pub failures: u64,
    /// Where its expression can be looked at.
    pub generator: &'e Arc<str>,
    /// Its pending and firing alerts, by labels.
    pub alerts: Vec<&'e Episode>,
}

impl Engine {
    /// All groups with their rules, in the order loaded.
    pub fn groups(&self) -> impl Iterator<Item = GroupStatus<'_>> {
        self.groups.iter().map(|run| GroupStatus {
            group: &run.group,
            next_at: run.next_at,
            missed: run.missed,
            rules: run.rules.clone().map(|rule| self.status(rule)).collect(),
        })
    }

    /// Every alert that fires, or was resolved a short while ago, as a notifier takes it that has to be brought up to
    /// date.
    pub fn alerts(&self, now: Timestamp) -> Vec<Alert> {
        let told = self.book.all().filter(|e| e.state != AlertState::Pending);
        told.map(|episode| self.alert_of(episode, now)).collect()
    }

    /// The firing alerts with these labels, as a notifier takes them that is to hear of them again, or that they are
    /// put aside.
    pub fn firing(&self, labels: &Labels, now: Timestamp) -> Vec<Alert> {
        let found = self.book.all().filter(|e| e.labels == *labels);
        let firing = found.filter(|e| e.state == AlertState::Firing);
        firing.map(|episode| self.alert_of(episode, now)).collect()
    }

    fn alert_of(&self, episode: &Episode, now: Timestamp) -> Alert {
        let shelf = self.book.shelf(&episode.labels, now);
        let shelved_until = shelf.map(|shelf| shelf.until);
        match self.by_id.get(&episode.rule) {
            Some(ordinal) => episode.alert(&self.rules[*ordinal].generator, shelved_until),
            None => episode.alert(&Arc::from(""), shelved_until),
        }
    }

    /// One rule; none when it is not loaded.
    pub fn rule(&self, id: RuleId) -> Option<RuleStatus<'_>> {
        let ordinal = self.by_id.get(&id)?;
        Some(self.status(*ordinal))
    }

    fn status(&self, ordinal: usize) -> RuleStatus<'_> {
        let run = &self.rules[ordinal];
        let alerts = self.book.of_rule(run.rule.id);
        RuleStatus {
            rule: &run.rule,
            health: &run.health,
            last_at: run.last_at,
            took: run.took,
            evaluations: run.evaluations,
            failures: run.failures,
            generator: &run.generator,
            alerts: alerts.filter(|e| e.is_active()).collect(),
        }
    }

    pub(super) fn group_limit(&self, ordinal: usize) -> usize {
        self.group_of(ordinal).group.limit
    }
}
