use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use portique_series::Labels;

use super::inhibit::all_matchers;
use super::{Flavour, Matchers};
use crate::yaml::{Fields, Node, Reader};

/// How long a new group waits for more alerts.
const GROUP_WAIT: Duration = Duration::from_secs(30);
/// How long until a group that was notified about is looked at again.
const GROUP_INTERVAL: Duration = Duration::from_mins(5);
/// How long until the same is said again.
const REPEAT_INTERVAL: Duration = Duration::from_hours(4);
/// Of our own flavour: how long an alert waits that joins a group.
const NEW_ALERT_INTERVAL: Duration = Duration::from_secs(10);
/// Deepest nesting of routes; matching calls itself.
const ROUTES_DEPTH_MAX: usize = 32;

/// A node of the routing tree, with what it inherits.
#[derive(Debug, Clone)]
pub struct Route {
    /// Who it is, across reloads that leave it alone: the matchers from the root to here, as group keys
    /// have them, and a number where siblings share them.
    pub key: Arc<str>,
    /// Who is told.
    pub receiver: Arc<str>,
    /// Which alerts take it.
    pub matchers: Matchers,
    /// Whether the siblings after it are looked at too.
    pub continues: bool,
    /// Which alerts are told together.
    pub group_by: GroupBy,
    /// When.
    pub timing: RouteTiming,
    /// While one of these time intervals holds, nobody is told.
    pub mute_time_intervals: Vec<String>,
    /// While none of these holds, nobody is told; an empty list is always.
    pub active_time_intervals: Vec<String>,
    /// Looked at first, in order.
    pub routes: Vec<Route>,
}

/// Which labels part alerts into groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupBy {
    /// All: each alert is a group.
    All,
    /// These.
    Labels(BTreeSet<String>),
}

impl GroupBy {
    /// The labels of the group that an alert belongs to.
    pub fn group_of(&self, labels: &Labels) -> Labels {
        match self {
            Self::All => labels.clone(),
            Self::Labels(names) => {
                let named = labels.iter().filter(|(name, _)| names.contains(*name));
                Labels::from_pairs(named)
            }
        }
    }
}

/// When alerts of a route are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteTiming {
    /// How long a new group waits for more alerts; 30 seconds by default.
    pub group_wait: Duration,
    /// How long until a group is looked at again; 5 minutes by default, never zero.
    pub group_interval: Duration,
    /// How long until the same is said again; 4 hours by default, never zero.
    pub repeat_interval: Duration,
    /// How long an alert waits at most that joins a group which was notified about; an addition, and
    /// without it `group_interval` counts.
    pub new_alert_interval: Option<Duration>,
    /// How long a critical alert waits at most; an addition, and without it critical alerts are as
    /// others. Which are critical is said by `critical_matchers` in `global`.
    pub critical_group_wait: Option<Duration>,
}

impl Route {
    /// The routes that an alert takes, in order; the root at least when it matches.
    pub fn matching<'r>(&'r self, labels: &Labels, found: &mut Vec<&'r Route>) {
        if !self.matchers.matches(labels) {
            return;
        }
        let before = found.len();
        for route in &self.routes {
            let known = found.len();
            route.matching(labels, found);
            if found.len() > known && !route.continues {
                break;
            }
        }
        if found.len() == before {
            found.push(self);
        }
    }

    /// This route and all below it, parents first.
    pub fn all(&self) -> Vec<&Route> {
        let below = self.routes.iter().flat_map(Self::all);
        std::iter::once(self).chain(below).collect()
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.key, self.receiver)
    }
}

const KEYS: [&str; 14] = [
    "receiver",
    "group_by",
    "continue",
    "match",
    "match_re",
    "matchers",
    "group_wait",
    "group_interval",
    "repeat_interval",
    "mute_time_intervals",
    "active_time_intervals",
    "routes",
    "new_alert_interval",
    "critical_group_wait",
];

/// Names that routes may use.
pub(super) struct Known {
    pub(super) receivers: BTreeSet<String>,
    pub(super) intervals: BTreeSet<String>,
}

/// Reads the tree.
pub(super) fn root(
    reader: &mut Reader,
    node: &Node,
    known: &Known,
    flavour: Flavour,
) -> Option<Route> {
    let is_ours = flavour == Flavour::Portique;
    let nothing = Route {
        key: Arc::from(""),
        receiver: Arc::from(""),
        matchers: Matchers::default(),
        continues: false,
        group_by: GroupBy::Labels(BTreeSet::new()),
        timing: RouteTiming {
            group_wait: GROUP_WAIT,
            group_interval: GROUP_INTERVAL,
            repeat_interval: REPEAT_INTERVAL,
            new_alert_interval: is_ours.then_some(NEW_ALERT_INTERVAL),
            critical_group_wait: is_ours.then_some(Duration::ZERO),
        },
        mute_time_intervals: Vec::new(),
        active_time_intervals: Vec::new(),
        routes: Vec::new(),
    };
    let route = read(reader, node, known, &nothing, 0)?;
    for (is_there, what) in [
        (!route.matchers.is_empty(), "matchers"),
        (!route.mute_time_intervals.is_empty(), "mute_time_intervals"),
        (
            !route.active_time_intervals.is_empty(),
            "active_time_intervals",
        ),
        (route.continues, "continue"),
    ] {
        if is_there {
            let message = format!(
                "the root route takes every alert and has no {what}: move it to a route below"
            );
            reader.problem(node, message);
        }
    }
    if route.receiver.is_empty() {
        reader.problem(
            node,
            "the root route has a receiver, for all alerts that no other route takes",
        );
    }
    Some(route)
}

fn read(
    reader: &mut Reader,
    node: &Node,
    known: &Known,
    parent: &Route,
    depth: usize,
) -> Option<Route> {
    if depth > ROUTES_DEPTH_MAX {
        reader.problem(
            node,
            format!("routes are nested deeper than {ROUTES_DEPTH_MAX}"),
        );
        return None;
    }
    let fields = reader.fields(node, "a route", &KEYS)?;
    let matchers = all_matchers(reader, &fields, "");
    let receiver = match reader.text(fields.get("receiver"), "receiver") {
        Some(name) => {
            check_name(
                reader,
                fields.get("receiver"),
                "receiver",
                &name,
                &known.receivers,
            );
            Arc::from(name)
        }
        None => Arc::clone(&parent.receiver),
    };
    let key = match depth {
        0 => matchers.to_string(),
        _ => format!("{}/{matchers}", parent.key),
    };
    let mut route = Route {
        key: Arc::from(key),
        receiver,
        matchers,
        continues: reader
            .flag(fields.get("continue"), "continue")
            .unwrap_or(false),
        group_by: group_by(reader, &fields, &parent.group_by),
        timing: timing(reader, &fields, parent.timing),
        mute_time_intervals: interval_names(reader, &fields, "mute_time_intervals", known),
        active_time_intervals: interval_names(reader, &fields, "active_time_intervals", known),
        routes: Vec::new(),
    };
    for below in reader.items(fields.get("routes"), "routes") {
        let child = read(reader, below, known, &route, depth + 1);
        route
            .routes
            .extend(child.map(|child| apart(child, &route.routes)));
    }
    Some(route)
}

/// Siblings with the same matchers are told apart by a number.
fn apart(mut child: Route, siblings: &[Route]) -> Route {
    let before = siblings
        .iter()
        .filter(|s| s.matchers == child.matchers)
        .count();
    if before > 0 {
        let (old, new) = (child.key.to_string(), format!("{}#{before}", child.key));
        rename(&mut child, &old, &new);
    }
    child
}

fn rename(route: &mut Route, old: &str, new: &str) {
    if let Some(rest) = route.key.strip_prefix(old) {
        route.key = Arc::from(format!("{new}{rest}"));
    }
    for below in &mut route.routes {
        rename(below, old, new);
    }
}

fn check_name(
    reader: &mut Reader,
    node: Option<&Node>,
    what: &str,
    name: &str,
    known: &BTreeSet<String>,
) {
    if let (false, Some(node)) = (known.contains(name), node) {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        };
        reader.problem(
            node,
            format!("there is no {what} {name:?}: there are {known}"),
        );
    }
}

fn group_by(reader: &mut Reader, fields: &Fields<'_>, parent: &GroupBy) -> GroupBy {
    let Some(node) = fields.get("group_by") else {
        return parent.clone();
    };
    let mut names = BTreeSet::new();
    for item in reader.items(Some(node), "group_by") {
        let Some(name) = reader.text(Some(item), "a label in group_by") else {
            continue;
        };
        if name.is_empty() {
            reader.problem(item, "a label in group_by has a name");
        } else if !names.insert(name.clone()) {
            reader.problem(item, format!("{name:?} is in group_by twice: keep one"));
        }
    }
    match (names.contains("..."), names.len()) {
        (true, 1) => GroupBy::All,
        (true, _) => {
            reader.problem(
                node,
                "... groups by all labels and stands alone in group_by",
            );
            GroupBy::All
        }
        (false, _) => GroupBy::Labels(names),
    }
}

fn timing(reader: &mut Reader, fields: &Fields<'_>, parent: RouteTiming) -> RouteTiming {
    let mut duration = |key: &str, may_be_zero: bool| {
        let found = reader.duration(fields.get(key), key)?;
        if found.is_zero() && !may_be_zero {
            let node = fields.get(key)?;
            reader.problem(node, format!("{key} cannot be zero: write 1s or more"));
        }
        Some(found)
    };
    RouteTiming {
        group_wait: duration("group_wait", true).unwrap_or(parent.group_wait),
        group_interval: duration("group_interval", false).unwrap_or(parent.group_interval),
        repeat_interval: duration("repeat_interval", false).unwrap_or(parent.repeat_interval),
        new_alert_interval: duration("new_alert_interval", true).or(parent.new_alert_interval),
        critical_group_wait: duration("critical_group_wait", true).or(parent.critical_group_wait),
    }
}

fn interval_names(
    reader: &mut Reader,
    fields: &Fields<'_>,
    key: &str,
    known: &Known,
) -> Vec<String> {
    let mut names = Vec::new();
    for node in reader.items(fields.get(key), key) {
        if let Some(name) = reader.text(Some(node), key) {
            check_name(reader, Some(node), "time interval", &name, &known.intervals);
            names.push(name);
        }
    }
    names
}
