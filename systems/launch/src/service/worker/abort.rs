//! What the worker does about alerts: writes them down, and stops the count where an abort says so.

use super::Worker;
use crate::mission::{Actor, Entry, Fact, Mission, Request};
use crate::service::abort::{Aborted, Sign};

impl Worker {
    /// Writes an abort down whose orders are on their way, and does the part that is the count's.
    pub(super) async fn on_abort(&mut self, aborted: Aborted) {
        let commands = aborted.commands();
        let Aborted {
            sign,
            phase,
            t_s,
            orders,
            holds,
            scrubs,
            reason,
        } = aborted;
        for (_, module, _) in &orders {
            self.couriers.overtake(&sign.rocket, module);
        }
        let raised = self.is_open(&sign).is_some_and(|is_open| !is_open);
        let raised = raised.then(|| raised_by(&sign));
        let considered = Fact::AbortConsidered {
            module: sign.module.clone(),
            rule: sign.rule.clone(),
            phase,
            commands,
            reason,
        };
        let released = orders
            .into_iter()
            .map(|(id, module, order)| Fact::OrderReleased { id, module, order });
        let facts = raised.into_iter().chain([considered]).chain(released);
        let entries = Entry::all(&sign.rocket, &Actor::reflex(), t_s, facts);
        self.commit_or_log(&entries).await;
        let why = format!("{} on {}", sign.rule, sign.module);
        if holds {
            self.stop_count(&sign.rocket, why.clone()).await;
        }
        if scrubs {
            let scrub = Request::Scrub { reason: why };
            if let Err(error) = self.request(&sign.rocket, Actor::reflex(), &scrub).await {
                let error = portique_fault::chain(&error);
                tracing::warn!(rocket = %sign.rocket, error, "not scrubbed");
            }
        }
    }

    /// Writes down that an anomaly began or ended, once; whether that is settled.
    pub(super) async fn on_alert(&mut self, sign: Sign, is_raised: bool) -> bool {
        let fact = match (self.is_open(&sign), is_raised) {
            // An alert about another rocket of this name, or one that was removed.
            (None, _) | (Some(true), true) | (Some(false), false) => return true,
            (Some(false), true) => raised_by(&sign),
            (Some(true), false) => Fact::AnomalyCleared {
                module: sign.module,
                rule: sign.rule,
                alert: sign.alert,
            },
        };
        self.record(&sign.rocket, Actor::ground(), vec![fact]).await
    }

    /// Whether the anomaly is open; none without such a rocket.
    fn is_open(&self, sign: &Sign) -> Option<bool> {
        let look = |mission: &Mission| mission.has_anomaly(&sign.alert);
        self.shared.mission(&sign.rocket, look).ok()
    }
}

fn raised_by(sign: &Sign) -> Fact {
    Fact::AnomalyRaised {
        module: sign.module.clone(),
        rule: sign.rule.clone(),
        severity: sign.severity,
        value: sign.value,
        limit: sign.limit,
        alert: Some(sign.alert.clone()),
    }
}
