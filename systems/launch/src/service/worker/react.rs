//! What the worker does with an input.

use portique_flight::EventKind;

use super::Worker;
use crate::limits::Violation;
use crate::mission::{
    Actor, Entry, Fact, Mission, ModuleState, Now, OrderRecord, OrderStage, Request, Stage,
};
use crate::service::inputs::Input;
use crate::{Error, FlightEvent, ModuleId, Order, RocketId};

/// When an event can be, in seconds from T-0: within a count's longest start and a long mission.
const T_S_RANGE: std::ops::RangeInclusive<f64> = -1e6..=1e8;

impl Worker {
    pub(super) async fn request(
        &mut self,
        rocket: &RocketId,
        actor: Actor,
        request: &Request,
    ) -> Result<(), Error> {
        let now = Now {
            wall: self.clock.now(),
            monotonic: self.clock.monotonic(),
        };
        let (facts, t_s) = self.shared.mission(rocket, |mission| {
            mission
                .decide(request, now)
                .map(|facts| (facts, self.shared.t_s(mission)))
        })??;
        if facts
            .iter()
            .any(|fact| matches!(fact, Fact::PollOpened { .. }))
        {
            self.check_pad(rocket)?;
        }
        let actor = match request {
            Request::Vote { station, .. } => Actor::from(station),
            _ => actor,
        };
        let entries = Entry::all(rocket, &actor, t_s, facts);
        self.commit(&entries).await
    }

    /// A pad carries one rocket at a time, from its poll to its lift-off.
    fn check_pad(&self, rocket: &RocketId) -> Result<(), Error> {
        let pad = self
            .shared
            .mission(rocket, |mission| mission.definition().pad.clone())?;
        let holder = self.shared.missions(|missions| {
            let mut others = missions
                .values()
                .filter(|mission| mission.rocket() != rocket);
            others
                .find(|mission| mission.holds_pad() && mission.definition().pad == pad)
                .map(|mission| (mission.rocket().clone(), mission.stage()))
        });
        match holder {
            None => Ok(()),
            Some((holder, stage)) => Err(Error::Conflict {
                what: "pad",
                name: pad.to_string(),
                problem: format!("is held by rocket {holder}, which is {}", stage.as_str()),
            }),
        }
    }

    pub(super) async fn react(&mut self, input: Input) {
        match input {
            Input::Flight {
                rocket,
                actor,
                module,
                event,
            } => {
                self.on_flight(&rocket, actor, module, event).await;
            }
            Input::Up { rocket, module } => self.on_up(&rocket, module).await,
            Input::Down {
                rocket,
                module,
                reason,
            } => {
                self.on_down(&rocket, module, reason).await;
            }
            Input::Ended {
                rocket,
                module,
                reason,
            } => {
                self.on_ended(&rocket, module, reason).await;
            }
            Input::Violated {
                rocket,
                module,
                violation,
                t_s,
                id,
            } => {
                self.on_violation(rocket, module, violation, t_s, id).await;
            }
            Input::Answered {
                rocket,
                module,
                id,
                stage,
                reason,
            } => {
                self.on_answer(&rocket, module, id, stage, reason).await;
            }
            Input::Aborted(aborted) => self.on_abort(*aborted).await,
            Input::AbortDone {
                sign,
                commands,
                took_ms,
            } => {
                let fact = Fact::AbortExecuted {
                    module: sign.module,
                    rule: sign.rule,
                    commands,
                    took_ms,
                };
                self.record(&sign.rocket, Actor::reflex(), vec![fact]).await;
            }
            Input::Alert {
                sign,
                is_raised,
                settled,
            } => {
                let is_settled = self.on_alert(sign, is_raised).await;
                // Who asks again hears the same.
                let _ = settled.send(is_settled);
            }
            Input::Add { .. } | Input::Request { .. } => {}
        }
    }

    async fn on_down(&mut self, rocket: &RocketId, module: ModuleId, reason: String) {
        if !self.module(rocket, &module, |state| state.is_up) {
            return;
        }
        let fact = Fact::LinkDown {
            module: module.clone(),
            reason,
        };
        self.record(rocket, Actor::ground(), vec![fact]).await;
        self.on_loss(rocket, &module, "out of reach").await;
    }

    async fn on_ended(&mut self, rocket: &RocketId, module: ModuleId, reason: String) {
        if !self.module(rocket, &module, |state| state.has_ended) {
            let fact = Fact::TelemetryEnded {
                module: module.clone(),
                reason,
            };
            self.record(rocket, Actor::ground(), vec![fact]).await;
            self.on_loss(rocket, &module, "gone").await;
        }
        self.conclude(rocket).await;
    }

    async fn on_up(&mut self, rocket: &RocketId, module: ModuleId) {
        if self.module(rocket, &module, |state| state.is_up) {
            return;
        }
        let fact = Fact::LinkUp {
            module: module.clone(),
        };
        self.record(rocket, Actor::ground(), vec![fact]).await;
        // A safing that the module did not hear, because it or the hub was away, is said again.
        let missed_safing = self.shared.mission(rocket, |mission| {
            let is_on_pad = !matches!(mission.stage(), Stage::Counting | Stage::Flying);
            let mut orders = mission
                .orders()
                .iter()
                .rev()
                .filter(|order| order.module == module);
            is_on_pad
                && orders.next().is_some_and(|order| {
                    order.order == Order::Safe && order.stage == OrderStage::Failed
                })
        });
        if missed_safing.unwrap_or(false) {
            self.order_from_count(rocket, vec![module], &Order::Safe)
                .await;
        }
    }

    /// A part that the flight needs is lost: a count that runs is stopped.
    async fn on_loss(&mut self, rocket: &RocketId, module: &ModuleId, what: &str) {
        let is_needed = self
            .shared
            .mission(rocket, |mission| mission.requires(module));
        if is_needed.unwrap_or(false) {
            self.stop_count(rocket, format!("module {module} is {what}"))
                .await;
        }
    }

    fn module(
        &self,
        rocket: &RocketId,
        module: &ModuleId,
        is_so: impl FnOnce(&ModuleState) -> bool,
    ) -> bool {
        let look = |mission: &Mission| mission.modules().get(module).is_some_and(is_so);
        self.shared.mission(rocket, look).unwrap_or(false)
    }

    async fn on_violation(
        &mut self,
        rocket: RocketId,
        module: ModuleId,
        violation: Violation,
        t_s: f64,
        id: Option<String>,
    ) {
        let raised = Fact::AnomalyRaised {
            module: module.clone(),
            rule: violation.rule.into(),
            severity: violation.severity,
            value: Some(violation.value),
            limit: Some(violation.limit),
            alert: None,
        };
        let ordered = id.map(|id| Fact::OrderReleased {
            id,
            module,
            order: Order::Destroy,
        });
        let facts = std::iter::once(raised).chain(ordered);
        let entries = Entry::all(&rocket, &Actor::reflex(), Some(t_s), facts);
        self.commit_or_log(&entries).await;
    }

    async fn on_flight(
        &mut self,
        rocket: &RocketId,
        actor: Actor,
        module: ModuleId,
        event: FlightEvent,
    ) {
        if !T_S_RANGE.contains(&event.t_s) {
            tracing::warn!(%rocket, %module, t_s = event.t_s, "an event out of all time is left out");
            return;
        }
        let order = self.shared.mission(rocket, |mission| {
            if mission.has_happened(&module, event.kind) || !mission.accepts_module(&module) {
                return None;
            }
            let mut ordered = mission.orders().iter().rev();
            let cause = ordered.find(|record| {
                record.stage <= OrderStage::Accepted && completes(record, &module, event.kind)
            });
            Some(cause.cloned())
        });
        let Ok(Some(order)) = order else { return };
        let fact = Fact::Flight {
            module: module.clone(),
            event: event.kind,
            values: event.values,
        };
        let by = order.as_ref().map_or(actor, |record| record.actor.clone());
        let t_s = Some(event.t_s);
        let mut entries = vec![Entry {
            rocket: rocket.clone(),
            actor: by,
            t_s,
            fact,
        }];
        if let Some(OrderRecord {
            id, module, actor, ..
        }) = order
        {
            let (stage, reason) = (OrderStage::Completed, None);
            let fact = Fact::OrderAnswered {
                id,
                module,
                stage,
                reason,
            };
            entries.push(Entry {
                rocket: rocket.clone(),
                actor,
                t_s,
                fact,
            });
        }
        self.commit_or_log(&entries).await;
        if matches!(
            event.kind,
            EventKind::Destroyed | EventKind::Lost | EventKind::EngineOut
        ) {
            self.on_loss(rocket, &module, event.kind.as_str()).await;
        }
        self.conclude(rocket).await;
    }

    async fn on_answer(
        &mut self,
        rocket: &RocketId,
        module: ModuleId,
        id: String,
        stage: OrderStage,
        reason: Option<String>,
    ) {
        let known = self.shared.mission(rocket, |mission| {
            mission
                .orders()
                .iter()
                .find(|record| record.id == id)
                .cloned()
        });
        let Ok(Some(record)) = known else { return };
        if record.stage == OrderStage::Completed {
            return;
        }
        let actor = Actor::from(&module);
        let fact = Fact::OrderAnswered {
            id,
            module: module.clone(),
            stage,
            reason: reason.clone(),
        };
        self.record(rocket, actor, vec![fact]).await;
        let went_wrong = matches!(stage, OrderStage::Refused | OrderStage::Failed);
        if went_wrong && record.actor == Actor::count() && record.order != Order::Safe {
            let reason = reason.unwrap_or_else(|| "no answer".into());
            let why = format!("{module} did not do {}: {reason}", record.order.name());
            self.stop_count(rocket, why).await;
        }
    }

    /// Ends the flight when what happened ends it.
    async fn conclude(&mut self, rocket: &RocketId) {
        let verdict = self.shared.mission(rocket, Mission::verdict);
        if let Ok(Some((outcome, reason))) = verdict {
            let fact = Fact::FlightEnded { outcome, reason };
            self.record(rocket, Actor::ground(), vec![fact]).await;
        }
    }

    pub(super) async fn commit_or_log(&mut self, entries: &[Entry]) -> bool {
        match self.commit(entries).await {
            Ok(()) => true,
            Err(error) => {
                let error = portique_fault::chain(&error);
                tracing::error!(error, "facts of a flight could not be recorded");
                false
            }
        }
    }
}

/// Whether this event is what the order was for.
fn completes(record: &OrderRecord, module: &ModuleId, event: EventKind) -> bool {
    match record.order {
        Order::InternalPower => record.module == *module && event == EventKind::InternalPower,
        Order::Startup => record.module == *module && event == EventKind::Startup,
        Order::StartEngines => record.module == *module && event == EventKind::EngineStart,
        Order::Stage => event == EventKind::StageSeparation,
        Order::DeployPayload => event == EventKind::PayloadSeparation,
        Order::Destroy => record.module == *module && event == EventKind::Destroyed,
        Order::Safe | Order::Throttle { .. } | Order::Inject { .. } => false,
    }
}
