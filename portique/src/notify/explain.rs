//! An alert's way to people, for people who ask.

use portique_clock::Timestamp;
use portique_monitor::Fingerprint;
use portique_monitor::notify::{
    Config, GroupBy, Route, RouteExplanation, WayExplanation, Withheld,
};
use portique_series::Labels;
use serde::Serialize;

use super::attempts::Attempts;
use super::handle::Notifier;

/// An alert's way through the notifier, as it is now.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct AlertRoutes {
    /// Whether it is over.
    is_resolved: bool,
    /// Ids of the silences that mute it.
    silenced_by: Vec<String>,
    /// The fingerprint of the alert that inhibits it.
    #[serde(skip_serializing_if = "Option::is_none")]
    inhibited_by: Option<String>,
    /// Each route that it takes.
    routes: Vec<AlertRoute>,
}

/// One route of an alert.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct AlertRoute {
    /// The group that it is told in.
    group: String,
    /// Who is told.
    receiver: String,
    /// How many alerts are in the group.
    alerts: usize,
    /// When the group is looked at next; none when it has been let go.
    #[schema(value_type = Option<String>)]
    next: Option<Timestamp>,
    /// Each way of the receiver.
    ways: Vec<Way>,
}

/// One way of a receiver, and what became of it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct Way {
    /// Such as `webhook[0]`.
    integration: String,
    /// Whether it was told that this alert fires, and not of its end.
    is_told: bool,
    /// When something of the group was last told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    last_told: Option<Timestamp>,
    /// Why it was last told.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_reason: Option<String>,
    /// What would be decided if the group were looked at now.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<String>,
    /// What is on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_its_way: Option<OnItsWay>,
    /// What was given up last, if nothing arrived since.
    #[serde(skip_serializing_if = "Option::is_none")]
    given_up: Option<GivenUp>,
}

/// A notification that has not arrived yet.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct OnItsWay {
    /// Its number.
    notification: u64,
    /// Its job in the queue `monitor.notifications`, once an attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<u64>,
    /// Attempts that failed.
    attempts_failed: u32,
    /// Why the last one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_problem: Option<String>,
}

/// A notification that will not arrive.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct GivenUp {
    /// When.
    #[schema(value_type = String)]
    at: Timestamp,
    /// Why.
    reason: String,
}

/// A route that alerts with certain labels take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct RouteView {
    /// The matchers from the root of the tree to it.
    route: String,
    /// Who is told.
    receiver: String,
    /// In which ways.
    integrations: Vec<String>,
    /// Labels that part alerts into groups; `...` is all of them.
    group_by: Vec<String>,
}

impl Notifier {
    /// An alert's way to people; none when the notifier does not hold it.
    pub(crate) fn explain(&self, alert: Fingerprint) -> Option<AlertRoutes> {
        let now = self.shared.clock.now();
        let explained = self.shared.read(|state| state.explain(alert, now))?;
        let attempts = &self.shared.attempts;
        let routes = explained.routes.into_iter();
        Some(AlertRoutes {
            is_resolved: explained.is_resolved,
            silenced_by: explained.muting.silenced_by,
            inhibited_by: explained
                .muting
                .inhibited_by
                .map(|source| source.to_string()),
            routes: routes
                .map(|route| AlertRoute::of(route, attempts))
                .collect(),
        })
    }
}

impl AlertRoute {
    fn of(route: RouteExplanation, attempts: &Attempts) -> Self {
        let ways = route.ways.into_iter();
        Self {
            group: route.group.to_string(),
            receiver: route.receiver.to_string(),
            alerts: route.alerts,
            next: route.next,
            ways: ways.map(|way| Way::of(way, attempts)).collect(),
        }
    }
}

impl Way {
    fn of(way: WayExplanation, attempts: &Attempts) -> Self {
        let on_its_way = match &way.verdict {
            Some(Err(Withheld::InFlight(id))) => Some(OnItsWay::of(*id, attempts)),
            _ => None,
        };
        let verdict = way.verdict.map(|verdict| match verdict {
            Ok(reason) => format!("will be told: {}", reason.as_str()),
            Err(withheld) => format!("not told now: {withheld}"),
        });
        Self {
            integration: way.integration,
            is_told: way.is_told,
            last_told: way.last.as_ref().map(|last| last.at),
            last_reason: way.last.map(|last| last.reason.as_str().to_owned()),
            verdict,
            on_its_way,
            given_up: way.trouble.map(|(at, reason)| GivenUp {
                at,
                reason: reason.to_string(),
            }),
        }
    }
}

impl OnItsWay {
    fn of(notification: u64, attempts: &Attempts) -> Self {
        let last = attempts.of(notification);
        Self {
            notification,
            job: last.as_ref().map(|last| last.job.0),
            attempts_failed: last.as_ref().map_or(0, |last| last.number),
            last_problem: last.map(|last| format!("{}: {}", last.at, last.reason)),
        }
    }
}

/// The routes that alerts with these labels take.
pub(crate) fn routes_of(config: &Config, labels: &Labels) -> Vec<RouteView> {
    let mut found: Vec<&Route> = Vec::new();
    config.route.matching(labels, &mut found);
    let view = |route: &Route| {
        let receiver = config.receiver(&route.receiver);
        let ways = receiver
            .into_iter()
            .flat_map(|receiver| &receiver.integrations);
        RouteView {
            route: route.key.to_string(),
            receiver: route.receiver.to_string(),
            integrations: ways.map(|way| way.key()).collect(),
            group_by: match &route.group_by {
                GroupBy::All => vec!["...".to_owned()],
                GroupBy::Labels(labels) => labels.iter().cloned().collect(),
            },
        }
    };
    found.into_iter().map(view).collect()
}
