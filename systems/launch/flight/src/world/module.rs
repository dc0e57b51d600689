//! One body of the world: mass, engines, joints.

use crate::motion::Motion;
use crate::{Actuators, Body, Engines, Sensors, Vehicle};

use super::TICK_S;

/// Pressure in sound tanks, above the vacuum.
const TANK_PRESSURE_PA: f64 = 350_000.0;

/// What is left of it in tanks that lose it, and how fast they do.
const TANK_PRESSURE_LOW_PA: f64 = 120_000.0;
const TANK_PRESSURE_FALLS_S: f64 = 2.0;

/// Share of the capacity that a leak takes each second.
const LEAK_PER_S: f64 = 0.001;

/// How fast a nose drifts off, and how far.
const DRIFT_RAD_S: f64 = 0.1;
const DRIFT_MAX_RAD: f64 = 1.0;

/// What is wrong with a body, for good.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Faults {
    pub(super) biased: bool,
    pub(super) depressurised: bool,
    pub(super) leaks: bool,
    pub(super) drifts: bool,
    pub(super) stuck_above: bool,
    pub(super) stuck_legs: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Module {
    pub(super) motion: Motion,
    pub(super) actuators: Actuators,
    pub(super) pitch_rad: f64,
    pub(super) felt_m_s2: f64,
    pub(super) propellant_kg: f64,
    /// Thrust of each running engine over its full thrust.
    pub(super) level: f64,
    pub(super) running: u32,
    pub(super) engines: u32,
    pub(super) failed: u32,
    pub(super) attached_below: bool,
    pub(super) fairing_on: bool,
    pub(super) legs_deployed: bool,
    pub(super) landed: bool,
    pub(super) alive: bool,
    pub(super) frozen: Option<Sensors>,
    pub(super) tank_pressure_pa: f64,
    pub(super) leaked_kg: f64,
    pub(super) drift_rad: f64,
    pub(super) faults: Faults,
}

impl Module {
    pub(super) fn on_pad(body: Body, vehicle: &Vehicle) -> Self {
        let (propellant_kg, engines) = match body {
            Body::Booster => (vehicle.booster.propellant_kg, vehicle.booster.engines.count),
            Body::Stage2 => (vehicle.stage2.propellant_kg, vehicle.stage2.engines.count),
            Body::Payload => (0.0, 0),
        };
        let upright = std::f64::consts::FRAC_PI_2;
        Self {
            motion: Motion::default(),
            actuators: Actuators {
                pitch_rad: upright,
                ..Actuators::default()
            },
            pitch_rad: upright,
            felt_m_s2: 0.0,
            propellant_kg,
            level: 0.0,
            running: 0,
            engines,
            failed: 0,
            attached_below: body != Body::Booster,
            fairing_on: body == Body::Stage2,
            legs_deployed: false,
            landed: false,
            alive: true,
            frozen: None,
            tank_pressure_pa: if engines == 0 { 0.0 } else { TANK_PRESSURE_PA },
            leaked_kg: 0.0,
            drift_rad: 0.0,
            faults: Faults::default(),
        }
    }

    /// Takes what is wrong one tick on.
    pub(super) fn suffer(&mut self, capacity_kg: f64) {
        if !self.alive {
            return;
        }
        if self.faults.depressurised {
            let above_low = self.tank_pressure_pa - TANK_PRESSURE_LOW_PA;
            self.tank_pressure_pa -= above_low * TICK_S / TANK_PRESSURE_FALLS_S;
        }
        if self.faults.leaks {
            let lost_kg = (capacity_kg * LEAK_PER_S * TICK_S).min(self.propellant_kg);
            self.propellant_kg -= lost_kg;
            self.leaked_kg += lost_kg;
        }
        if self.faults.drifts {
            self.drift_rad = (self.drift_rad + DRIFT_RAD_S * TICK_S).min(DRIFT_MAX_RAD);
        }
    }

    /// From where the nose is wanted to where it points, -π to π.
    pub(super) fn attitude_error_rad(&self) -> f64 {
        let (sin, cos) = (self.pitch_rad - self.actuators.pitch_rad).sin_cos();
        sin.atan2(cos)
    }

    pub(super) fn commanded(&self) -> u32 {
        self.actuators.engines.min(self.engines)
    }

    pub(super) fn chamber_pressure_ok(&self) -> u32 {
        let all = 1_u32
            .checked_shl(self.engines)
            .map_or(u32::MAX, |bit| bit - 1);
        all & !self.failed
    }

    pub(super) fn fail_engine(&mut self) {
        let healthy = self.chamber_pressure_ok();
        if healthy != 0 {
            self.failed |= 1 << (31 - healthy.leading_zeros());
        }
    }

    pub(super) fn die(&mut self) {
        self.alive = false;
        self.actuators = Actuators::default();
        self.running = 0;
        self.level = 0.0;
        self.attached_below = false;
    }

    /// Takes the engines one tick on and the propellant with them.
    pub(super) fn burn(&mut self, engines: &Engines) {
        let wanted = self
            .commanded()
            .min(self.chamber_pressure_ok().count_ones());
        let target = if wanted == 0 || self.propellant_kg <= 0.0 {
            0.0
        } else {
            self.actuators.throttle.clamp(engines.throttle_min, 1.0)
        };
        let (up, down) = (TICK_S / engines.start_s, TICK_S / engines.stop_s);
        self.level = target.clamp(self.level - down, self.level + up).max(0.0);
        if wanted > 0 {
            self.running = wanted;
        } else {
            self.running = self.running.min(self.chamber_pressure_ok().count_ones());
        }
        let flow = engines.flow_kg_s() * f64::from(self.running) * self.level;
        self.propellant_kg = (self.propellant_kg - flow * TICK_S).max(0.0);
        if self.propellant_kg <= 0.0 || self.level <= 0.0 {
            self.level = 0.0;
            self.running = 0;
        }
    }
}
