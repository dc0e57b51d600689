//! The configuration of notifications, in the file format of Alertmanager.
//!
//! Everything that is wrong is told at once, with its line and what would be right. Defaults are those of
//! Alertmanager; what is added here (`critical_matchers`, `critical_group_wait`, `new_alert_interval`,
//! `action_configs`) has no effect in a file that does not write it, unless the file is read as
//! [`Flavour::Portique`].

mod global;
mod http;
mod inhibit;
mod receiver;
mod redact;
mod route;
mod secret;
#[cfg(test)]
mod tests;
mod tls;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use global::{Global, Smtp};
pub use http::{Authorization, HttpConfig};
pub(crate) use http::{KEYS as HTTP_KEYS, read_fields as read_http};
pub use inhibit::InhibitRule;
pub use receiver::{
    ActionConfig, Channel, DiscordConfig, EmailConfig, Integration, Receiver, SlackConfig,
    SlackField, WebhookConfig,
};
pub(crate) use redact::redacted;
pub use route::{GroupBy, Route, RouteTiming};
pub use secret::{Secret, SecretSource};
pub use tls::TlsConfig;

use super::interval::{self, INTERVAL_KEYS, NamedInterval};
use super::matchers::Matchers;
use crate::Problem;
use crate::yaml::{Fields, Node, Reader};

/// Largest configuration file: thousands of routes fit.
pub const CONFIG_BYTES_MAX: usize = 4 << 20;

/// Whose defaults count where the file says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flavour {
    /// Exactly Alertmanager's: for files that are taken over.
    #[default]
    Alertmanager,
    /// Ours: alerts with `severity="critical"` wait for nobody, and an alert that joins a group that has
    /// been notified about waits 10 seconds instead of `group_interval`.
    Portique,
}

/// Who is told of which alerts, and when.
#[derive(Debug, Clone)]
pub struct Config {
    /// What applies everywhere.
    pub global: Global,
    /// The root of the routing tree.
    pub route: Route,
    /// Who can be told, in the order written.
    pub receivers: Vec<Arc<Receiver>>,
    /// Which alerts make others not worth telling.
    pub inhibit_rules: Vec<InhibitRule>,
    /// Named time intervals.
    pub time_intervals: Vec<NamedInterval>,
    /// Patterns of files with templates.
    pub templates: Vec<String>,
    /// The file with its secrets blotted out.
    pub redacted: String,
}

const KEYS: [&str; 7] = [
    "global",
    "route",
    "receivers",
    "inhibit_rules",
    "templates",
    "mute_time_intervals",
    "time_intervals",
];

impl Config {
    /// Reads a file's text; `file` names it in messages.
    ///
    /// # Errors
    /// All that is wrong with it, by place.
    pub fn parse(file: &str, text: &str, flavour: Flavour) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::new(file);
        if text.len() > CONFIG_BYTES_MAX {
            reader.problem_at_start(format!("the file has more than {CONFIG_BYTES_MAX} bytes"));
            return Err(reader.into_problems());
        }
        let config = match reader.document(text) {
            Some(node) => read(&mut reader, &node, flavour),
            None => None,
        };
        let mut problems = reader.into_problems();
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => {
                if problems.is_empty() {
                    let mut reader = Reader::new(file);
                    reader.problem_at_start("the file is empty: write a route and receivers");
                    problems = reader.into_problems();
                }
                Err(problems)
            }
        }
    }

    /// The receiver of a name.
    pub fn receiver(&self, name: &str) -> Option<&Arc<Receiver>> {
        self.receivers
            .iter()
            .find(|receiver| *receiver.name == *name)
    }

    /// Whether a named time interval holds at a moment.
    pub(super) fn is_within(&self, name: &str, at: portique_clock::Timestamp) -> bool {
        let named = self
            .time_intervals
            .iter()
            .find(|interval| interval.name == name);
        named.is_some_and(|interval| interval.contains(at))
    }
}

fn read(reader: &mut Reader, node: &Node, flavour: Flavour) -> Option<Config> {
    let fields = reader.fields(node, "the configuration", &KEYS)?;
    let global = global::read(reader, fields.get("global"), flavour);
    let time_intervals = time_intervals(reader, &fields);
    let receivers = receivers(reader, &fields, &global);
    let known = route::Known {
        receivers: receivers.iter().map(|r| r.name.to_string()).collect(),
        intervals: time_intervals.iter().map(|i| i.name.clone()).collect(),
    };
    let route = match fields.get("route") {
        Some(node) => route::root(reader, node, &known, flavour),
        None => {
            reader.problem(node, "route is missing: write one with a receiver");
            None
        }
    };
    let rules = reader.items(fields.get("inhibit_rules"), "inhibit_rules");
    let inhibit_rules: Vec<_> = rules
        .iter()
        .filter_map(|rule| inhibit::read(reader, rule))
        .collect();
    let patterns = reader.items(fields.get("templates"), "templates");
    let templates = patterns
        .iter()
        .filter_map(|p| reader.text(Some(p), "a template"))
        .collect();
    Some(Config {
        global,
        route: route?,
        receivers,
        inhibit_rules,
        time_intervals,
        templates,
        redacted: redact::redacted(node),
    })
}

fn receivers(reader: &mut Reader, fields: &Fields<'_>, global: &Global) -> Vec<Arc<Receiver>> {
    let mut names = BTreeSet::new();
    let mut receivers = Vec::new();
    for node in reader.items(fields.get("receivers"), "receivers") {
        let Some(receiver) = receiver::read(reader, node, global) else {
            continue;
        };
        if !names.insert(Arc::clone(&receiver.name)) {
            reader.problem(
                node,
                format!("there are two receivers {:?}: rename one", receiver.name),
            );
        }
        receivers.push(Arc::new(receiver));
    }
    receivers
}

fn time_intervals(reader: &mut Reader, fields: &Fields<'_>) -> Vec<NamedInterval> {
    let mut named: Vec<NamedInterval> = Vec::new();
    // The first is the older name of the second; a file may have both.
    for key in ["mute_time_intervals", "time_intervals"] {
        for node in reader.items(fields.get(key), key) {
            let Some(of_one) = reader.fields(node, "a named interval", &["name", "time_intervals"])
            else {
                continue;
            };
            let name = reader.text(of_one.get("name"), "name").unwrap_or_default();
            if name.is_empty() {
                reader.problem(node, "a time interval has a name, by which routes call it");
            } else if named.iter().any(|known| known.name == name) {
                reader.problem(
                    node,
                    format!("there are two time intervals {name:?}: rename one"),
                );
            }
            let parts = reader.items(of_one.get("time_intervals"), "time_intervals");
            if parts.is_empty() {
                let keys = INTERVAL_KEYS.join(", ");
                reader.problem(
                    node,
                    format!("a time interval has a list time_intervals with {keys}"),
                );
            }
            let parts = parts
                .iter()
                .filter_map(|part| interval::interval(reader, part))
                .collect();
            named.push(NamedInterval { name, parts });
        }
    }
    named
}
