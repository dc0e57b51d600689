//! Groups whose time has come, and what is said of them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use portique_clock::Timestamp;

use super::{Dispatcher, SWEEP_INTERVAL};
use crate::Fingerprint;
use crate::notify::alert::Received;
use crate::notify::config::{Channel, Integration, Route};
use crate::notify::fact::{Fact, Notified};
use crate::notify::group::{EMPTY_KEPT, Group, GroupId};
use crate::notify::inhibit::Inhibitor;
use crate::notify::job::NotificationJob;
use crate::notify::log::{self, IN_FLIGHT_MAX, LOG_RETENTION, LogKey, Reason, Tellable, Withheld};
use crate::notify::message::{Message, MessageAlert};
use crate::notify::silence::Silence;

/// Groups that one call looks at: the others are due in the next call at once.
const GROUPS_AT_ONCE: usize = 500;

/// What is to be done now.
#[derive(Debug, Clone, Default)]
pub struct Due {
    /// To be kept and applied in order, together with the outputs.
    pub facts: Vec<Fact>,
    /// To be handed on once the facts are kept.
    pub outputs: Vec<Output>,
}

/// What goes out.
#[derive(Debug, Clone)]
pub enum Output {
    /// Somebody is told; becomes a job.
    Notify(Box<NotificationJob>),
    /// A silence ends soon, and its owner wanted to be told.
    SilenceEnding(Box<Silence>),
}

/// A group at one moment.
#[derive(Clone)]
pub(super) struct Look<'a> {
    pub(super) route: &'a Route,
    pub(super) now: Timestamp,
    /// Those that may be told of.
    alerts: Vec<(Fingerprint, &'a Received)>,
    pub(super) tellable: Tellable,
    /// Those that may not.
    mute: BTreeSet<Fingerprint>,
    /// All that are over, told of or not.
    resolved: BTreeSet<Fingerprint>,
    pub(super) muted: Option<Withheld>,
    /// Whether some were left out that nobody in the hub raised.
    is_without_posted: bool,
}

impl<'a> Look<'a> {
    /// What of the group concerns one way. A system is asked to act on what the hub's own rules see, and on nothing
    /// that somebody posted: whoever may send alerts may not give its orders.
    pub(super) fn for_way(&self, way: &Integration) -> Cow<'_, Look<'a>> {
        let is_own = |(_, alert): &(Fingerprint, &Received)| alert.is_own;
        let is_action = matches!(way.channel, Channel::Action(_));
        if !is_action || self.alerts.iter().all(is_own) {
            return Cow::Borrowed(self);
        }
        let mut own = self.clone();
        own.is_without_posted = true;
        own.alerts.retain(is_own);
        let kept: BTreeSet<Fingerprint> = own.alerts.iter().map(|(own, _)| *own).collect();
        own.tellable.firing.retain(|one| kept.contains(one));
        own.tellable.resolved.retain(|one| kept.contains(one));
        Cow::Owned(own)
    }
}

impl Dispatcher {
    /// When [`due`](Self::due) has something to do next, if nothing comes in until then.
    pub fn next_due(&self) -> Option<Timestamp> {
        let group = self.state.deadlines.first().map(|(next, _)| *next);
        let group = group.map(|next| next.max(self.state.not_before.unwrap_or(next)));
        let notices = self.state.silences.values().filter_map(Silence::notice_at);
        let is_empty = self.state.alerts.is_empty() && self.state.silences.is_empty();
        let sweep = (!is_empty).then(|| self.next_sweep()).flatten();
        group.into_iter().chain(notices.min()).chain(sweep).min()
    }

    fn next_sweep(&self) -> Option<Timestamp> {
        let began = self.state.configured.map(|(at, _)| at);
        self.state
            .swept_at
            .or(began)
            .map(|at| at.plus(SWEEP_INTERVAL))
    }

    /// Decides what is to be done by now; nothing changes until the facts are applied.
    pub fn due(&self, now: Timestamp) -> Due {
        let mut due = Due::default();
        for silence in self.state.silences.values() {
            if silence.notice_at().is_none_or(|at| at > now) {
                continue;
            }
            let id = silence.id.clone();
            due.facts.push(Fact::Noticed { silence: id });
            // Of one that is over already, as after a while without a hub, nobody needs to be told.
            if silence.ends_at > now {
                let ending = Box::new(silence.clone());
                due.outputs.push(Output::SilenceEnding(ending));
            }
        }
        if self.state.not_before.is_none_or(|begin| begin <= now) {
            self.flush_due(now, &mut due);
        }
        if self.next_sweep().is_some_and(|at| at <= now) {
            due.facts.push(Fact::Swept { at: now });
        }
        due
    }

    fn flush_due(&self, now: Timestamp, due: &mut Due) {
        let ready = self
            .state
            .deadlines
            .iter()
            .take_while(|(next, _)| *next <= now);
        let ready: Vec<&GroupId> = ready.map(|(_, id)| id).take(GROUPS_AT_ONCE).collect();
        if ready.is_empty() {
            return;
        }
        let inhibitor = self.inhibitor(now);
        let mut next_id = self.state.next_id.max(1);
        for id in ready {
            self.flush(id, &inhibitor, now, &mut next_id, due);
        }
    }

    fn flush(
        &self,
        id: &GroupId,
        inhibitor: &Inhibitor<'_>,
        now: Timestamp,
        next_id: &mut u64,
        due: &mut Due,
    ) {
        let group = &self.state.groups[id];
        let look = self.look(id, group, inhibitor, now);
        let is_gone = group
            .empty_since
            .is_some_and(|since| since.plus(EMPTY_KEPT) <= now);
        let Some(look) = look.filter(|_| !is_gone) else {
            due.facts.push(closed(id, now));
            return;
        };
        let mut is_blocked = false;
        for integration in self.ways(look.route) {
            let key = self.log_key(id, look.route, integration);
            let look = look.for_way(integration);
            match self.verdict(&key, &look, integration) {
                Ok(reason) => {
                    self.tell(&key, &look, integration, reason, *next_id, due);
                    *next_id += 1;
                }
                Err(Withheld::InFlight(_)) => is_blocked = true,
                Err(_) => {}
            }
        }
        due.facts.push(Fact::Flushed {
            at: now,
            group: id.clone(),
            next: Some(now.plus(look.route.timing.group_interval)),
            resolved: look.resolved,
            is_blocked,
        });
    }

    /// A group as it is now; none when its route is gone.
    pub(super) fn look<'a>(
        &'a self,
        id: &GroupId,
        group: &Group,
        inhibitor: &Inhibitor<'_>,
        now: Timestamp,
    ) -> Option<Look<'a>> {
        let route = self.route_of(id)?;
        let mut look = Look {
            route,
            now,
            alerts: Vec::new(),
            tellable: Tellable::default(),
            mute: BTreeSet::new(),
            resolved: BTreeSet::new(),
            muted: self.muted_by_time(route, now),
            is_without_posted: false,
        };
        for fingerprint in group.members.keys() {
            let Some(alert) = self.state.alerts.get(fingerprint) else {
                continue;
            };
            let is_resolved = alert.is_resolved(now);
            if is_resolved {
                look.resolved.insert(*fingerprint);
            }
            let muting = self.muting_by(&alert.labels, inhibitor, now);
            if muting.is_muted() || alert.shelf(now).is_some() {
                look.mute.insert(*fingerprint);
                continue;
            }
            look.alerts.push((*fingerprint, alert));
            let set = match is_resolved {
                true => &mut look.tellable.resolved,
                false => &mut look.tellable.firing,
            };
            set.insert(*fingerprint);
        }
        Some(look)
    }

    /// The ways of a route's receiver.
    pub(super) fn ways(&self, route: &Route) -> &[Integration] {
        let receiver = self.config.receiver(&route.receiver);
        receiver.map_or(&[], |receiver| &receiver.integrations)
    }

    pub(super) fn log_key(&self, id: &GroupId, route: &Route, way: &Integration) -> LogKey {
        LogKey {
            group: id.clone(),
            receiver: Arc::clone(&route.receiver),
            integration: Arc::from(way.key()),
        }
    }

    /// Whether somebody is told now, or why not.
    pub(super) fn verdict(
        &self,
        key: &LogKey,
        look: &Look<'_>,
        way: &Integration,
    ) -> Result<Reason, Withheld> {
        if look.alerts.is_empty() {
            return Err(match look.is_without_posted {
                true => Withheld::Posted,
                false => Withheld::NothingToTell,
            });
        }
        if let Some(muted) = &look.muted {
            return Err(muted.clone());
        }
        let telling = self
            .state
            .busy
            .get(key)
            .and_then(|id| self.state.in_flight.get(id));
        if let Some(telling) = telling.filter(|t| look.now.since(t.at) < IN_FLIGHT_MAX) {
            return Err(Withheld::InFlight(telling.id));
        }
        let repeat = look.route.timing.repeat_interval;
        let entry = self.state.log.get(key);
        log::verdict(entry, &look.tellable, way.sends_resolved, repeat, look.now)
    }

    fn tell(
        &self,
        key: &LogKey,
        look: &Look<'_>,
        way: &Integration,
        reason: Reason,
        id: u64,
        due: &mut Due,
    ) {
        let is_sent = way.sends_resolved || !reason.is_end();
        let before = self.state.log.get(key);
        let is_owed = |alert: &&Fingerprint| before.is_some_and(|e| e.awaits_end_of(**alert));
        due.facts.push(Fact::Notified(Box::new(Notified {
            id,
            at: look.now,
            key: key.clone(),
            reason,
            firing: look.tellable.firing.clone(),
            resolved: look.tellable.resolved.clone(),
            owed: look.mute.iter().filter(is_owed).copied().collect(),
            expires_at: look.now.plus(remembered(look.route.timing.repeat_interval)),
            is_sent,
        })));
        if !is_sent {
            return;
        }
        let told = look.alerts.iter().filter(|(fingerprint, _)| {
            way.sends_resolved || look.tellable.firing.contains(fingerprint)
        });
        let alerts = told
            .map(|(_, alert)| MessageAlert::of(alert, look.now))
            .collect();
        let url = &self.options.external_url;
        due.outputs.push(Output::Notify(Box::new(NotificationJob {
            id,
            at: look.now,
            receiver: Arc::clone(&key.receiver),
            integration: Arc::clone(&key.integration),
            reason,
            message: Message::new(&key.receiver, &key.group, alerts, url),
        })));
    }
}

fn remembered(repeat: Duration) -> Duration {
    LOG_RETENTION.saturating_add(repeat.saturating_mul(2))
}

fn closed(id: &GroupId, at: Timestamp) -> Fact {
    Fact::Flushed {
        at,
        group: id.clone(),
        next: None,
        resolved: BTreeSet::new(),
        is_blocked: false,
    }
}
