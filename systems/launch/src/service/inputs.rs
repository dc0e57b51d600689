use tokio::sync::oneshot;

use crate::limits::Violation;
use crate::mission::{Actor, Definition, OrderStage, Request};
use crate::{Error, FlightEvent, ModuleId, RocketId};

/// Everything that can make the worker act, besides time.
pub(crate) enum Input {
    /// Add a rocket.
    Add {
        definition: Box<Definition>,
        actor: Actor,
        reply: oneshot::Sender<Result<(), Error>>,
    },
    /// Somebody asks.
    Request {
        rocket: RocketId,
        actor: Actor,
        request: Box<Request>,
        reply: oneshot::Sender<Result<(), Error>>,
    },
    /// A module, or the ground for it, saw something happen.
    Flight {
        rocket: RocketId,
        actor: Actor,
        module: ModuleId,
        event: FlightEvent,
    },
    /// A module came into reach.
    Up { rocket: RocketId, module: ModuleId },
    /// A module went out of reach.
    Down {
        rocket: RocketId,
        module: ModuleId,
        reason: String,
    },
    /// A module's telemetry is over.
    Ended {
        rocket: RocketId,
        module: ModuleId,
        reason: String,
    },
    /// A limit was passed; if critical, the order `id` is on its way already.
    Violated {
        rocket: RocketId,
        module: ModuleId,
        violation: Violation,
        t_s: f64,
        id: Option<String>,
    },
    /// A module answered, or did not.
    Answered {
        rocket: RocketId,
        module: ModuleId,
        id: String,
        stage: OrderStage,
        reason: Option<String>,
    },
}
