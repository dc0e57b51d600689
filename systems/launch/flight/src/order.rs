//! What a module can be ordered to do.

use serde::{Deserialize, Serialize};

/// An order to the autopilot of one module.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Go to internal power; on the pad.
    InternalPower,
    /// Start the launch programme; on the pad, on internal power.
    Startup,
    /// Ignite the booster's engines, held down; on the pad, after the start-up.
    StartEngines,
    /// Shut down whatever runs and go back to safe; on the pad.
    Safe,
    /// Hold the burning engines at a fraction of full thrust; `None` gives the throttle back.
    Throttle(Option<f64>),
    /// Cut the engines off and separate the stages now; after lift-off, while attached.
    Stage,
    /// Release the payload now; in orbit.
    DeployPayload,
    /// Detach the neighbours, then destroy this module; always allowed.
    Destroy,
}

impl Order {
    /// The order's name as logs spell it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::InternalPower => "internal_power",
            Self::Startup => "startup",
            Self::StartEngines => "start_engines",
            Self::Safe => "safe",
            Self::Throttle(_) => "throttle",
            Self::Stage => "stage",
            Self::DeployPayload => "deploy_payload",
            Self::Destroy => "destroy",
        }
    }
}

/// An order that the module does not execute; nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// Why, in a sentence for people: the phase now, and where the order is allowed.
    pub reason: String,
}
