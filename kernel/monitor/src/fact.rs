//! What has been decided about alerts, as it is kept; `docs/formats/alert-facts.md` has the format.

use std::sync::Arc;

use portique_clock::Timestamp;
use portique_series::Labels;
use serde::{Deserialize, Serialize};

use crate::{Episode, Error, Fingerprint, RuleId, Shelf, wire};

/// Something that happened to alerts. Applied in order to an empty [`Book`](crate::Book), facts make it
/// what it was; nothing else changes one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// An alert went on.
    Changed(Box<Changed>),
    /// Somebody did something about an alert.
    Acted(Acted),
    /// Rules were being evaluated at this time: what a restart takes for the last moment before it.
    Alive {
        /// When.
        at: Timestamp,
    },
    /// A whole alert, from a checkpoint.
    Kept(Box<Episode>),
    /// A whole shelf, from a checkpoint.
    Shelved(Shelf),
}

/// How an alert went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transition {
    /// Its condition holds, but not for long enough yet.
    Pending,
    /// It is raised.
    Firing,
    /// Its condition does not hold, but it goes on firing.
    Lingering,
    /// Its condition holds again before it was resolved.
    Recovered,
    /// It ended after it fired.
    Resolved,
    /// It ended before it fired.
    Dropped,
    /// Its begin was moved, because nobody was looking for a while.
    Postponed,
}

/// An alert after a transition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    /// Whose alert it is.
    pub rule: RuleId,
    /// When.
    pub at: Timestamp,
    /// How.
    pub to: Transition,
    /// Who it is.
    #[serde(with = "wire::labels")]
    pub labels: Labels,
    /// The labels of the element that raised it, without the metric's name.
    #[serde(with = "wire::labels")]
    pub source: Labels,
    /// What to tell people.
    #[serde(with = "wire::labels")]
    pub annotations: Labels,
    /// Since when its condition holds, or held.
    pub active_at: Timestamp,
    /// Its value when it was last true.
    #[serde(with = "wire::number")]
    pub value: f64,
    /// Whether it is raised because its series ended.
    pub is_stale: bool,
}

/// Somebody did something about an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acted {
    /// About which.
    pub alert: Fingerprint,
    /// Its labels.
    #[serde(with = "wire::labels")]
    pub labels: Labels,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Arc<str>,
    /// What.
    pub act: Act,
}

/// What somebody can do about an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// Takes care of it, until it ends.
    Acknowledge {
        /// Why or how; may be empty.
        comment: Arc<str>,
    },
    /// Takes care of it no more, and nobody else does.
    Unacknowledge,
    /// Says something about it.
    Comment {
        /// What.
        comment: Arc<str>,
    },
    /// Puts it aside: nobody is told of it until then, however often it comes and goes.
    Shelve {
        /// Until when.
        until: Timestamp,
        /// Why; may be empty.
        comment: Arc<str>,
    },
    /// Takes it from the shelf.
    Unshelve,
    /// Gives it to somebody, until it ends.
    Assign {
        /// To whom; nobody when absent.
        to: Option<Arc<str>>,
    },
}

/// The version that is written; others are refused.
const VERSION: u32 = 1;
/// A fact is at most this long: a full history of the longest comments fits, each letter escaped.
pub const FACT_BYTES_MAX: usize = 8 << 20;

#[derive(Serialize, Deserialize)]
struct Envelope<F> {
    v: u32,
    #[serde(flatten)]
    fact: F,
}

impl Fact {
    /// One JSON object, as it is kept.
    pub fn encode(&self) -> Vec<u8> {
        let envelope = Envelope {
            v: VERSION,
            fact: self,
        };
        serde_json::to_vec(&envelope).expect("facts have text keys only and no failing parts")
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`Error::BadFact`] when the bytes are too long, damaged, or of another version.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let bad = |reason: String| Error::BadFact { reason };
        if bytes.len() > FACT_BYTES_MAX {
            return Err(bad(format!("it has more than {FACT_BYTES_MAX} bytes")));
        }
        let envelope: Envelope<Self> =
            serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
        if envelope.v != VERSION {
            let found = envelope.v;
            return Err(bad(format!("it has version {found}, not {VERSION}")));
        }
        Ok(envelope.fact)
    }
}

#[cfg(test)]
mod tests;
