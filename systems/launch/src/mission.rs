//! One rocket's way from the poll to the end of its flight, as a pure state machine.
//!
//! [`Mission::decide`] checks a [`Request`] against the state and answers with [`Fact`]s;
//! [`Mission::apply`] is the only thing that changes the state, and cannot fail. Replaying the facts
//! gives the same mission again, except for the clock, which a restart leaves held.

mod decide;
mod describe;
mod fact;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portique_clock::Timestamp;
use portique_flight::EventKind;
use serde::{Deserialize, Serialize};

pub use decide::{Now, Request};
pub use fact::{Actor, Definition, Entry, Fact, OrderStage, Outcome, Severity};

use crate::count::Count;
use crate::poll::{Ballot, Poll};
use crate::weather::Observation;
use crate::{LinkKind, ModuleId, Order, RocketId};

/// Where a mission stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The rocket is there; nothing is asked yet, or the last poll ended in no-go.
    Preparing,
    /// Stations are voting.
    Polling,
    /// The poll ended in go.
    Ready,
    /// The clock runs.
    Counting,
    /// The clock stands.
    Held,
    /// Given up for now; a new poll starts over.
    Scrubbed,
    /// The clamps are open.
    Flying,
    /// The flight is over.
    Ended,
}

/// An order and how far it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OrderRecord {
    /// Its idempotency key.
    pub id: String,
    /// To whom.
    pub module: ModuleId,
    /// What.
    #[serde(flatten)]
    pub order: Order,
    /// By whom.
    pub actor: Actor,
    /// How far.
    pub stage: OrderStage,
    /// Why it did not go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it came there, on the wall.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// What is known of a module by facts alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModuleState {
    /// Whether it can be commanded.
    pub is_up: bool,
    /// Why it cannot, or why its telemetry ended.
    pub reason: Option<String>,
    /// Its telemetry is over for good.
    pub has_ended: bool,
    /// What happened to it, once each.
    pub events: BTreeSet<EventKind>,
}

/// The state of one rocket's mission.
#[derive(Debug, Clone, PartialEq)]
pub struct Mission {
    definition: Definition,
    stage: Stage,
    poll: Option<Poll>,
    count: Option<Count>,
    weather: Option<Observation>,
    modules: BTreeMap<ModuleId, ModuleState>,
    orders: Vec<OrderRecord>,
    outcome: Option<(Outcome, String)>,
    last_t_s: Option<f64>,
    is_embargoed: bool,
}

impl Mission {
    /// The mission that a [`Fact::RocketAdded`] begins.
    pub fn new(definition: Definition) -> Self {
        Self {
            definition,
            stage: Stage::Preparing,
            poll: None,
            count: None,
            weather: None,
            modules: BTreeMap::new(),
            orders: Vec::new(),
            outcome: None,
            last_t_s: None,
            is_embargoed: false,
        }
    }

    /// The rocket's name.
    pub fn rocket(&self) -> &RocketId {
        &self.definition.rocket
    }

    /// The rocket as it was added.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// Where the mission stands.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The last poll.
    pub fn poll(&self) -> Option<&Poll> {
        self.poll.as_ref()
    }

    /// The count, once the launch order was given.
    pub fn count(&self) -> Option<&Count> {
        self.count.as_ref()
    }

    /// The last observation.
    pub fn weather(&self) -> Option<&Observation> {
        self.weather.as_ref()
    }

    /// The modules by name.
    pub fn modules(&self) -> &BTreeMap<ModuleId, ModuleState> {
        &self.modules
    }

    /// All orders, oldest first.
    pub fn orders(&self) -> &[OrderRecord] {
        &self.orders
    }

    /// How the flight ended, and in words.
    pub fn outcome(&self) -> Option<&(Outcome, String)> {
        self.outcome.as_ref()
    }

    /// Whether the public feed is shut.
    pub fn is_embargoed(&self) -> bool {
        self.is_embargoed
    }

    /// The T of the last fact that had one.
    pub fn last_t_s(&self) -> Option<f64> {
        self.last_t_s
    }

    /// Whether it holds its pad: from the opening of a poll until lift-off, scrub or no-go.
    pub fn holds_pad(&self) -> bool {
        matches!(
            self.stage,
            Stage::Polling | Stage::Ready | Stage::Counting | Stage::Held
        )
    }

    /// Whether this event is in the log already.
    pub fn has_happened(&self, module: &ModuleId, event: EventKind) -> bool {
        self.modules
            .get(module)
            .is_some_and(|state| state.events.contains(&event))
    }

    /// Takes in a fact. `now` is the monotonic clock, `at` the wall time of the fact.
    pub fn apply(&mut self, entry: &Entry, at: Timestamp, now: Duration) {
        self.last_t_s = entry.t_s.or(self.last_t_s);
        match &entry.fact {
            Fact::RocketAdded { .. } => {}
            Fact::WeatherObserved { observation } => self.weather = Some((**observation).clone()),
            Fact::EmbargoSet { on } => self.is_embargoed = *on,
            Fact::PollOpened { .. } | Fact::VoteCast { .. } | Fact::PollClosed { .. } => {
                self.apply_poll(&entry.fact, at);
            }
            Fact::OrderReleased { .. } | Fact::OrderAnswered { .. } => self.apply_order(entry, at),
            Fact::CountStarted
            | Fact::StepDone { .. }
            | Fact::CountHeld { .. }
            | Fact::CountResumed
            | Fact::CountRecycled { .. }
            | Fact::Scrubbed { .. } => self.apply_count(entry, now),
            Fact::ModuleAdded { .. }
            | Fact::Flight { .. }
            | Fact::AnomalyRaised { .. }
            | Fact::LinkUp { .. }
            | Fact::LinkDown { .. }
            | Fact::TelemetryEnded { .. } => self.apply_module(&entry.fact),
            Fact::FlightEnded { outcome, reason } => {
                self.stage = Stage::Ended;
                self.outcome = Some((*outcome, reason.clone()));
            }
        }
    }

    /// Sets the count's clock to the last T that is known: what a replay of facts cannot tell.
    pub fn settle(&mut self, now: Duration) {
        if let (Some(count), Some(t_s)) = (&mut self.count, self.last_t_s) {
            count.correct(t_s, now);
        }
    }

    fn apply_poll(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::PollOpened { deadline } => {
                self.poll = Some(Poll::open(&self.definition.roster, at, *deadline));
                self.count = None;
                self.stage = Stage::Polling;
            }
            Fact::VoteCast {
                station,
                vote,
                comment,
                values,
            } => {
                let ballot = Ballot {
                    vote: *vote,
                    at,
                    comment: comment.clone(),
                    values: values.clone(),
                };
                if let Some(poll) = &mut self.poll {
                    poll.roster.insert(station.clone(), Some(ballot));
                }
            }
            Fact::PollClosed { decision } => {
                if let Some(poll) = &mut self.poll {
                    poll.decision = Some(*decision);
                    self.stage = if poll.is_go() {
                        Stage::Ready
                    } else {
                        Stage::Preparing
                    };
                }
            }
            _ => {}
        }
    }

    fn apply_count(&mut self, entry: &Entry, now: Duration) {
        let definition = &self.definition;
        let count = self.count.get_or_insert_with(|| {
            Count::start(definition.count.clone(), definition.time_factor, now)
        });
        match &entry.fact {
            Fact::CountStarted => self.stage = Stage::Counting,
            Fact::StepDone { .. } => count.step_done(),
            Fact::CountHeld { reason } => {
                count.hold(entry.t_s.unwrap_or_else(|| count.t_s(now)), reason);
                self.stage = Stage::Held;
            }
            Fact::CountResumed => {
                count.resume(now);
                self.stage = Stage::Counting;
            }
            Fact::CountRecycled { reason } => {
                count.recycle(reason);
                self.stage = Stage::Held;
            }
            Fact::Scrubbed { reason } => {
                count.hold(entry.t_s.unwrap_or_else(|| count.t_s(now)), reason);
                self.stage = Stage::Scrubbed;
                self.poll = None;
            }
            _ => {}
        }
    }

    fn apply_order(&mut self, entry: &Entry, at: Timestamp) {
        match &entry.fact {
            Fact::OrderReleased { id, module, order } => self.orders.push(OrderRecord {
                id: id.clone(),
                module: module.clone(),
                order: order.clone(),
                actor: entry.actor.clone(),
                stage: OrderStage::Released,
                reason: None,
                at,
            }),
            Fact::OrderAnswered {
                id, stage, reason, ..
            } => {
                if let Some(record) = self.orders.iter_mut().find(|record| record.id == *id) {
                    record.stage = *stage;
                    record.reason.clone_from(reason);
                    record.at = at;
                }
            }
            _ => {}
        }
    }

    fn apply_module(&mut self, fact: &Fact) {
        let Some(module) = fact.module() else { return };
        let state = self.modules.entry(module.clone()).or_default();
        match fact {
            Fact::LinkUp { .. } => {
                state.is_up = true;
                state.reason = None;
            }
            Fact::LinkDown { reason, .. } => {
                state.is_up = false;
                state.reason = Some(reason.clone());
            }
            Fact::TelemetryEnded { reason, .. } => {
                state.is_up = false;
                state.has_ended = true;
                state.reason = Some(reason.clone());
            }
            Fact::Flight { event, .. } => {
                state.events.insert(*event);
                if *event == EventKind::Liftoff {
                    self.stage = Stage::Flying;
                }
            }
            _ => {}
        }
    }

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

#[cfg(test)]
mod tests;
