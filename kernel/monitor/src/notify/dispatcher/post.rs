//! What comes in: alerts, what became of notifications, another configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use portique_clock::Timestamp;

use super::{ALERTS_MAX, Dispatcher};
use crate::notify::alert::{Posted, Received};
use crate::notify::config::Config;
use crate::notify::fact::{Fact, Outcome};

/// Most bytes of labels and annotations in one fact, unless one alert alone has more.
const FACT_TEXT_BYTES: usize = 128 * 1024;

/// What becomes of posted alerts.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    /// To be kept and applied in order.
    pub facts: Vec<Fact>,
    /// Places of those that are refused, with what is wrong.
    pub refused: Vec<(usize, String)>,
}

impl Dispatcher {
    /// Takes alerts in; those that are wrong are refused alone.
    pub fn post(&self, posted: &[Posted], now: Timestamp) -> Receipt {
        let timeout = self.config.global.resolve_timeout;
        let mut refused = Vec::new();
        let mut taken: BTreeMap<_, Received> = BTreeMap::new();
        for (place, alert) in posted.iter().enumerate() {
            let received = match Received::now(alert, now, timeout) {
                Ok(received) => received,
                Err(problem) => {
                    refused.push((place, problem));
                    continue;
                }
            };
            let fingerprint = received.fingerprint();
            let known = taken
                .get(&fingerprint)
                .or_else(|| self.state.alerts.get(&fingerprint));
            if known.is_some_and(|known| known.is_own && !known.is_resolved(now)) && !alert.is_own()
            {
                // Or whoever posts would end what a rule sees, or write into what a system acts on.
                refused.push((
                    place,
                    "a rule of this hub raises it, and tells of it itself: give it other labels"
                        .into(),
                ));
                continue;
            }
            let is_new = known.is_none();
            if is_new && self.state.alerts.len() + taken.len() >= ALERTS_MAX {
                refused.push((
                    place,
                    format!("there are {ALERTS_MAX} alerts already: group them in rules"),
                ));
                continue;
            }
            let merged = match known {
                Some(known) => received.after(known, now),
                None => received,
            };
            taken.insert(fingerprint, merged);
        }
        let facts = received_facts(taken.into_values(), now);
        Receipt { facts, refused }
    }

    /// The fact of what became of a notification; none when it is not in flight, as when it was told before.
    pub fn settle(&self, id: u64, outcome: Outcome, now: Timestamp) -> Option<Fact> {
        let is_known = self.state.in_flight.contains_key(&id);
        is_known.then_some(Fact::Settled {
            id,
            at: now,
            outcome,
        })
    }

    /// Goes by another configuration, and forms the groups anew by it: the timers begin again, and what was
    /// said is not said twice.
    pub fn configure(&mut self, config: Arc<Config>, now: Timestamp) -> Fact {
        self.config = config;
        self.configured(now, None)
    }

    /// To be called after a start, when all kept facts are applied: what is to be done since the
    /// configuration changed while the dispatcher was down, or since it starts for the first time.
    pub fn resume(&self, now: Timestamp) -> Option<Fact> {
        let delay = self.options.start_delay;
        let not_before = (!delay.is_zero()).then(|| now.plus(delay));
        match self.state.configured {
            Some((_, hash)) if hash == hash_of(&self.config) && delay.is_zero() => None,
            _ => Some(self.configured(now, not_before)),
        }
    }

    fn configured(&self, at: Timestamp, not_before: Option<Timestamp>) -> Fact {
        Fact::Configured {
            at,
            hash: hash_of(&self.config),
            not_before,
        }
    }
}

fn received_facts(alerts: impl Iterator<Item = Received>, at: Timestamp) -> Vec<Fact> {
    let mut facts = Vec::new();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for alert in alerts {
        let own = alert.labels.packed_bytes() + alert.annotations.packed_bytes();
        if bytes + own > FACT_TEXT_BYTES && !batch.is_empty() {
            let alerts = std::mem::take(&mut batch);
            facts.push(Fact::Received { at, alerts });
            bytes = 0;
        }
        bytes += own;
        batch.push(alert);
    }
    if !batch.is_empty() {
        facts.push(Fact::Received { at, alerts: batch });
    }
    facts
}

/// What a configuration is known by (FNV-1a): a change of secrets alone is none.
fn hash_of(config: &Config) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let bytes = config.redacted.bytes();
    bytes.fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    })
}
