//! One rocket's way from the poll to the end of its flight, as a pure state machine.
//!
//! [`Mission::decide`] checks a [`Request`] against the state and answers with [`Fact`]s;
//! [`Mission::apply`] is the only thing that changes the state, and cannot fail. Replaying the facts
//! gives the same mission again, except for the clock, which a restart leaves held.

mod anomaly;
mod apply;
mod decide;
mod definition;
mod describe;
mod entry;
mod fact;
mod modules;
mod verdict;

use std::collections::BTreeMap;
use std::sync::Arc;

use portique_clock::Timestamp;
use portique_flight::{EventKind, Vehicle};
use serde::{Deserialize, Serialize};

pub use anomaly::Anomaly;
pub use decide::{Now, Request};
pub use definition::Definition;
pub use entry::{Actor, Entry};
pub use fact::{Fact, OrderStage, Outcome, Severity};
pub use modules::ModuleState;

use crate::count::Count;
use crate::poll::Poll;
use crate::weather::{Forecast, Observation};
use crate::{ModuleId, Order, RocketId};

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

impl Stage {
    /// The stage as people say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Polling => "polling",
            Self::Ready => "ready",
            Self::Counting => "counting",
            Self::Held => "held",
            Self::Scrubbed => "scrubbed",
            Self::Flying => "flying",
            Self::Ended => "ended",
        }
    }
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

/// The state of one rocket's mission.
#[derive(Debug, Clone, PartialEq)]
pub struct Mission {
    definition: Definition,
    vehicle: Option<Arc<Vehicle>>,
    stage: Stage,
    poll: Option<Poll>,
    count: Option<Count>,
    weather: Option<Observation>,
    forecast: Option<Forecast>,
    modules: BTreeMap<ModuleId, ModuleState>,
    orders: Vec<OrderRecord>,
    outcome: Option<(Outcome, String)>,
    last_t_s: Option<f64>,
    is_embargoed: bool,
    added_at: Timestamp,
    /// By the alert behind each.
    anomalies: BTreeMap<String, Anomaly>,
}

impl Mission {
    /// The mission that a [`Fact::RocketAdded`] begins.
    pub fn new(definition: Definition) -> Self {
        // Checked before it was recorded; a later version may read it differently, and must still
        // bring back everything else.
        let vehicle = Vehicle::parse(&definition.vehicle).ok().map(Arc::new);
        Self {
            definition,
            vehicle,
            stage: Stage::Preparing,
            poll: None,
            count: None,
            weather: None,
            forecast: None,
            modules: BTreeMap::new(),
            orders: Vec::new(),
            outcome: None,
            last_t_s: None,
            is_embargoed: false,
            added_at: Timestamp::EPOCH,
            anomalies: BTreeMap::new(),
        }
    }

    /// The rocket's name.
    pub fn rocket(&self) -> &RocketId {
        &self.definition.rocket
    }

    /// When the rocket was added, on the wall.
    pub fn added_at(&self) -> Timestamp {
        self.added_at
    }

    /// The rocket as it was added.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The vehicle that the definition describes; `None` when its description cannot be read.
    pub fn vehicle(&self) -> Option<&Arc<Vehicle>> {
        self.vehicle.as_ref()
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

    /// The last forecast.
    pub fn forecast(&self) -> Option<&Forecast> {
        self.forecast.as_ref()
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

    /// Whether it is still to be flown or in flight: it has not ended.
    pub fn is_open(&self) -> bool {
        self.stage != Stage::Ended
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
}

#[cfg(test)]
mod tests;
