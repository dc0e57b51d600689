//! One body of the world: mass, engines, joints.

use crate::motion::Motion;
use crate::{Actuators, Body, Engines, Sensors, Vehicle};

use super::TICK_S;

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
        }
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
