//! A simulated vehicle: one world in the hub, and a supervised computer for each module.
//!
//! The world moves in frames of a few steps. In each frame every control task gets its sensors, and the world
//! goes on when all have answered, or after [`ANSWER_WAIT`] without those that have not: their
//! actuators stay as they were. Flight time follows wall time at the count's rate; a machine that is
//! too slow for it makes the flight slower, never different.

mod lockstep;
mod observers;
mod service;
mod world;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use world::{ANSWER_WAIT, SimulationOptions};

pub(crate) use service::WorldService;

use self::world::{Input, WorldWorker};
use crate::link::attach::Attachments;
use crate::link::outlet::Outlet;
use crate::link::presence::Presence;
use crate::link::supervision::Report;
use crate::link::work::Work;
use crate::link::{Link, LinkError};
use crate::{Answer, Command, Error, InjectedFault, ModuleId, Pad, rpc};

/// The way to a world for those who sit in it or look at it.
#[derive(Debug, Clone)]
pub(crate) struct WorldHandle {
    inputs: mpsc::Sender<Input>,
}

impl WorldHandle {
    /// Builds a world and starts its task.
    pub(crate) fn start(
        vehicle: &portique_flight::Vehicle,
        options: SimulationOptions,
        tracker: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Self, Error> {
        let (worker, inputs) =
            WorldWorker::new(vehicle, options).map_err(|error| Error::Input {
                what: "vehicle",
                problem: format!("cannot be written as TOML: {error}"),
            })?;
        tracker.spawn(worker.run(stop.clone()));
        Ok(Self { inputs })
    }

    async fn pad(&self, pad: Pad) -> Option<bool> {
        let (done, answer) = oneshot::channel();
        self.inputs.send(Input::Pad { pad, done }).await.ok()?;
        answer.await.ok()
    }
}

/// The link to a simulated vehicle.
pub(crate) struct SimulatedLink {
    pub(crate) outlet: Arc<Outlet>,
    pub(crate) attachments: Arc<Attachments>,
    pub(crate) world: WorldHandle,
    pub(crate) work: Work,
}

#[async_trait]
impl Link for SimulatedLink {
    fn reports_events(&self) -> bool {
        true
    }

    async fn command(&self, module: &ModuleId, command: Command) -> Result<Answer, LinkError> {
        self.attachments.command(module, &command).await
    }

    async fn pad(&self, pad: Pad) -> Result<(), LinkError> {
        let refused = |reason: &str| LinkError::PadRefused {
            rocket: self.outlet.rocket().clone(),
            reason: reason.to_owned(),
        };
        match self.world.pad(pad).await {
            Some(true) => Ok(()),
            Some(false) => Err(refused(
                "the clamps stay closed: the engines do not lift the rocket's weight",
            )),
            None => Err(refused("the link is closed")),
        }
    }

    async fn close(&self) {
        self.work.close().await;
    }
}

/// Passes on what a supervisor says of one module's computer. Once the link is closed it only drains,
/// so that a ground that has stopped reading does not hold up the end of the computer.
pub(crate) async fn relay(
    presence: Arc<Presence>,
    mut reports: mpsc::Receiver<Report>,
    stop: CancellationToken,
) {
    while let Some(report) = reports.recv().await {
        let tell = async {
            match report {
                Report::Line(line) => presence.log(rpc::text(&line)).await,
                Report::Failed(reason) => presence.failed(rpc::text(&reason)).await,
            }
        };
        _ = stop.run_until_cancelled(tell).await;
    }
}

/// The fault of the world that an injected one stands for, if it is not the computer's own.
pub(crate) fn world_fault(fault: InjectedFault) -> Option<portique_flight::Fault> {
    match fault {
        InjectedFault::EngineOut => Some(portique_flight::Fault::EngineOut),
        InjectedFault::DenseAir => Some(portique_flight::Fault::DenseAir),
        InjectedFault::FrozenSensors => Some(portique_flight::Fault::FrozenSensors),
        InjectedFault::BiasedSensors => Some(portique_flight::Fault::BiasedSensors),
        InjectedFault::TankPressureDrop => Some(portique_flight::Fault::TankPressureDrop),
        InjectedFault::PropellantLeak => Some(portique_flight::Fault::PropellantLeak),
        InjectedFault::AttitudeDrift => Some(portique_flight::Fault::AttitudeDrift),
        InjectedFault::StuckSeparation => Some(portique_flight::Fault::StuckSeparation),
        InjectedFault::LegFailure => Some(portique_flight::Fault::LegFailure),
        InjectedFault::TelemetrySilence
        | InjectedFault::ControlCrash
        | InjectedFault::TelemetryCrash
        | InjectedFault::ComputerCrash
        | InjectedFault::Link(_) => None,
    }
}
