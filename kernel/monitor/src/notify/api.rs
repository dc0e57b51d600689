//! Alertmanager's API, version 2: what it takes and gives, without the HTTP around it.
//!
//! Additions: a silence may have a `schedule` and a `noticeSeconds`.

mod filter;
mod silence;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use portique_clock::Timestamp;
use portique_series::Labels;
use serde::{Deserialize, Serialize, Serializer};

pub use filter::{AlertFilter, SilenceFilter};
pub use silence::{GettableSilence, MatcherView, PostableSilence, SilenceStatusView, silences};

use super::alert::{Posted, Received, WithoutEnd};
use super::config::{Config, Route};
use super::dispatcher::Dispatcher;
use super::log::Withheld;
use crate::wire;

/// An alert as it is posted.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostableAlert {
    /// Who it is.
    #[serde(deserialize_with = "pairs::deserialize")]
    pub labels: Labels,
    /// What to tell people.
    #[serde(default = "Labels::empty", deserialize_with = "pairs::deserialize")]
    pub annotations: Labels,
    /// Since when.
    #[serde(default, deserialize_with = "go_time::deserialize")]
    pub starts_at: Option<Timestamp>,
    /// When it ends or ended.
    #[serde(default, deserialize_with = "go_time::deserialize")]
    pub ends_at: Option<Timestamp>,
    /// Where it comes from.
    #[serde(default, rename = "generatorURL")]
    pub generator_url: String,
}

impl From<PostableAlert> for Posted {
    fn from(alert: PostableAlert) -> Self {
        Self {
            labels: alert.labels,
            annotations: alert.annotations,
            starts_at: alert.starts_at,
            ends_at: alert.ends_at,
            generator: Arc::from(alert.generator_url),
            without_end: WithoutEnd::TimesOut,
            shelved_until: None,
        }
    }
}

/// An alert as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GettableAlert {
    /// What to tell people.
    #[serde(with = "wire::labels")]
    pub annotations: Labels,
    /// When it ends or ended.
    #[serde(serialize_with = "millis")]
    pub ends_at: Timestamp,
    /// Its fingerprint.
    pub fingerprint: String,
    /// Who is told of it.
    pub receivers: Vec<ReceiverView>,
    /// Since when.
    #[serde(serialize_with = "millis")]
    pub starts_at: Timestamp,
    /// Whether anything mutes it.
    pub status: AlertStatusView,
    /// When somebody last told of it.
    #[serde(serialize_with = "millis")]
    pub updated_at: Timestamp,
    /// Where it comes from.
    #[serde(rename = "generatorURL", skip_serializing_if = "str::is_empty")]
    pub generator_url: Arc<str>,
    /// Who it is.
    #[serde(with = "wire::labels")]
    pub labels: Labels,
}

/// Whether anything mutes an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertStatusView {
    /// Fingerprints of the alerts that inhibit it.
    pub inhibited_by: Vec<String>,
    /// Names of the time intervals that mute its route; in groups only.
    pub muted_by: Vec<String>,
    /// Ids of the silences that mute it.
    pub silenced_by: Vec<String>,
    /// `active` or `suppressed`.
    pub state: &'static str,
}

/// Who is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReceiverView {
    /// The receiver's name.
    pub name: Arc<str>,
}

/// A group as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlertGroupView {
    /// Its alerts, by labels.
    pub alerts: Vec<GettableAlert>,
    /// What they have in common.
    #[serde(with = "wire::labels")]
    pub labels: Labels,
    /// Who is told.
    pub receiver: ReceiverView,
}

/// How the notifier is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    /// There is no cluster of notifiers: the hub is one.
    pub cluster: ClusterView,
    /// What it goes by.
    pub config: ConfigView,
    /// Since when it runs.
    #[serde(serialize_with = "millis")]
    pub uptime: Timestamp,
    /// Which version it is.
    pub version_info: VersionView,
}

/// The state of a cluster that there is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClusterView {
    /// `disabled`.
    pub status: &'static str,
    /// Nobody.
    pub peers: [(); 0],
}

/// The configuration as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigView {
    /// YAML, with its secrets blotted out.
    pub original: String,
}

/// Which version runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionView {
    /// The branch it was built from.
    pub branch: String,
    /// When it was built.
    pub build_date: String,
    /// By whom it was built.
    pub build_user: String,
    /// Empty: it is not written in Go.
    pub go_version: String,
    /// The commit it was built from.
    pub revision: String,
    /// The version.
    pub version: String,
}

/// Alerts that are not over, by fingerprint.
pub fn alerts(dispatcher: &Dispatcher, filter: &AlertFilter, now: Timestamp) -> Vec<GettableAlert> {
    let config = dispatcher.config();
    let inhibitor = dispatcher.inhibitor(now);
    let mut found = Vec::new();
    for alert in dispatcher.alerts().filter(|alert| !alert.is_resolved(now)) {
        let receivers = receivers_of(config, &alert.labels);
        let is_for = receivers
            .iter()
            .any(|receiver| filter.takes_receiver(&receiver.name));
        let muting = dispatcher.muting_by(&alert.labels, &inhibitor, now);
        if is_for && filter.takes(&alert.labels, &muting) {
            found.push(gettable(config, alert, &muting, receivers, now));
        }
    }
    found.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
    found
}

/// Groups with alerts that are not over, by receiver and labels.
pub fn alert_groups(
    dispatcher: &Dispatcher,
    filter: &AlertFilter,
    now: Timestamp,
) -> Vec<AlertGroupView> {
    let config = dispatcher.config();
    let inhibitor = dispatcher.inhibitor(now);
    let mut groups = Vec::new();
    for (id, members) in dispatcher.groups() {
        let Some(route) = dispatcher.route_of(id) else {
            continue;
        };
        let muted_by = muted_by(dispatcher, route, now);
        if !filter.takes_receiver(&route.receiver) || !(filter.muted || muted_by.is_empty()) {
            continue;
        }
        let mut alerts = Vec::new();
        let members = members.into_iter().filter_map(|f| dispatcher.alert(f));
        for alert in members.filter(|alert| !alert.is_resolved(now)) {
            let muting = dispatcher.muting_by(&alert.labels, &inhibitor, now);
            if !filter.takes(&alert.labels, &muting) {
                continue;
            }
            let receivers = receivers_of(config, &alert.labels);
            let mut view = gettable(config, alert, &muting, receivers, now);
            view.status.muted_by.clone_from(&muted_by);
            alerts.push(view);
        }
        if !alerts.is_empty() {
            alerts.sort_by(|a, b| a.labels.cmp(&b.labels));
            groups.push(AlertGroupView {
                alerts,
                labels: id.labels.clone(),
                receiver: ReceiverView {
                    name: Arc::clone(&route.receiver),
                },
            });
        }
    }
    groups.sort_by(|a, b| (&a.labels, &a.receiver.name).cmp(&(&b.labels, &b.receiver.name)));
    groups
}

/// All receivers, in the order written.
pub fn receivers(config: &Config) -> Vec<ReceiverView> {
    let names = config
        .receivers
        .iter()
        .map(|receiver| Arc::clone(&receiver.name));
    names.map(|name| ReceiverView { name }).collect()
}

/// How the notifier is; `since` is when it began.
pub fn status(config: &Config, since: Timestamp, version: VersionView) -> StatusView {
    StatusView {
        cluster: ClusterView {
            status: "disabled",
            peers: [],
        },
        config: ConfigView {
            original: config.redacted.clone(),
        },
        uptime: since,
        version_info: version,
    }
}

fn receivers_of(config: &Config, labels: &Labels) -> Vec<ReceiverView> {
    let mut routes: Vec<&Route> = Vec::new();
    config.route.matching(labels, &mut routes);
    let mut receivers: Vec<ReceiverView> = Vec::new();
    for route in routes {
        let name = Arc::clone(&route.receiver);
        let view = ReceiverView { name };
        if !receivers.contains(&view) {
            receivers.push(view);
        }
    }
    receivers
}

fn muted_by(dispatcher: &Dispatcher, route: &Route, now: Timestamp) -> Vec<String> {
    match dispatcher.muted_by_time(route, now) {
        None => Vec::new(),
        Some(Withheld::Muted(name)) => vec![name],
        Some(_) => route.active_time_intervals.clone(),
    }
}

fn gettable(
    config: &Config,
    alert: &Received,
    muting: &super::Muting,
    receivers: Vec<ReceiverView>,
    now: Timestamp,
) -> GettableAlert {
    let inhibited_by = muting.inhibited_by.iter().map(ToString::to_string);
    // Clients want an end: one that is not told yet is as far off as that of an alert that is repeated.
    let supposed = now.plus(config.global.resolve_timeout);
    GettableAlert {
        annotations: alert.annotations.clone(),
        ends_at: alert.ends_at.unwrap_or(supposed),
        fingerprint: alert.fingerprint().to_string(),
        receivers,
        starts_at: alert.starts_at,
        status: AlertStatusView {
            inhibited_by: inhibited_by.collect(),
            muted_by: Vec::new(),
            silenced_by: muting.silenced_by.clone(),
            state: if muting.is_muted() {
                "suppressed"
            } else {
                "active"
            },
        },
        updated_at: alert.updated_at,
        generator_url: Arc::clone(&alert.generator),
        labels: alert.labels.clone(),
    }
}

/// Milliseconds always, as the API's clients expect.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn millis<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    let text = crate::template::Time::utc(Some(*at)).format("2006-01-02T15:04:05.000Z07:00");
    to.serialize_str(&text)
}

/// Labels or annotations from outside.
mod pairs {
    use std::collections::BTreeMap;

    use portique_series::Labels;
    use serde::{Deserialize, Deserializer, de};

    /// Longest name or value; what is longer is refused before it is packed.
    const BYTES_MAX: usize = 64 * 1024;

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Labels, D::Error> {
        let pairs = BTreeMap::<String, String>::deserialize(from)?;
        let is_long = |(name, value): (&String, &String)| name.len().max(value.len()) > BYTES_MAX;
        if pairs.iter().any(is_long) {
            let problem = format!("a label or annotation is longer than {BYTES_MAX} bytes");
            return Err(de::Error::custom(problem));
        }
        Ok(Labels::from_pairs(pairs))
    }
}

/// Go's zero time and an empty text stand for no time.
mod go_time {
    use portique_clock::Timestamp;
    use serde::{Deserialize, Deserializer};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        match text.as_deref() {
            None | Some("") => Ok(None),
            Some(zero) if zero.starts_with("0001-01-01T00:00:00") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(serde::de::Error::custom),
        }
    }
}
