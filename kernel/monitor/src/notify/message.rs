//! What is told of a group: the data of templates, and the JSON of webhooks.

use std::collections::BTreeMap;
use std::sync::Arc;

use portique_clock::Timestamp;
use portique_series::Labels;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::alert::Received;
use super::group::GroupId;
use crate::template::{Time, Value};
use crate::wire;

/// How Go writes a time that is not set.
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

/// Alerts of a group at one moment. Its JSON is version 4 of Alertmanager's webhook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Who is told.
    pub receiver: Arc<str>,
    /// `firing` while one of them fires, otherwise `resolved`.
    pub status: AlertStatus,
    /// The alerts, by job, instance and then all labels.
    pub alerts: Vec<MessageAlert>,
    /// What they were grouped by.
    #[serde(with = "wire::labels")]
    pub group_labels: Labels,
    /// The labels that all have with the same value.
    #[serde(with = "wire::labels")]
    pub common_labels: Labels,
    /// The annotations that all have with the same value.
    #[serde(with = "wire::labels")]
    pub common_annotations: Labels,
    /// Where people find this server.
    #[serde(rename = "externalURL")]
    pub external_url: String,
    /// Of this format.
    pub version: String,
    /// The group's key.
    pub group_key: String,
    /// How many alerts were left out.
    pub truncated_alerts: usize,
}

/// Whether an alert fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertStatus {
    /// It fires.
    Firing,
    /// It is over.
    Resolved,
}

impl AlertStatus {
    /// As messages write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// An alert in a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageAlert {
    /// Whether it fires.
    pub status: AlertStatus,
    /// Who it is.
    #[serde(with = "wire::labels")]
    pub labels: Labels,
    /// What to tell people.
    #[serde(with = "wire::labels")]
    pub annotations: Labels,
    /// Since when.
    pub starts_at: Timestamp,
    /// When it ended; while it fires there is none.
    #[serde(serialize_with = "write_end", deserialize_with = "read_end")]
    pub ends_at: Option<Timestamp>,
    /// Where it comes from.
    #[serde(rename = "generatorURL")]
    pub generator_url: Arc<str>,
    /// Its fingerprint.
    pub fingerprint: String,
}

#[expect(clippy::ref_option, reason = "serde's signature")]
fn write_end<S: Serializer>(end: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
    match end {
        Some(end) => end.serialize(to),
        None => to.serialize_str(ZERO_TIME),
    }
}

fn read_end<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let text = String::deserialize(from)?;
    match text.as_str() {
        ZERO_TIME => Ok(None),
        text => text.parse().map(Some).map_err(serde::de::Error::custom),
    }
}

impl MessageAlert {
    pub(super) fn of(alert: &Received, now: Timestamp) -> Self {
        let is_over = alert.is_resolved(now);
        Self {
            status: match is_over {
                true => AlertStatus::Resolved,
                false => AlertStatus::Firing,
            },
            labels: alert.labels.clone(),
            annotations: alert.annotations.clone(),
            starts_at: alert.starts_at,
            ends_at: alert.ends_at.filter(|_| is_over),
            generator_url: Arc::clone(&alert.generator),
            fingerprint: alert.fingerprint().to_string(),
        }
    }

    fn order(&self) -> (&str, &str, &Labels) {
        let label = |name: &str| self.labels.get(name).unwrap_or("");
        (label("job"), label("instance"), &self.labels)
    }

    fn value(&self) -> Value {
        let time = |at: Option<Timestamp>| Value::Time(Time::utc(at));
        Value::record(
            "alert",
            [
                ("Status", Value::text(self.status.as_str())),
                ("Labels", Value::kv(&self.labels)),
                ("Annotations", Value::kv(&self.annotations)),
                ("StartsAt", time(Some(self.starts_at))),
                ("EndsAt", time(self.ends_at)),
                ("GeneratorURL", Value::text(&self.generator_url)),
                ("Fingerprint", Value::text(&self.fingerprint)),
            ],
        )
    }
}

impl Message {
    /// The message about a group's alerts.
    pub fn new(
        receiver: &Arc<str>,
        group: &GroupId,
        mut alerts: Vec<MessageAlert>,
        external_url: &str,
    ) -> Self {
        alerts.sort_by(|a, b| a.order().cmp(&b.order()));
        let fires = alerts
            .iter()
            .any(|alert| alert.status == AlertStatus::Firing);
        Self {
            receiver: Arc::clone(receiver),
            status: match fires {
                true => AlertStatus::Firing,
                false => AlertStatus::Resolved,
            },
            group_labels: group.labels.clone(),
            common_labels: common(alerts.iter().map(|alert| &alert.labels)),
            common_annotations: common(alerts.iter().map(|alert| &alert.annotations)),
            alerts,
            external_url: external_url.to_owned(),
            version: "4".to_owned(),
            group_key: group.to_string(),
            truncated_alerts: 0,
        }
    }

    /// Leaves out alerts beyond so many; 0 is no limit.
    #[must_use]
    pub fn truncated(mut self, max_alerts: usize) -> Self {
        let is_over = max_alerts > 0 && self.alerts.len() > max_alerts;
        if is_over {
            self.truncated_alerts += self.alerts.len() - max_alerts;
            self.alerts.truncate(max_alerts);
        }
        self
    }

    /// What templates see as their dot.
    pub fn value(&self) -> Value {
        let alerts = self.alerts.iter().map(MessageAlert::value).collect();
        Value::record(
            "notification",
            [
                ("Receiver", Value::text(&self.receiver)),
                ("Status", Value::text(self.status.as_str())),
                ("Alerts", Value::Alerts(alerts)),
                ("GroupLabels", Value::kv(&self.group_labels)),
                ("CommonLabels", Value::kv(&self.common_labels)),
                ("CommonAnnotations", Value::kv(&self.common_annotations)),
                ("ExternalURL", Value::text(&self.external_url)),
                ("GroupKey", Value::text(&self.group_key)),
                ("TruncatedAlerts", count(self.truncated_alerts)),
            ],
        )
    }
}

fn count(number: usize) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// The pairs that all sets have.
fn common<'a>(mut sets: impl Iterator<Item = &'a Labels>) -> Labels {
    let Some(first) = sets.next() else {
        return Labels::empty();
    };
    let mut pairs: BTreeMap<&str, &str> = first.iter().collect();
    for set in sets {
        pairs.retain(|name, value| set.get(name) == Some(*value));
    }
    Labels::from_pairs(pairs)
}
