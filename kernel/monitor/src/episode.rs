//! One alert from its first sign to its end, with what people did about it.

use std::sync::Arc;

use portique_clock::Timestamp;
use portique_series::Labels;
use serde::{Deserialize, Serialize};

use crate::{Act, Alert, AlertState, Changed, Fingerprint, RuleId, Transition, wire};

/// An episode remembers this many entries and then lets the oldest go: an alert that flaps for a day must
/// not grow; all of them are in the facts.
pub const HISTORY_MAX: usize = 200;

/// What is durable of one alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// Whose alert it is.
    pub rule: RuleId,
    /// Who it is; of one rule there is one alert with these labels.
    #[serde(with = "wire::labels")]
    pub labels: Labels,
    /// The labels of the element that raised it, without the metric's name.
    #[serde(with = "wire::labels")]
    pub source: Labels,
    /// What to tell people.
    #[serde(with = "wire::labels")]
    pub annotations: Labels,
    /// How far it is.
    pub state: AlertState,
    /// Since when its condition holds.
    pub active_at: Timestamp,
    /// Since when it fires.
    pub fired_at: Option<Timestamp>,
    /// Since when its condition does not hold while it goes on firing.
    pub lingering_since: Option<Timestamp>,
    /// When it ended.
    pub resolved_at: Option<Timestamp>,
    /// The value when it was last true; NaN when its series ended.
    #[serde(with = "wire::number")]
    pub value: f64,
    /// Whether it is raised because its series ended.
    pub is_stale: bool,
    /// Who takes care of it; ends with the alert.
    pub acknowledged: Option<Acknowledgement>,
    /// Who it is given to; ends with the alert.
    pub assignee: Option<Arc<str>>,
    /// What happened, oldest first, at most [`HISTORY_MAX`].
    pub history: Vec<Entry>,
}

/// Who said that they take care of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Who.
    pub by: Arc<str>,
    /// When.
    pub at: Timestamp,
}

/// One line of an alert's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: EntryKind,
}

/// What a line of history is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// The alert went on.
    Changed {
        /// How.
        to: Transition,
        /// The value then.
        #[serde(with = "wire::number")]
        value: f64,
    },
    /// Somebody did something.
    Acted {
        /// Who.
        by: Arc<str>,
        /// What.
        act: Act,
    },
}

impl Episode {
    /// The first moment of an alert.
    pub(crate) fn begun(changed: &Changed) -> Self {
        Self {
            rule: changed.rule,
            labels: changed.labels.clone(),
            source: changed.source.clone(),
            annotations: changed.annotations.clone(),
            state: AlertState::Pending,
            active_at: changed.active_at,
            fired_at: None,
            lingering_since: None,
            resolved_at: None,
            value: changed.value,
            is_stale: changed.is_stale,
            acknowledged: None,
            assignee: None,
            history: Vec::new(),
        }
    }

    /// Whether its condition holds or it fires.
    pub fn is_active(&self) -> bool {
        self.state != AlertState::Resolved
    }

    /// [`Fingerprint::of`] its labels.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.labels)
    }

    /// As the notifier takes it; the book knows whether it is put aside.
    pub fn alert(&self, generator: &Arc<str>, shelved_until: Option<Timestamp>) -> Alert {
        Alert {
            labels: self.labels.clone(),
            annotations: self.annotations.clone(),
            starts_at: self.active_at,
            // A clock set back must not make the end come before the begin.
            ends_at: self.resolved_at.map(|end| end.max(self.active_at)),
            generator: Arc::clone(generator),
            fingerprint: self.fingerprint(),
            state: self.state,
            value: self.value,
            shelved_until,
        }
    }

    pub(crate) fn note(&mut self, at: Timestamp, what: EntryKind) {
        if self.history.len() == HISTORY_MAX {
            self.history.remove(0);
        }
        self.history.push(Entry { at, what });
    }
}
