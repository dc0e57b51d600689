//! The whole state as facts.

use std::sync::Arc;

use super::Dispatcher;
use crate::notify::fact::{Fact, KeptGroup};

/// Alerts in one fact of a checkpoint: with the largest texts, a fact stays within its limit.
const ALERTS_AT_ONCE: usize = 1;

impl Dispatcher {
    /// Facts that make an empty dispatcher this one: after them, older facts can go.
    pub fn checkpoint(&self) -> Vec<Fact> {
        let state = &self.state;
        let mut facts = Vec::new();
        if let Some((at, hash)) = state.configured {
            let not_before = state.not_before;
            facts.push(Fact::Configured {
                at,
                hash,
                not_before,
            });
        }
        facts.extend(state.swept_at.map(|at| Fact::Swept { at }));
        let alerts: Vec<_> = state.alerts.values().cloned().collect();
        let alerts = alerts.chunks(ALERTS_AT_ONCE);
        facts.extend(alerts.map(|alerts| Fact::KeptAlerts {
            alerts: alerts.to_vec(),
        }));
        facts.extend(state.groups.iter().map(|(id, group)| {
            Fact::KeptGroup(Box::new(KeptGroup {
                group: id.clone(),
                next: group.next,
                has_flushed: group.has_flushed,
                is_blocked: group.is_blocked,
                empty_since: group.empty_since,
                members: group.members.iter().map(|(f, m)| (*f, *m)).collect(),
            }))
        }));
        let silences = state.silences.values();
        facts.extend(silences.map(|silence| Fact::Silenced(Box::new(silence.clone()))));
        facts.extend(state.log.iter().map(|(key, entry)| Fact::KeptLog {
            key: key.clone(),
            entry: entry.clone(),
        }));
        facts.extend(
            state
                .trouble
                .iter()
                .map(|(key, (at, reason))| Fact::KeptTrouble {
                    key: key.clone(),
                    at: *at,
                    reason: Arc::clone(reason),
                }),
        );
        let in_flight = state.in_flight.values();
        facts.extend(in_flight.map(|notified| Fact::Notified(Box::new(notified.clone()))));
        facts.push(Fact::KeptNext { id: state.next_id });
        facts
    }
}
