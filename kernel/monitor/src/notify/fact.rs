//! What has been decided about notifications, as it is kept; `docs/formats/notification-facts.md` has the
//! format.

use std::collections::BTreeSet;
use std::sync::Arc;

use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};

use super::Error;
use super::alert::Received;
use super::group::{GroupId, Member};
use super::log::{LogEntry, LogKey, Reason};
use super::silence::Silence;
use crate::Fingerprint;

/// Something that happened. Applied in order to an empty [`Dispatcher`](super::Dispatcher), facts make
/// it what it was; nothing else changes one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// Somebody told of alerts; they are as they are held from now on.
    Received {
        /// When.
        at: Timestamp,
        /// Which.
        alerts: Vec<Received>,
    },
    /// It was decided to tell somebody, or that they need not be told but the log goes on.
    Notified(Box<Notified>),
    /// A group was looked at.
    Flushed {
        /// When.
        at: Timestamp,
        /// Which.
        group: GroupId,
        /// When it is looked at again; never, when nothing was left in it.
        next: Option<Timestamp>,
        /// Which of its alerts were over.
        resolved: BTreeSet<Fingerprint>,
        /// Whether somebody could not be told, because the telling before was not settled.
        is_blocked: bool,
    },
    /// What became of a notification.
    Settled {
        /// Which.
        id: u64,
        /// When.
        at: Timestamp,
        /// What.
        outcome: Outcome,
    },
    /// A silence is as it says from now on.
    Silenced(Box<Silence>),
    /// The owner of a silence was told of its end.
    Noticed {
        /// Which.
        silence: String,
    },
    /// The configuration is another one, or the notifier began: groups are formed anew.
    Configured {
        /// When.
        at: Timestamp,
        /// What the configuration is known by.
        hash: u64,
        /// Until when nobody is told of anything, so that senders can tell of their alerts first.
        not_before: Option<Timestamp>,
    },
    /// What is old was let go.
    Swept {
        /// When.
        at: Timestamp,
    },
    /// Alerts as they were held, from a checkpoint.
    KeptAlerts {
        /// Which.
        alerts: Vec<Received>,
    },
    /// A whole group, from a checkpoint.
    KeptGroup(Box<KeptGroup>),
    /// What was last said to somebody, from a checkpoint.
    KeptLog {
        /// To whom.
        key: LogKey,
        /// What.
        entry: LogEntry,
    },
    /// What went wrong last in telling somebody, from a checkpoint.
    KeptTrouble {
        /// Whom.
        key: LogKey,
        /// When.
        at: Timestamp,
        /// What.
        reason: Arc<str>,
    },
    /// The number of the next notification, from a checkpoint.
    KeptNext {
        /// The number.
        id: u64,
    },
}

/// It was decided to tell somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notified {
    /// Its number: rising, never used again.
    pub id: u64,
    /// When the group was looked at.
    pub at: Timestamp,
    /// Whom, of what.
    pub key: LogKey,
    /// Why.
    pub reason: Reason,
    /// Which alerts fire.
    pub firing: BTreeSet<Fingerprint>,
    /// Which are resolved.
    pub resolved: BTreeSet<Fingerprint>,
    /// Which are muted now, of which it was said that they fire.
    pub owed: BTreeSet<Fingerprint>,
    /// Until when the log remembers it.
    pub expires_at: Timestamp,
    /// Whether a message is sent; otherwise only the log goes on, since ends are not sent there.
    pub is_sent: bool,
}

/// What became of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It arrived.
    Delivered,
    /// It was given up.
    Failed {
        /// Why.
        reason: Arc<str>,
    },
}

/// A whole group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptGroup {
    pub(super) group: GroupId,
    pub(super) next: Timestamp,
    pub(super) has_flushed: bool,
    pub(super) is_blocked: bool,
    pub(super) empty_since: Option<Timestamp>,
    pub(super) members: Vec<(Fingerprint, Member)>,
}

/// The version that is written; others are refused.
const VERSION: u32 = 1;
/// A fact is at most this long: it is kept as the data of one event.
pub const FACT_BYTES_MAX: usize = portique_event::DATA_BYTES_MAX;

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
mod tests {
    use portique_clock::Seeded;
    use portique_event::{Event, EventId, Subject};
    use portique_series::Labels;

    use super::*;
    use crate::notify::ALERTS_MAX;

    /// A fact of so many bytes.
    fn long(bytes: usize) -> Fact {
        let noticed = |letters: usize| Fact::Noticed {
            silence: "x".repeat(letters),
        };
        noticed(bytes - noticed(0).encode().len())
    }

    /// As it is kept.
    fn event(fact: &Fact) -> Result<Event, portique_event::Error> {
        let value: serde_json::Value = serde_json::from_slice(&fact.encode()).unwrap();
        let id = EventId::generate(Timestamp::EPOCH, &mut Seeded::new(1));
        let subject = Subject::new("monitor.notifications.noticed").unwrap();
        Event::builder(id, "/monitor", "portique.monitor.noticed", subject)
            .json(value)
            .build()
    }

    #[test]
    fn what_can_be_read_back_is_what_an_event_can_carry() {
        let longest = long(FACT_BYTES_MAX);
        assert_eq!(longest.encode().len(), FACT_BYTES_MAX);
        assert_eq!(Fact::decode(&longest.encode()).unwrap(), longest);
        event(&longest).unwrap();
        let too_long = long(FACT_BYTES_MAX + 1);
        assert!(Fact::decode(&too_long.encode()).is_err());
        assert!(event(&too_long).is_err());
    }

    #[test]
    fn a_group_of_all_alerts_that_there_can_be_is_one_fact() {
        let all = (0..ALERTS_MAX as u64).map(|n| Fingerprint(u64::MAX - n));
        let group = GroupId {
            route: "{}".into(),
            labels: Labels::from_pairs([("alertname", "x".repeat(1024).as_str())]),
        };
        let kept = Fact::KeptGroup(Box::new(KeptGroup {
            group,
            next: Timestamp::EPOCH,
            has_flushed: true,
            is_blocked: false,
            empty_since: None,
            members: all.map(|one| (one, Member { is_done: false })).collect(),
        }));
        assert_eq!(Fact::decode(&kept.encode()).unwrap(), kept);
    }
}
