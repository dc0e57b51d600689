//! Anomalies that are open: raised and not cleared.

use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ModuleId;
use crate::mission::{Entry, Fact, Mission, Severity};

/// Open anomalies kept per mission; of more, the oldest are forgotten.
const ANOMALIES_MAX: usize = 200;

/// A rule that is violated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Anomaly {
    /// On which module.
    pub module: ModuleId,
    /// Which rule.
    pub rule: String,
    /// How bad.
    pub severity: Severity,
    /// The value that passed, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The limit it passed, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// Since when, on the wall.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Since when, in seconds from T-0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub t_s: Option<f64>,
}

impl Mission {
    /// What is wrong now, by the alert behind it.
    pub fn anomalies(&self) -> impl Iterator<Item = (&str, &Anomaly)> {
        self.anomalies
            .iter()
            .map(|(alert, anomaly)| (alert.as_str(), anomaly))
    }

    /// Whether the anomaly behind this alert is open.
    pub fn has_anomaly(&self, alert: &str) -> bool {
        self.anomalies.contains_key(alert)
    }

    pub(super) fn apply_anomaly(&mut self, entry: &Entry, at: Timestamp) {
        match &entry.fact {
            Fact::AnomalyRaised {
                module,
                rule,
                severity,
                value,
                limit,
                alert: Some(alert),
            } => {
                let anomaly = Anomaly {
                    module: module.clone(),
                    rule: rule.clone(),
                    severity: *severity,
                    value: *value,
                    limit: *limit,
                    at,
                    t_s: entry.t_s,
                };
                if self.anomalies.len() == ANOMALIES_MAX {
                    let oldest = self.anomalies.iter().min_by_key(|(_, anomaly)| anomaly.at);
                    let oldest = oldest.map(|(alert, _)| alert.clone());
                    oldest.and_then(|alert| self.anomalies.remove(&alert));
                }
                self.anomalies.insert(alert.clone(), anomaly);
            }
            Fact::AnomalyCleared { alert, .. } => {
                self.anomalies.remove(alert);
            }
            _ => {}
        }
    }
}
