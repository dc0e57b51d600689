//! What the worker does with an input, and what a fact makes it do.

use std::time::Duration;

use portique_flight::{EventKind, Phase, Vehicle};

use super::Worker;
use crate::count::Action;
use crate::limits::Violation;
use crate::link::Pad;
use crate::mission::{
    Actor, Entry, Fact, Mission, Now, OrderRecord, OrderStage, Outcome, Request, Stage,
};
use crate::service::inputs::Input;
use crate::{Error, FlightEvent, ModuleId, Order, RocketId};

/// How long lift-off may take after release before the engines are shut down, in wall time.
const LIFTOFF_PATIENCE: Duration = Duration::from_secs(10);

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
        let entries: Vec<Entry> = facts
            .into_iter()
            .map(|fact| Entry {
                rocket: rocket.clone(),
                actor: actor.clone(),
                t_s,
                fact,
            })
            .collect();
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
            Input::Up { rocket, module } => {
                let facts = vec![Fact::LinkUp { module }];
                self.record(&rocket, Actor::ground(), facts).await;
            }
            Input::Down {
                rocket,
                module,
                reason,
            } => {
                let facts = vec![Fact::LinkDown { module, reason }];
                self.record(&rocket, Actor::ground(), facts).await;
            }
            Input::Ended {
                rocket,
                module,
                reason,
            } => {
                let facts = vec![Fact::TelemetryEnded { module, reason }];
                self.record(&rocket, Actor::ground(), facts).await;
                self.conclude(&rocket).await;
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
            Input::Add { .. } | Input::Request { .. } => {}
        }
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
            value: violation.value,
            limit: violation.limit,
        };
        let ordered = id.map(|id| Fact::OrderReleased {
            id,
            module,
            order: Order::Destroy,
        });
        let actor = Actor::reflex();
        let t_s = Some(t_s);
        let entries: Vec<Entry> = std::iter::once(raised)
            .chain(ordered)
            .map(|fact| Entry {
                rocket: rocket.clone(),
                actor: actor.clone(),
                t_s,
                fact,
            })
            .collect();
        self.commit_or_log(&entries).await;
    }

    async fn on_flight(
        &mut self,
        rocket: &RocketId,
        actor: Actor,
        module: ModuleId,
        event: FlightEvent,
    ) {
        let order = self.shared.mission(rocket, |mission| {
            if mission.has_happened(&module, event.kind) {
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
            module,
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
            let fact = Fact::OrderAnswered {
                id,
                module,
                stage: OrderStage::Completed,
                reason: None,
            };
            entries.push(Entry {
                rocket: rocket.clone(),
                actor,
                t_s,
                fact,
            });
        }
        self.commit_or_log(&entries).await;
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
        if went_wrong && record.actor == Actor::count() {
            let reason = reason.unwrap_or_else(|| "no answer".into());
            let why = format!("{module} did not do {}: {reason}", record.order.name());
            self.stop_count(rocket, why).await;
        }
    }

    /// Holds the count by itself, from the recycle point if the engines may be running.
    async fn stop_count(&mut self, rocket: &RocketId, reason: String) {
        let fact = self
            .shared
            .mission(rocket, |mission| match mission.count() {
                Some(count) if mission.stage() == Stage::Counting => {
                    Some(if count.is_past_engine_start() {
                        Fact::CountRecycled { reason }
                    } else {
                        Fact::CountHeld { reason }
                    })
                }
                _ => None,
            });
        if let Ok(Some(fact)) = fact {
            self.record(rocket, Actor::count(), vec![fact]).await;
        }
    }

    /// Does the steps of the count whose time has come, and watches for a lift-off that is due.
    pub(super) async fn step(&mut self, rocket: &RocketId) {
        loop {
            let now = self.clock.monotonic();
            let shared = self.shared.clone();
            let facts = shared.mission(rocket, |mission| {
                mission.decide_step(now, || {
                    ready_to_release(mission, |module| shared.last_sample(rocket, module))
                })
            });
            match facts {
                Ok(facts) if !facts.is_empty() => {
                    self.record(rocket, Actor::count(), facts).await;
                }
                _ => break,
            }
        }
        let is_loading = |mission: &Mission| mission.stage() == Stage::Counting;
        if self.shared.mission(rocket, is_loading).unwrap_or(false) {
            let now = self.clock.monotonic();
            let share = self
                .shared
                .mission(rocket, |m| m.count().map(|c| c.propellant(now)));
            if let Ok(Some(share)) = share {
                self.tell_pad(rocket, Pad::Propellant(share)).await;
            }
            self.check_liftoff(rocket, now).await;
        }
    }

    async fn check_liftoff(&mut self, rocket: &RocketId, now: Duration) {
        let Some(released) = self.released.get(rocket) else {
            return;
        };
        if now.saturating_sub(*released) < LIFTOFF_PATIENCE {
            // The clamps stay closed while thrust is below weight.
            self.tell_pad(rocket, Pad::Release).await;
            return;
        }
        self.released.remove(rocket);
        let reason = "released, but no lift-off was seen: engines shut down".to_owned();
        self.record(rocket, Actor::count(), vec![Fact::CountRecycled { reason }])
            .await;
    }

    /// Ends the flight when what happened ends it.
    async fn conclude(&mut self, rocket: &RocketId) {
        let verdict = self.shared.mission(rocket, Mission::verdict);
        if let Ok(Some((outcome, reason))) = verdict {
            let fact = Fact::FlightEnded { outcome, reason };
            self.record(rocket, Actor::ground(), vec![fact]).await;
        }
    }

    /// What follows from a fact that is durable.
    pub(super) async fn act(&mut self, entry: &Entry) {
        let rocket = &entry.rocket;
        match &entry.fact {
            Fact::CountStarted | Fact::CountHeld { .. } | Fact::CountResumed => {
                self.tell_clock(rocket).await;
            }
            Fact::CountRecycled { .. } | Fact::Scrubbed { .. } => {
                self.released.remove(rocket);
                self.tell_clock(rocket).await;
                Box::pin(self.make_safe(rocket)).await;
            }
            Fact::StepDone { .. } => Box::pin(self.act_on_step(rocket)).await,
            Fact::OrderReleased { id, module, order } if entry.actor != Actor::reflex() => {
                self.send_order(rocket, module, id, order);
            }
            Fact::Flight {
                event: EventKind::Liftoff,
                ..
            } => {
                self.released.remove(rocket);
            }
            Fact::FlightEnded { outcome, .. } => {
                if *outcome != Outcome::Replayed {
                    tracing::info!(%rocket, ?outcome, "flight over");
                }
                self.disconnect(rocket).await;
            }
            _ => {}
        }
    }

    async fn act_on_step(&mut self, rocket: &RocketId) {
        let action = self.shared.mission(rocket, |mission| {
            let count = mission.count()?;
            let step = count.plan().steps.get(count.steps_done().checked_sub(1)?)?;
            Some(step.action.clone())
        });
        match action {
            Ok(Some(Action::InternalPower)) => self.order_all(rocket, &Order::InternalPower).await,
            Ok(Some(Action::Startup)) => self.order_all(rocket, &Order::Startup).await,
            Ok(Some(Action::StartEngines)) => {
                let booster = first_stage();
                self.order_from_count(rocket, vec![booster], &Order::StartEngines)
                    .await;
            }
            Ok(Some(Action::Release)) => {
                self.released.insert(rocket.clone(), self.clock.monotonic());
                self.tell_pad(rocket, Pad::Release).await;
            }
            _ => {}
        }
    }

    async fn make_safe(&mut self, rocket: &RocketId) {
        self.order_all(rocket, &Order::Safe).await;
    }

    async fn order_all(&mut self, rocket: &RocketId, order: &Order) {
        let modules = self.shared.mission(rocket, |mission| {
            let up = mission.modules().iter().filter(|(_, state)| state.is_up);
            up.map(|(module, _)| module.clone()).collect()
        });
        self.order_from_count(rocket, modules.unwrap_or_default(), order)
            .await;
    }

    async fn order_from_count(&mut self, rocket: &RocketId, modules: Vec<ModuleId>, order: &Order) {
        let takes_orders = |mission: &Mission| {
            let is_recording =
                matches!(mission.definition().link, crate::LinkKind::Replayed { .. });
            (!is_recording).then(|| mission.orders().len())
        };
        let Ok(Some(given)) = self.shared.mission(rocket, takes_orders) else {
            return;
        };
        let facts = modules
            .into_iter()
            .enumerate()
            .map(|(index, module)| Fact::OrderReleased {
                id: format!("count-{}-{module}", given + index),
                module,
                order: order.clone(),
            });
        self.record(rocket, Actor::count(), facts.collect()).await;
    }

    async fn commit_or_log(&mut self, entries: &[Entry]) {
        if let Err(error) = self.commit(entries).await {
            let error = portique_fault::chain(&error);
            tracing::error!(error, "facts of a flight could not be recorded");
        }
    }
}

fn first_stage() -> ModuleId {
    ModuleId::new(portique_flight::Body::Booster.as_str()).expect("a body's name is a module name")
}

/// The engine health check before release.
fn ready_to_release(
    mission: &Mission,
    last_sample: impl Fn(&ModuleId) -> Option<crate::Sample>,
) -> Result<(), String> {
    if matches!(mission.definition().link, crate::LinkKind::Replayed { .. }) {
        return Ok(());
    }
    let booster = first_stage();
    let Some(sample) = last_sample(&booster) else {
        return Err("no telemetry from the first stage at release".into());
    };
    let engines = Vehicle::parse(&mission.definition().vehicle)
        .map_or(0, |vehicle| vehicle.booster.engines.count);
    let is_ready = sample.phase == Phase::Ignition && sample.healthy;
    if !is_ready || sample.engines_running < engines {
        return Err(format!(
            "the first stage is not ready at release: {}, {} of {engines} engines running",
            sample.phase, sample.engines_running
        ));
    }
    Ok(())
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
