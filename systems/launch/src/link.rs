//! The vehicle link: the port between the ground and whatever flies.
//!
//! Three engines stand behind it: `simulated` (a world in the hub, modules as processes),
//! `replayed` (a recorded flight), and modules attached by hand, which speak the same gRPC contract.

mod attach;
mod medium;
mod outlet;
mod presence;
mod remote;
mod replayed;
mod simulated;
mod supervision;
mod uplink;
mod vehicles;
mod work;

#[cfg(test)]
pub(crate) use medium::{Lane, Medium};
#[cfg(test)]
pub(crate) use uplink::Freeze;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;

pub(crate) use simulated::world_fault;
pub use simulated::{ANSWER_WAIT, SimulationOptions};
pub use supervision::{Assignment, Exit, ModuleHost};
pub use vehicles::{Vehicles, VehiclesOptions};

use crate::{Answer, Command, FlightEvent, ModuleId, RocketId, Sample};

/// Messages from one vehicle that may wait for the ground, about ten seconds of three modules at
/// 100 Hz. A full queue sheds samples (never events or states), and counts them.
pub const DOWNLINK_MESSAGES_MAX: usize = 3_000;

/// What the ground hears from one vehicle.
#[derive(Debug, Clone, PartialEq)]
pub enum Downlink {
    /// A module's state at one moment.
    Sample(ModuleId, Sample),
    /// Something a module did or noticed by itself or by order.
    Event(ModuleId, FlightEvent),
    /// A line of a module's own log.
    Log(ModuleId, String),
    /// A module's telemetry broke off, while it can be commanded all the same; the reason is for people.
    Interrupted(ModuleId, String),
    /// A module can be commanded and sends telemetry.
    Up(ModuleId),
    /// A module cannot be reached; the reason is for people.
    Down(ModuleId, String),
    /// A module's telemetry ended for good, such as after its destruction or the end of a recording.
    Ended(ModuleId, String),
}

/// A message and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// The vehicle.
    pub rocket: RocketId,
    /// What it said.
    pub message: Downlink,
    /// When the ground had it, on [`Clock::monotonic`](portique_clock::Clock::monotonic).
    pub at: std::time::Duration,
}

/// The ground equipment's part of a launch, and the clock the vehicle flies by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pad {
    /// The count stands at this many seconds, and runs at this many seconds per second (0 = held).
    Clock {
        /// Seconds since T-0; negative before.
        t_s: f64,
        /// Seconds of count per second of wall time.
        rate: f64,
    },
    /// The share of propellant loaded, 0 to 1.
    Propellant(f64),
    /// Open the hold-down clamps: lift-off, if the engines run.
    Release,
}

/// Why a vehicle did not answer.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// No such module, or it is not connected.
    #[error("module {module} of rocket {rocket} cannot be reached: {reason}")]
    Unreachable {
        /// The rocket.
        rocket: RocketId,
        /// The module.
        module: ModuleId,
        /// What is known of the cause.
        reason: String,
    },
    /// The answer did not come in time; whether the order was executed is unknown.
    #[error("module {module} of rocket {rocket} did not answer within {seconds} s")]
    TimedOut {
        /// The rocket.
        rocket: RocketId,
        /// The module.
        module: ModuleId,
        /// The time given.
        seconds: f64,
    },
    /// The ground equipment does not do it, and nothing changed.
    #[error("the pad of rocket {rocket} refuses: {reason}")]
    PadRefused {
        /// The rocket.
        rocket: RocketId,
        /// Why, for people.
        reason: String,
    },
    /// This kind of link cannot do it: a recording takes no orders.
    #[error("a {kind} vehicle takes no orders")]
    ReadOnly {
        /// The kind of link.
        kind: &'static str,
    },
}

/// A connected vehicle.
#[async_trait]
pub trait Link: Send + Sync + 'static {
    /// Whether the vehicle tells its own events; if not, the ground detects all of them.
    fn reports_events(&self) -> bool;

    /// Sends a command; returns the module's answer.
    async fn command(&self, module: &ModuleId, command: Command) -> Result<Answer, LinkError>;

    /// Tells the ground equipment; a recording ignores it, except `Release`, which starts it.
    async fn pad(&self, pad: Pad) -> Result<(), LinkError>;

    /// Ends the link and whatever it started, all at the same time; returns when all of it is gone, or
    /// after four seconds.
    async fn close(&self);
}

/// How a rocket's vehicle is reached.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(tag = "link", rename_all = "snake_case", deny_unknown_fields)]
pub enum LinkKind {
    /// A simulated world in the hub with supervised module processes.
    Simulated,
    /// A recorded flight: CSV with the header `time_s,velocity_m_s,altitude_km`.
    Replayed {
        /// The recording's text.
        csv: String,
    },
    /// Modules that attach themselves.
    Remote,
}

/// Opens links; the front door decides how.
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    /// Opens the link of a rocket; what it hears goes to `downlink` until it is closed.
    ///
    /// # Errors
    /// [`crate::Error`] when the vehicle's description or the recording is refused.
    async fn connect(
        &self,
        rocket: &RocketId,
        vehicle: &portique_flight::Vehicle,
        kind: &LinkKind,
        downlink: mpsc::Sender<Received>,
    ) -> Result<Arc<dyn Link>, crate::Error>;
}
