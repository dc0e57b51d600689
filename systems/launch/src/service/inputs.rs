use tokio::sync::oneshot;

use super::abort::{Aborted, Sign};

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
    /// A rule had an abort decided; its orders are on their way already.
    Aborted(Box<Aborted>),
    /// Everybody whom an abort ordered has answered or is out of reach.
    AbortDone {
        sign: Sign,
        commands: Vec<String>,
        took_ms: Option<f64>,
    },
    /// An alert about a module began or ended; tells whether it is settled.
    Alert {
        sign: Sign,
        is_raised: bool,
        settled: oneshot::Sender<bool>,
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
