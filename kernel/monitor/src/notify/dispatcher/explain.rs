//! Why somebody was told of an alert, or was not.

use std::fmt;
use std::sync::Arc;

use portique_clock::Timestamp;

use super::{Dispatcher, Muting};
use crate::Fingerprint;
use crate::notify::alert::Received;
use crate::notify::config::Route;
use crate::notify::group::GroupId;
use crate::notify::log::{LogEntry, Reason, Withheld};

/// An alert's way through the notifier, as it is now.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The alert.
    pub alert: Received,
    /// Whether it is over.
    pub is_resolved: bool,
    /// What mutes it.
    pub muting: Muting,
    /// Each route that it takes.
    pub routes: Vec<RouteExplanation>,
    /// Until when nobody is told of anything after a start.
    pub not_before: Option<Timestamp>,
    /// When this is.
    pub at: Timestamp,
}

/// One route of an alert.
#[derive(Debug, Clone)]
pub struct RouteExplanation {
    /// Its group.
    pub group: GroupId,
    /// Who is told.
    pub receiver: Arc<str>,
    /// When the group is looked at next; none when it has been let go.
    pub next: Option<Timestamp>,
    /// How many alerts are in the group.
    pub alerts: usize,
    /// Each way of the receiver.
    pub ways: Vec<WayExplanation>,
}

/// One way of a receiver.
#[derive(Debug, Clone)]
pub struct WayExplanation {
    /// Such as `webhook[0]`.
    pub integration: String,
    /// What would be decided if the group were looked at now; none when there is no group.
    pub verdict: Option<Result<Reason, Withheld>>,
    /// What was last said of the group.
    pub last: Option<LogEntry>,
    /// Whether this alert was said to fire, and its end not.
    pub is_told: bool,
    /// What went wrong last, if nothing arrived since.
    pub trouble: Option<(Timestamp, Arc<str>)>,
}

impl Dispatcher {
    /// Explains an alert; none when it is not held.
    pub fn explain(&self, fingerprint: Fingerprint, now: Timestamp) -> Option<Explanation> {
        let alert = self.state.alerts.get(&fingerprint)?;
        let mut routes = Vec::new();
        self.config.route.matching(&alert.labels, &mut routes);
        let routes = routes
            .into_iter()
            .map(|route| self.explain_route(route, alert, now));
        Some(Explanation {
            alert: alert.clone(),
            is_resolved: alert.is_resolved(now),
            muting: self.muting(&alert.labels, now),
            routes: routes.collect(),
            not_before: self.state.not_before.filter(|begin| *begin > now),
            at: now,
        })
    }

    fn explain_route(&self, route: &Route, alert: &Received, now: Timestamp) -> RouteExplanation {
        let id = GroupId {
            route: Arc::clone(&route.key),
            labels: route.group_by.group_of(&alert.labels),
        };
        let group = self.state.groups.get(&id);
        let inhibitor = self.inhibitor(now);
        let look = group.and_then(|group| self.look(&id, group, &inhibitor, now));
        let ways = self.ways(route).iter().map(|way| {
            let key = self.log_key(&id, route, way);
            let last = self.state.log.get(&key).cloned();
            WayExplanation {
                integration: way.key(),
                verdict: look
                    .as_ref()
                    .map(|look| self.verdict(&key, &look.for_way(way), way)),
                is_told: last
                    .as_ref()
                    .is_some_and(|e| e.awaits_end_of(alert.fingerprint())),
                last,
                trouble: self.state.trouble.get(&key).cloned(),
            }
        });
        RouteExplanation {
            receiver: Arc::clone(&route.receiver),
            next: group.map(|group| group.next),
            alerts: group.map_or(0, |group| group.members.len()),
            ways: ways.collect(),
            group: id,
        }
    }
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Posted => f.write_str(
                "somebody posted the alerts: systems act on what rules of the hub raise",
            ),
            Self::NothingToTell => {
                f.write_str("every alert of the group is silenced, inhibited or put aside, or gone")
            }
            Self::Muted(name) => write!(f, "the time interval {name:?} mutes the route"),
            Self::NotActive => f.write_str("the route is active in other time intervals only"),
            Self::InFlight(id) => write!(f, "notification {id} is on its way"),
            Self::NeverTold => {
                f.write_str("all alerts are resolved, and it was never told that they fired")
            }
            Self::Until(at) => write!(f, "nothing changed; it is repeated from {at} on"),
            Self::NothingNew => f.write_str("nothing changed since all was resolved"),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_resolved {
            "resolved"
        } else {
            "firing"
        };
        let since = self.alert.starts_at;
        writeln!(f, "{} is {state}, since {since}", self.alert.labels)?;
        for silence in &self.muting.silenced_by {
            writeln!(f, "silenced by {silence}")?;
        }
        if let Some(source) = self.muting.inhibited_by {
            writeln!(f, "inhibited by the alert {source}")?;
        }
        if let Some(until) = self.alert.shelf(self.at) {
            writeln!(f, "put aside until {until}")?;
        }
        if let Some(begin) = self.not_before {
            writeln!(
                f,
                "nobody is told of anything before {begin}, after a start"
            )?;
        }
        self.routes.iter().try_for_each(|route| route.fmt(f))
    }
}

impl fmt::Display for RouteExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            group,
            receiver,
            alerts,
            ..
        } = self;
        writeln!(f, "group {group} to {receiver}: {alerts} alerts")?;
        match self.next {
            Some(next) => writeln!(f, "  looked at next: {next}")?,
            None => writeln!(
                f,
                "  the group was let go: all its alerts are over and told"
            )?,
        }
        for way in &self.ways {
            let told = if way.is_told {
                "told that it fires"
            } else {
                "not told that it fires"
            };
            write!(f, "  {}: {told}", way.integration)?;
            if let Some(last) = &way.last {
                write!(
                    f,
                    "; last told {} because {}",
                    last.at,
                    last.reason.as_str()
                )?;
            }
            match &way.verdict {
                Some(Ok(reason)) => write!(f, "; will be told because {}", reason.as_str())?,
                Some(Err(withheld)) => write!(f, "; not told now: {withheld}")?,
                None => {}
            }
            if let Some((at, reason)) = &way.trouble {
                write!(f, "; failed {at}: {reason}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
