//! The bodies of a rocket, what they sense and what moves them.

use serde::{Deserialize, Serialize};

use crate::words::words;

words! {
    /// A part of the rocket with a computer of its own, from the bottom up.
    Body, "body", {
        /// The first stage, which flies back.
        Booster => "booster",
        /// The second stage, with the fairing.
        Stage2 => "stage2",
        /// What is delivered.
        Payload => "payload",
    }
}

impl Body {
    /// The position in the stack from the bottom, 0 to 2.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// What stands on this body.
    pub const fn above(self) -> Option<Self> {
        match self {
            Self::Booster => Some(Self::Stage2),
            Self::Stage2 => Some(Self::Payload),
            Self::Payload => None,
        }
    }

    /// What this body stands on.
    pub const fn below(self) -> Option<Self> {
        match self {
            Self::Booster => None,
            Self::Stage2 => Some(Self::Booster),
            Self::Payload => Some(Self::Stage2),
        }
    }
}

/// What one module measures at one moment.
///
/// Speeds, angles and distances are relative to the rotating Earth, in the plane of the flight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Sensors {
    /// Seconds since lift-off; negative before.
    pub t_s: f64,
    /// Height above the pad.
    pub altitude_m: f64,
    /// Its derivative.
    pub vertical_speed_m_s: f64,
    /// Speed over ground, positive away from the pad down-range.
    pub horizontal_speed_m_s: f64,
    /// Length of the velocity.
    pub speed_m_s: f64,
    /// Distance over ground from the pad, signed.
    pub downrange_m: f64,
    /// Angle of the velocity above the local horizontal, -π to π; over π/2 when flying back.
    pub flight_path_rad: f64,
    /// Direction of the nose above the local horizontal down-range; over π/2 when pointing back.
    pub pitch_rad: f64,
    /// What an accelerometer feels along the velocity; negative when braking.
    pub felt_accel_m_s2: f64,
    /// Half of density times speed squared.
    pub dynamic_pressure_pa: f64,
    /// Speed over the speed of sound.
    pub mach: f64,
    /// Thrust of the running engines over their full thrust, 0 to 1.
    pub throttle: f64,
    /// Engines that deliver thrust.
    pub engines_running: u32,
    /// Engines told to run.
    pub engines_commanded: u32,
    /// One bit per engine, set when its chamber pressure is what was asked (off engines: set).
    pub chamber_pressure_ok: u32,
    /// Propellant left in this module.
    pub propellant_kg: f64,
    /// Whether the module below is still connected.
    pub attached_below: bool,
    /// Whether the module above is still connected.
    pub attached_above: bool,
    /// Distance to the module below since it was released, by a sensor of its own; 0 when attached.
    pub gap_below_m: f64,
    /// Distance to the module above since it was released; 0 when attached.
    pub gap_above_m: f64,
    /// Whether the clamps hold the stack.
    pub on_pad: bool,
    /// Whether it stands on the ground after its flight.
    pub landed: bool,
    /// Whether the module exists; a dead module repeats its last values.
    pub alive: bool,
    /// Whether the fairing is on.
    pub fairing_on: bool,
    /// Whether the legs are out.
    pub legs_deployed: bool,
    /// Distance over ground to the landing site, positive when it lies ahead down-range.
    pub to_landing_site_m: f64,
    /// Pressure in the tanks; 0 in a module without any.
    pub tank_pressure_pa: f64,
    /// From where the nose is wanted to where it points, -π to π.
    pub attitude_error_rad: f64,
}

/// What one module does to itself, held until the next set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Actuators {
    /// Engines that shall run; the world takes no more than there are.
    pub engines: u32,
    /// Fraction of full thrust of each; the world clamps it to what the engine can do.
    pub throttle: f64,
    /// Direction of the thrust above the local horizontal down-range; over π/2 points back.
    pub pitch_rad: f64,
    /// Let go of the module below.
    pub separate_below: bool,
    /// Let go of the module above.
    pub separate_above: bool,
    /// Drop the fairing.
    pub jettison_fairing: bool,
    /// Put the legs out.
    pub deploy_legs: bool,
    /// Destroy the module, with whatever is still attached to it.
    pub destroy: bool,
}
