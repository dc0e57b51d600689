//! The vehicle as data: read from TOML, checked, and never changed in flight.

mod check;

use serde::{Deserialize, Serialize};

use crate::{Body, Phase};

/// Longest description accepted, in bytes; the built-in ones are under 4 kB.
const TEXT_BYTES_MAX: usize = 64 * 1024;

const BUILT_IN: &[(&str, &str)] = &[
    ("reference", include_str!("../vehicles/reference.toml")),
    ("light", include_str!("../vehicles/light.toml")),
];

/// Why a vehicle was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is no TOML, or a key is missing, unknown or of another type.
    #[error("the vehicle's description cannot be read")]
    Syntax {
        /// Where and why.
        #[source]
        source: toml::de::Error,
    },
    /// The text is longer than any vehicle needs.
    #[error("the vehicle's description has {bytes} bytes; at most {bytes_max} are read")]
    TooLong {
        /// Bytes found.
        bytes: usize,
        /// Bytes allowed.
        bytes_max: usize,
    },
    /// A value is outside its range.
    #[error("{field} = {value} is outside {min} to {max}")]
    OutOfRange {
        /// The field, such as `booster.engines.count`.
        field: String,
        /// The value found.
        value: f64,
        /// Smallest value allowed.
        min: f64,
        /// Largest value allowed.
        max: f64,
    },
    /// A text or table is not what it must be.
    #[error("{field} is wrong: {reason}")]
    Invalid {
        /// The field.
        field: String,
        /// What would be right.
        reason: String,
    },
    /// No built-in vehicle has this name.
    #[error("no vehicle is named {name:?}; built in: {known}")]
    UnknownName {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
}

impl portique_fault::Fault for Error {
    fn code(&self) -> portique_fault::Code {
        match self {
            Self::UnknownName { .. } => portique_fault::Code::NotFound,
            Self::Syntax { .. }
            | Self::TooLong { .. }
            | Self::OutOfRange { .. }
            | Self::Invalid { .. } => portique_fault::Code::InvalidArgument,
        }
    }
}

/// A rocket and the flight it is made for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vehicle {
    /// Its name: `a-z 0-9 -`, at most 32 bytes.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// The first stage.
    pub booster: Booster,
    /// The second stage, with the fairing.
    pub stage2: Stage2,
    /// What is delivered.
    pub payload: Payload,
    /// The flight.
    pub plan: Plan,
    /// What the structure bears.
    pub limits: Limits,
}

/// The engines of one stage, all alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engines {
    /// How many, 1 to 32.
    pub count: u32,
    /// Full thrust of one in vacuum.
    pub thrust_vacuum_n: f64,
    /// Specific impulse at sea level; thrust falls in the same proportion.
    pub isp_sea_level_s: f64,
    /// Specific impulse in vacuum.
    pub isp_vacuum_s: f64,
    /// Lowest fraction of full thrust, 0.1 to 1.
    pub throttle_min: f64,
    /// Time from ignition to full thrust.
    pub start_s: f64,
    /// Time from full thrust to none.
    pub stop_s: f64,
}

/// How the air acts on a body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aerodynamics {
    /// Area that the coefficients refer to.
    pub area_m2: f64,
    /// Drag coefficient by Mach number, nose first: pairs of Mach and coefficient, Mach rising.
    pub drag: Vec<[f64; 2]>,
}

/// The first stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Booster {
    /// Mass without propellant, with legs and fins.
    pub empty_kg: f64,
    /// Propellant when full.
    pub propellant_kg: f64,
    /// Its engines.
    pub engines: Engines,
    /// The air on the whole stack, nose first.
    pub ascent_air: Aerodynamics,
    /// The air on the booster falling engines first.
    pub descent_air: Aerodynamics,
    /// Side force coefficient per radian of attack, falling engines first; 0 without fins.
    pub descent_lift_slope: f64,
    /// Fastest turn.
    pub turn_rate_rad_s: f64,
    /// Impact speed that the legs bear.
    pub legs_speed_max_m_s: f64,
}

/// The second stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage2 {
    /// Mass without propellant and fairing.
    pub empty_kg: f64,
    /// Propellant when full.
    pub propellant_kg: f64,
    /// The fairing's mass.
    pub fairing_kg: f64,
    /// Its engines.
    pub engines: Engines,
    /// The air on it, when it flies without the booster.
    pub air: Aerodynamics,
    /// Fastest turn.
    pub turn_rate_rad_s: f64,
}

/// What is delivered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payload {
    /// Its mass.
    pub mass_kg: f64,
    /// The air on it, alone.
    pub air: Aerodynamics,
    /// Speed that the springs give it at its release.
    pub release_speed_m_s: f64,
}

/// The flight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Part of the Earth's rotation in the flight plane at the pad: 1 is due east on the equator.
    pub eastward: f64,
    /// The first stage's way up.
    pub ascent: Ascent,
    /// Where the second stage goes.
    pub target: Target,
    /// What the booster does after separation.
    pub booster_return: BoosterReturn,
}

/// The first stage's way up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ascent {
    /// Throttle outside the bucket and below the acceleration limit.
    pub throttle: f64,
    /// Speed at which the vertical climb ends.
    pub kick_speed_m_s: f64,
    /// How far from the vertical the nose leans for the kick.
    pub kick_rad: f64,
    /// Throttle in the bucket.
    pub bucket_throttle: f64,
    /// How long before the predicted Max Q the throttle goes down.
    pub bucket_lead_s: f64,
    /// Felt acceleration that the first stage stays under.
    pub accel_max_m_s2: f64,
    /// Part of the booster's propellant kept for its return, 0 to 0.5.
    pub landing_reserve: f64,
    /// Time from cut-off to separation.
    pub separation_delay_s: f64,
    /// Time from cut-off to second-stage ignition.
    pub second_stage_delay_s: f64,
}

/// Where the second stage goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Height of the circular orbit over the pad's radius.
    pub altitude_m: f64,
    /// Felt acceleration that the second stage stays under.
    pub accel_max_m_s2: f64,
    /// Height over which the fairing is dropped: the air no longer heats the payload.
    pub fairing_altitude_m: f64,
    /// Time from cut-off to the payload's release.
    pub payload_delay_s: f64,
}

/// What the booster does after separation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum BoosterReturn {
    /// It burns back and lands at the launch site.
    ReturnToPad(Landing),
    /// It lands where its flight takes it.
    Downrange(Landing),
    /// It falls into the sea.
    Expendable,
}

/// How the booster comes down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Landing {
    /// Engines of the boost-back burn.
    pub boostback_engines: u32,
    /// Throttle of the boost-back burn.
    pub boostback_throttle: f64,
    /// Height at which the entry burn begins.
    pub entry_altitude_m: f64,
    /// Speed at which the entry burn ends.
    pub entry_end_speed_m_s: f64,
    /// Engines of the entry burn.
    pub entry_engines: u32,
    /// Throttle of the entry burn.
    pub entry_throttle: f64,
    /// Engines of the landing burn.
    pub landing_engines: u32,
    /// Throttle that the landing burn is planned for: what is above it is margin.
    pub landing_throttle: f64,
    /// Height at which the legs go out.
    pub legs_altitude_m: f64,
}

/// Dynamic pressure that the structure bears.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Any module on its way up, alone or in the stack.
    pub ascent_pa: f64,
    /// The booster on its way down.
    pub return_pa: f64,
    /// The second stage and the payload in orbit, where the fairing is off.
    pub exposed_pa: f64,
}

impl Vehicle {
    /// Reads and checks a description.
    ///
    /// # Errors
    /// [`Error`] naming the field, the value and what is allowed.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(Error::TooLong {
                bytes: text.len(),
                bytes_max: TEXT_BYTES_MAX,
            });
        }
        let vehicle: Self = toml::from_str(text).map_err(|source| Error::Syntax { source })?;
        check::vehicle(&vehicle)?;
        Ok(vehicle)
    }

    /// A built-in vehicle.
    ///
    /// # Errors
    /// [`Error::UnknownName`] with the names there are.
    pub fn named(name: &str) -> Result<Self, Error> {
        match BUILT_IN.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => Self::parse(text),
            None => {
                let known: Vec<_> = Self::builtin_names().collect();
                Err(Error::UnknownName {
                    name: name.to_owned(),
                    known: known.join(", "),
                })
            }
        }
    }

    /// The names of the built-in vehicles, the reference first.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// The dynamic pressure that a module bears in a phase; `None` where the air cannot hurt it.
    pub fn dynamic_pressure_limit_pa(&self, body: Body, phase: Phase) -> Option<f64> {
        match (body, phase) {
            (_, Phase::Landed | Phase::Destroyed | Phase::Lost) => None,
            (_, phase) if phase.is_on_pad() => None,
            (_, Phase::Ascent | Phase::Attached) => Some(self.limits.ascent_pa),
            (Body::Booster, Phase::Coast | Phase::Flip | Phase::Boostback) => {
                Some(self.limits.ascent_pa)
            }
            (Body::Booster, _) => Some(self.limits.return_pa),
            (_, Phase::Orbit | Phase::Deployed) => Some(self.limits.exposed_pa),
            // It may have been let go early, with its fairing on, where the air is thick.
            (Body::Stage2 | Body::Payload, _) => Some(self.limits.ascent_pa),
        }
    }
}
