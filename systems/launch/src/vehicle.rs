//! The words that ground and vehicle share: names, samples, events, orders.

mod fault;
mod parameter;

use std::collections::BTreeMap;
use std::fmt;

use portique_flight::{EventKind, Phase};
use serde::{Deserialize, Serialize};

pub use fault::{InjectedFault, LinkFault};
pub use parameter::{PARAMETERS_MAX, Parameter, Parameters};

use crate::Error;

/// Longest name of a rocket, module, pad or station, in bytes: it becomes a token of a subject.
const NAME_BYTES_MAX: usize = 32;
/// Who acts in the mission log besides modules and stations: one of these by such a name would pass
/// for it.
pub(crate) const ACTORS: [&str; 5] = ["commander", "count", "ground", "reflex", "hub"];

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, acts: $acts:literal) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            utoipa::ToSchema,
        )]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            /// A checked name.
            ///
            /// # Errors
            /// [`Error::Name`] unless it is 1 to 32 of `a-z 0-9 -` starting with a letter;
            /// [`Error::Input`] for a module named like another actor of the mission log.
            pub fn new(text: impl Into<String>) -> Result<Self, Error> {
                check_name($what, text.into(), $acts).map(Self)
            }

            /// The name as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self, Error> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

name!(
    /// A rocket and its flight, such as `demo`.
    RocketId, "rocket", acts: false
);
name!(
    /// A part of a rocket with a computer of its own, such as `booster`, `stage2`, `payload`.
    ModuleId, "module", acts: true
);
name!(
    /// A launch pad, shared by rockets one at a time.
    PadId, "pad", acts: false
);
name!(
    /// A seat in the control room that votes and orders, such as `weather`.
    Station, "station", acts: false
);

fn check_name(what: &'static str, text: String, acts: bool) -> Result<String, Error> {
    let is_name = text.len() <= NAME_BYTES_MAX
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !is_name {
        return Err(Error::Name { what, text });
    }
    if acts && ACTORS.contains(&text.as_str()) {
        let actors = ACTORS.join(", ");
        let problem = format!("cannot be named {text}: {actors} act in the mission log themselves");
        return Err(Error::Input { what, problem });
    }
    Ok(text)
}

/// How far a sample can be believed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Measured in time.
    #[default]
    Good,
    /// The source repeated a value that must have changed.
    Frozen,
    /// The first sample after a gap in the source.
    AfterGap,
}

/// One moment of one module, as its telemetry task saw it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Sample {
    /// Seconds since lift-off; negative before.
    pub t_s: f64,
    /// Speed relative to the rotating Earth.
    pub speed_m_s: f64,
    /// Height above the pad's sea level.
    pub altitude_m: f64,
    /// Its derivative.
    pub vertical_speed_m_s: f64,
    /// Distance over ground from the pad.
    pub downrange_m: f64,
    /// Acceleration that an accelerometer feels along the track; negative when braking.
    pub felt_accel_m_s2: f64,
    /// Half of density times speed squared.
    pub dynamic_pressure_pa: f64,
    /// Speed over the speed of sound.
    pub mach: f64,
    /// Throttle of the running engines, 0 to 1.
    pub throttle: f64,
    /// Engines that deliver thrust.
    pub engines_running: u32,
    /// Propellant left in this module.
    pub propellant_kg: f64,
    /// What the module is doing.
    #[schema(value_type = String)]
    pub phase: Phase,
    /// Whether everything on board works.
    pub healthy: bool,
    /// How far the sample can be believed.
    pub quality: Quality,
    /// Whatever else the module measures.
    #[serde(default, skip_serializing_if = "Parameters::are_none")]
    #[schema(value_type = Vec<Parameter>)]
    pub parameters: Parameters,
}

/// Something that happened to a module, told by it or seen by the ground.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FlightEvent {
    /// What happened.
    #[schema(value_type = String)]
    pub kind: EventKind,
    /// Seconds since lift-off.
    pub t_s: f64,
    /// The values behind it, by name with unit, such as `altitude_m`.
    pub values: BTreeMap<String, f64>,
}

/// What can be ordered of a module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// Go to internal power.
    InternalPower,
    /// Start the flight computer's launch programme.
    Startup,
    /// Ignite the first stage's engines, held down on the pad.
    StartEngines,
    /// Shut the engines down on the pad and go back to safe.
    Safe,
    /// Hold the engines at a fraction of full thrust, or give the throttle back to the computer.
    Throttle {
        /// 0.57 to 1.0 for the reference booster; `null` for automatic.
        fraction: Option<f64>,
    },
    /// Separate the stages now.
    Stage,
    /// Release the payload now.
    DeployPayload,
    /// Detach the healthy parts, acknowledge, then destroy this module.
    Destroy,
    /// Make something go wrong; simulated vehicles only.
    Inject {
        /// What goes wrong.
        fault: InjectedFault,
    },
}

impl Order {
    /// The order's name as commands and logs spell it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::InternalPower => "internal_power",
            Self::Startup => "startup",
            Self::StartEngines => "start_engines",
            Self::Safe => "safe",
            Self::Throttle { .. } => "throttle",
            Self::Stage => "stage",
            Self::DeployPayload => "deploy_payload",
            Self::Destroy => "destroy",
            Self::Inject { .. } => "inject",
        }
    }
}

/// An order on its way to a module.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// The same id is executed at most once, whatever the link does.
    pub id: String,
    /// What to do.
    pub order: Order,
    /// The module refuses the order when it arrives later than this after it was sent.
    pub valid_for: std::time::Duration,
}

/// A module's answer to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// It is done, or will be done at once.
    Accepted,
    /// The module does not do it, and nothing changed.
    Refused {
        /// Why, in a sentence for people.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_module_is_named_like_another_actor_of_the_log() {
        for name in ["commander", "count", "ground", "reflex", "hub"] {
            let said = ModuleId::new(name).unwrap_err().to_string();
            assert!(
                said.contains(name) && said.contains("mission log"),
                "{said}"
            );
            assert!(RocketId::new(name).is_ok() && PadId::new(name).is_ok());
        }
        assert!(ModuleId::new("hub-camera").is_ok());
    }
}
