//! What a fact makes the worker do, once it is durable.

use portique_flight::{Body, EventKind};

use super::Worker;
use crate::count::Action;
use crate::link::Pad;
use crate::mission::{Actor, Entry, Fact, Mission, Outcome};
use crate::{LinkKind, ModuleId, Order, RocketId};

impl Worker {
    pub(super) async fn act(&mut self, entry: &Entry) {
        let rocket = &entry.rocket;
        match &entry.fact {
            Fact::CountStarted | Fact::CountHeld { .. } | Fact::CountResumed => {
                self.tell_clock(rocket).await;
            }
            Fact::CountRecycled { .. } | Fact::Scrubbed { .. } => {
                self.released.remove(rocket);
                self.tell_clock(rocket).await;
                Box::pin(self.order_all(rocket, &Order::Safe)).await;
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
                self.disconnect(rocket);
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

    /// Orders every module that the flight needs; those out of reach are tried all the same, so that
    /// the log says what they did not hear.
    async fn order_all(&mut self, rocket: &RocketId, order: &Order) {
        let modules = self.shared.mission(rocket, |mission| {
            let living = mission
                .modules()
                .iter()
                .filter(|(_, state)| !state.has_ended);
            let needed = living.filter(|(module, _)| mission.requires(module));
            needed.map(|(module, _)| module.clone()).collect()
        });
        self.order_from_count(rocket, modules.unwrap_or_default(), order)
            .await;
    }

    pub(super) async fn order_from_count(
        &mut self,
        rocket: &RocketId,
        modules: Vec<ModuleId>,
        order: &Order,
    ) {
        let takes_orders = |mission: &Mission| {
            let is_recording = matches!(mission.definition().link, LinkKind::Replayed { .. });
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
}

pub(super) fn first_stage() -> ModuleId {
    ModuleId::new(Body::Booster.as_str()).expect("a body's name is a module name")
}
