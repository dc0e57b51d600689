//! Facts made true.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use portique_clock::Timestamp;

use super::{ALERTS_KEPT, Dispatcher, SILENCES_KEPT};
use crate::Fingerprint;
use crate::notify::alert::Received;
use crate::notify::config::Route;
use crate::notify::fact::{Fact, KeptGroup, Notified, Outcome};
use crate::notify::group::{Group, GroupId, Member};
use crate::notify::log::{LogEntry, LogKey};

impl Dispatcher {
    /// Makes a fact true. A fact about something that is not there does nothing.
    pub fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::Received { at, alerts } => {
                for alert in alerts {
                    self.receive(alert, *at);
                }
            }
            Fact::Notified(notified) => self.notify(notified),
            Fact::Flushed {
                at,
                group,
                next,
                resolved,
                is_blocked,
            } => {
                self.flushed(group, *next, resolved, *is_blocked);
                self.prune(group, *at);
            }
            Fact::Settled { id, at, outcome } => self.settled(*id, *at, outcome),
            Fact::Silenced(silence) => {
                self.state
                    .silences
                    .insert(silence.id.clone(), (**silence).clone());
            }
            Fact::Noticed { silence } => {
                if let Some(silence) = self.state.silences.get_mut(silence) {
                    silence.is_noticed = true;
                }
            }
            Fact::Configured {
                at,
                hash,
                not_before,
            } => self.configure_at(*at, *hash, *not_before),
            Fact::Swept { at } => self.sweep(*at),
            Fact::KeptAlerts { alerts } => {
                let kept = alerts
                    .iter()
                    .map(|alert| (alert.fingerprint(), alert.clone()));
                self.state.alerts.extend(kept);
            }
            Fact::KeptGroup(kept) => self.keep_group(kept),
            Fact::KeptLog { key, entry } => {
                self.state.log.insert(key.clone(), entry.clone());
            }
            Fact::KeptTrouble { key, at, reason } => {
                let trouble = (*at, Arc::clone(reason));
                self.state.trouble.insert(key.clone(), trouble);
            }
            Fact::KeptNext { id } => self.state.next_id = self.state.next_id.max(*id),
        }
    }

    fn receive(&mut self, alert: &Received, at: Timestamp) {
        self.state.alerts.insert(alert.fingerprint(), alert.clone());
        let config = Arc::clone(&self.config);
        let mut routes = Vec::new();
        config.route.matching(&alert.labels, &mut routes);
        for route in routes {
            self.join(route, alert, at);
        }
    }

    /// Puts an alert into its group of a route, and sets the group's deadline.
    fn join(&mut self, route: &Route, alert: &Received, at: Timestamp) {
        let id = GroupId {
            route: Arc::clone(&route.key),
            labels: route.group_by.group_of(&alert.labels),
        };
        let fingerprint = alert.fingerprint();
        let known = self.state.groups.get(&id);
        let member = known.and_then(|group| group.members.get(&fingerprint));
        let is_news = !alert.is_resolved(at) && member.is_none_or(|member| member.is_done);
        let next = self.deadline(route, known, alert, is_news, at);
        let mut group = self.take_group(&id).unwrap_or(Group {
            members: BTreeMap::new(),
            next,
            has_flushed: false,
            is_blocked: false,
            empty_since: None,
        });
        group.members.insert(fingerprint, Member { is_done: false });
        group.next = next;
        group.empty_since = None;
        self.put_group(id, group);
    }

    /// When a group is looked at after an alert joined it.
    fn deadline(
        &self,
        route: &Route,
        known: Option<&Group>,
        alert: &Received,
        is_news: bool,
        at: Timestamp,
    ) -> Timestamp {
        let timing = &route.timing;
        let has_flushed = known.is_some_and(|group| group.has_flushed);
        let mut next = known.map_or_else(|| at.plus(timing.group_wait), |group| group.next);
        // Whoever has waited for long elsewhere, such as through a reload, waits no more.
        if !has_flushed && alert.starts_at.plus(timing.group_wait) < at {
            next = next.min(at);
        }
        if !is_news {
            return next;
        }
        if let Some(interval) = timing.new_alert_interval.filter(|_| has_flushed) {
            next = next.min(at.plus(interval));
        }
        let critical = self.config.global.critical.as_ref();
        let is_critical = critical.is_some_and(|matchers| matchers.matches(&alert.labels));
        match timing.critical_group_wait.filter(|_| is_critical) {
            Some(wait) => next.min(at.plus(wait)),
            None => next,
        }
    }

    fn take_group(&mut self, id: &GroupId) -> Option<Group> {
        let group = self.state.groups.remove(id)?;
        self.state.deadlines.remove(&(group.deadline(), id.clone()));
        Some(group)
    }

    fn put_group(&mut self, id: GroupId, group: Group) {
        self.state.deadlines.insert((group.deadline(), id.clone()));
        self.state.groups.insert(id, group);
    }

    fn notify(&mut self, notified: &Notified) {
        self.state.next_id = self.state.next_id.max(notified.id.saturating_add(1));
        if !notified.is_sent {
            // Nothing was said, so repeats are still counted from what was.
            let before = self.state.log.get(&notified.key).map(|entry| entry.at);
            self.record(notified, before.unwrap_or(notified.at));
            return;
        }
        // A telling that nobody settled in time is replaced by the next one.
        if let Some(before) = self.state.busy.insert(notified.key.clone(), notified.id) {
            self.state.in_flight.remove(&before);
        }
        self.state.in_flight.insert(notified.id, notified.clone());
    }

    fn record(&mut self, notified: &Notified, at: Timestamp) {
        let entry = LogEntry {
            at,
            expires_at: notified.expires_at,
            firing: notified.firing.clone(),
            resolved: notified.resolved.clone(),
            owed: notified.owed.clone(),
            reason: notified.reason,
        };
        self.state.log.insert(notified.key.clone(), entry);
    }

    fn flushed(
        &mut self,
        id: &GroupId,
        next: Option<Timestamp>,
        resolved: &BTreeSet<Fingerprint>,
        is_blocked: bool,
    ) {
        let Some(mut group) = self.take_group(id) else {
            return;
        };
        let Some(next) = next else {
            return;
        };
        for fingerprint in resolved {
            if let Some(member) = group.members.get_mut(fingerprint) {
                member.is_done = true;
            }
        }
        group.next = next;
        group.has_flushed = true;
        group.is_blocked = is_blocked;
        self.put_group(id.clone(), group);
    }

    fn settled(&mut self, id: u64, at: Timestamp, outcome: &Outcome) {
        let Some(notified) = self.state.in_flight.remove(&id) else {
            return;
        };
        self.state.busy.remove(&notified.key);
        let group = notified.key.group.clone();
        match outcome {
            Outcome::Delivered => {
                self.state.trouble.remove(&notified.key);
                // Repeats are counted from the look at the group; after a long way, from its end.
                let interval = self
                    .route_of(&group)
                    .map(|route| route.timing.group_interval);
                let is_prompt = interval.is_some_and(|interval| at.since(notified.at) < interval);
                self.record(&notified, if is_prompt { notified.at } else { at });
            }
            Outcome::Failed { reason } => {
                let trouble = (at, Arc::clone(reason));
                self.state.trouble.insert(notified.key.clone(), trouble);
            }
        }
        self.unblock(&group, at);
        self.prune(&group, at);
    }

    /// What waited for a telling to be settled is looked at now.
    fn unblock(&mut self, id: &GroupId, at: Timestamp) {
        if let Some(mut group) = self.take_group(id) {
            if group.is_blocked {
                group.next = group.next.min(at);
            }
            self.put_group(id.clone(), group);
        }
    }

    /// Lets go of alerts that are over and of whose end everybody knows who knew that they fired.
    fn prune(&mut self, id: &GroupId, at: Timestamp) {
        let Some(group) = self.state.groups.get(id) else {
            return;
        };
        let done = group.members.iter().filter(|(_, member)| member.is_done);
        let done: Vec<Fingerprint> = done.map(|(fingerprint, _)| *fingerprint).collect();
        let gone: Vec<_> = done
            .into_iter()
            .filter(|f| !self.is_awaited(id, *f))
            .collect();
        if gone.is_empty() {
            return;
        }
        if let Some(mut group) = self.take_group(id) {
            group
                .members
                .retain(|fingerprint, _| !gone.contains(fingerprint));
            group.empty_since = group.members.is_empty().then_some(at);
            self.put_group(id.clone(), group);
        }
    }

    /// Whether somebody was told that an alert fires, or may be at this moment, and not of its end.
    fn is_awaited(&self, group: &GroupId, alert: Fingerprint) -> bool {
        let route = self.route_of(group);
        let receiver = route.and_then(|route| self.config.receiver(&route.receiver));
        let Some(receiver) = receiver else {
            return false;
        };
        receiver.integrations.iter().any(|integration| {
            let key = LogKey {
                group: group.clone(),
                receiver: Arc::clone(&receiver.name),
                integration: Arc::from(integration.key()),
            };
            let entry = self.state.log.get(&key);
            let is_told = entry.is_some_and(|entry| entry.awaits_end_of(alert));
            let telling = self
                .state
                .busy
                .get(&key)
                .and_then(|id| self.state.in_flight.get(id));
            is_told
                || telling.is_some_and(|n| n.firing.contains(&alert) || n.resolved.contains(&alert))
        })
    }

    fn configure_at(&mut self, at: Timestamp, hash: u64, not_before: Option<Timestamp>) {
        self.state.configured = Some((at, hash));
        self.state.not_before = not_before;
        self.state.groups.clear();
        self.state.deadlines.clear();
        let alerts: Vec<Received> = self.state.alerts.values().cloned().collect();
        for alert in &alerts {
            self.receive(alert, at);
        }
    }

    fn sweep(&mut self, at: Timestamp) {
        self.state.swept_at = Some(at);
        let held: BTreeSet<Fingerprint> = self
            .state
            .groups
            .values()
            .flat_map(|group| group.members.keys().copied())
            .collect();
        self.state.alerts.retain(|fingerprint, alert| {
            let is_old = alert.ends_at.is_some_and(|end| end.plus(ALERTS_KEPT) <= at);
            !is_old || held.contains(fingerprint)
        });
        self.state
            .silences
            .retain(|_, silence| silence.ends_at.plus(SILENCES_KEPT) > at);
        self.state.log.retain(|_, entry| entry.expires_at > at);
        let log = &self.state.log;
        let groups = &self.state.groups;
        self.state
            .trouble
            .retain(|key, _| log.contains_key(key) || groups.contains_key(&key.group));
    }

    fn keep_group(&mut self, kept: &KeptGroup) {
        let group = Group {
            members: kept.members.iter().copied().collect(),
            next: kept.next,
            has_flushed: kept.has_flushed,
            is_blocked: kept.is_blocked,
            empty_since: kept.empty_since,
        };
        self.take_group(&kept.group);
        self.put_group(kept.group.clone(), group);
    }
}
