use std::time::Duration;

use crate::count::Action;
use crate::mission::{Fact, Mission, OrderStage, Outcome, Stage};
use crate::{Error, LinkKind, ModuleId};

/// How long a release waits for its engines, in wall time: at a fast clock, spooling up takes longer
/// than the count has.
const RELEASE_PATIENCE_S: f64 = 1.0;

impl Mission {
    /// What a restart of the hub leads to, once all facts were applied again.
    pub fn decide_restart(&self) -> Vec<Fact> {
        let unanswered = self
            .orders()
            .iter()
            .filter(|o| o.stage == OrderStage::Released);
        let mut facts: Vec<Fact> = unanswered
            .map(|order| Fact::OrderAnswered {
                id: order.id.clone(),
                module: order.module.clone(),
                stage: OrderStage::Failed,
                reason: Some("the hub stopped before the answer came".into()),
            })
            .collect();
        match self.stage() {
            Stage::Counting | Stage::Held if self.is_undone_by_restart() => {
                facts.push(Fact::CountRecycled {
                    reason: restarted(),
                });
            }
            Stage::Counting => facts.push(Fact::CountHeld {
                reason: restarted(),
            }),
            Stage::Flying if self.definition().link != LinkKind::Remote => {
                let reason = "the hub stopped in flight, and the vehicle's world with it".into();
                let outcome = Outcome::Failure;
                facts.push(Fact::FlightEnded { outcome, reason });
            }
            _ => {}
        }
        facts
    }

    /// What the next step of the count leads to, if its time has come; nothing also means a release
    /// that waits for its engines, so ask again soon. Releasing needs the engines'
    /// state, which is not a fact: the caller checks `is_ready_to_release` when the step is a release.
    pub fn decide_step(
        &self,
        now: Duration,
        is_ready_to_release: impl FnOnce() -> Result<(), String>,
    ) -> Vec<Fact> {
        let Some(count) = self.count() else {
            return Vec::new();
        };
        let Some(step) = count.due(now) else {
            return Vec::new();
        };
        let overdue_s = (count.t_s(now) - step.t_s) / count.rate();
        if self.stage() != Stage::Counting {
            return Vec::new();
        }
        let done = Fact::StepDone {
            step: step.name.clone(),
        };
        match step.action {
            Action::Hold => {
                vec![
                    done,
                    Fact::CountHeld {
                        reason: format!("planned hold: {}", step.name),
                    },
                ]
            }
            Action::FinalGo if !self.poll().is_some_and(|poll| poll.is_go()) => {
                vec![Fact::CountHeld {
                    reason: "final go: the poll does not stand at go".into(),
                }]
            }
            Action::Release => match is_ready_to_release() {
                Ok(()) => vec![done],
                Err(_) if overdue_s < RELEASE_PATIENCE_S => Vec::new(),
                Err(reason) => vec![Fact::CountRecycled { reason }],
            },
            _ => vec![done],
        }
    }

    pub(super) fn decide_start_count(&self) -> Result<Vec<Fact>, Error> {
        match self.stage() {
            Stage::Ready => {}
            Stage::Preparing | Stage::Polling | Stage::Scrubbed => {
                return Err(self
                    .not_now("the launch order needs a complete poll closed with go; poll first"));
            }
            stage => return Err(self.not_now(format!("it is {} already", stage.as_str()))),
        }
        self.check_in_reach()?;
        Ok(vec![Fact::CountStarted])
    }

    pub(super) fn decide_hold(&self, reason: &str) -> Result<Vec<Fact>, Error> {
        super::check_text("reason", reason)?;
        let reason = reason.to_owned();
        match (self.stage(), self.count()) {
            (Stage::Counting, Some(count)) if count.is_past_engine_start() => {
                Ok(vec![Fact::CountRecycled { reason }])
            }
            (Stage::Counting, Some(_)) => Ok(vec![Fact::CountHeld { reason }]),
            (Stage::Held, _) => Err(self.not_now("the count is held already")),
            (stage, _) => Err(self.not_now(format!("no count to hold while {}", stage.as_str()))),
        }
    }

    pub(super) fn decide_resume(&self) -> Result<Vec<Fact>, Error> {
        match self.stage() {
            Stage::Held => {
                self.check_in_reach()?;
                Ok(vec![Fact::CountResumed])
            }
            stage => Err(self.not_now(format!("nothing to resume while {}", stage.as_str()))),
        }
    }

    pub(super) fn decide_scrub(&self, reason: &str) -> Result<Vec<Fact>, Error> {
        super::check_text("reason", reason)?;
        match self.stage() {
            Stage::Polling | Stage::Ready | Stage::Counting | Stage::Held => {
                Ok(vec![Fact::Scrubbed {
                    reason: reason.into(),
                }])
            }
            Stage::Flying => Err(self.not_now("it has lifted off: order a module destroyed")),
            stage => Err(self.not_now(format!("nothing to scrub while {}", stage.as_str()))),
        }
    }

    /// Whether what the count has done so far is gone with the hub: engines that ran, or a simulated
    /// vehicle's power, whose world and computers are new.
    fn is_undone_by_restart(&self) -> bool {
        let is_simulated = self.definition().link == LinkKind::Simulated;
        self.count().is_some_and(|count| {
            count.is_past_engine_start() || (is_simulated && count.has_armed())
        })
    }

    fn check_in_reach(&self) -> Result<(), Error> {
        if self.required_modules().is_empty() {
            return Err(self.not_now("no module has attached yet"));
        }
        let missing = self.out_of_reach();
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<&str> = missing.iter().map(ModuleId::as_str).collect();
        Err(self.not_now(format!("modules out of reach: {}", missing.join(", "))))
    }
}

fn restarted() -> String {
    "the hub restarted in mid-count; check, then resume".into()
}
