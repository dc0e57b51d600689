use portique_flight::EventKind;

use crate::LinkKind;
use crate::mission::{Mission, Outcome, Stage};

impl Mission {
    /// How the flight ended, if what happened so far ends it.
    pub fn verdict(&self) -> Option<(Outcome, String)> {
        if self.stage != Stage::Flying {
            return None;
        }
        let is_over = |name: &str| {
            self.modules.iter().any(|(module, state)| {
                let gone = [EventKind::Landed, EventKind::Destroyed, EventKind::Lost];
                module.as_str() == name
                    && (state.has_ended || gone.iter().any(|kind| state.events.contains(kind)))
            })
        };
        let happened = |kind| {
            self.modules
                .values()
                .any(|state| state.events.contains(&kind))
        };
        match self.definition.link {
            LinkKind::Simulated => {
                let is_delivered = happened(EventKind::PayloadSeparation);
                let is_payload_over = is_delivered || is_over("payload") || is_over("stage2");
                if !is_over("booster") || !is_payload_over {
                    return None;
                }
                Some(match (is_delivered, happened(EventKind::Landed)) {
                    (true, true) => (Outcome::Success, "payload delivered, booster landed".into()),
                    (true, false) => (
                        Outcome::Partial,
                        "payload delivered, booster not landed".into(),
                    ),
                    (false, _) => (Outcome::Failure, "payload not delivered".into()),
                })
            }
            LinkKind::Replayed { .. } => {
                self.modules.values().any(|state| state.has_ended).then(|| {
                    (
                        Outcome::Replayed,
                        "the recording was played to its end".into(),
                    )
                })
            }
            LinkKind::Remote => {
                let is_all_over =
                    !self.modules.is_empty() && self.modules.values().all(|state| state.has_ended);
                is_all_over.then(|| {
                    let is_delivered = happened(EventKind::PayloadSeparation);
                    let outcome = if is_delivered {
                        Outcome::Partial
                    } else {
                        Outcome::Failure
                    };
                    (outcome, "every module's telemetry ended".into())
                })
            }
        }
    }
}
