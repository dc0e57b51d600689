//! The world: the bodies of one rocket, and how they move.

mod forces;
mod module;
mod stack;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::module::Module;
use crate::atmosphere::air_at;
use crate::motion::flow;
use crate::{Actuators, Body, BoosterReturn, Event, EventKind, Sensors, Vehicle};

/// One step of the world and of each autopilot, in seconds of flight.
pub const TICK_S: f64 = 0.02;

/// Density factor of [`Fault::DenseAir`]: no air is like that, which is the point. It passes the
/// ascent limit of the built-in vehicles in spite of their throttle bucket.
const DENSE_AIR_FACTOR: f64 = 1.8;

/// Climb that a sensor with [`Fault::BiasedSensors`] reads too much.
const CLIMB_BIAS_M_S: f64 = 60.0;

/// Distance at which two released bodies count as parted.
const PARTED_M: f64 = 0.5;

/// Events kept for a listener that does not come; the oldest go first.
const EVENTS_MAX: usize = 256;

/// Something made to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// One engine of the body stops for good.
    EngineOut,
    /// The air is so much denser than the standard that the ascent passes its structural limit.
    DenseAir,
    /// The body's sensors repeat their last values; its clock goes on.
    FrozenSensors,
    /// The body's climb sensor reads too much, and its speed with it.
    BiasedSensors,
    /// The pressure in the body's tanks falls to a third.
    TankPressureDrop,
    /// The body loses a thousandth of its capacity of propellant each second.
    PropellantLeak,
    /// The body's nose turns away from where it is wanted.
    AttitudeDrift,
    /// The joint above the body does not open.
    StuckSeparation,
    /// The body's legs stay in.
    LegFailure,
}

/// The bodies of one rocket, on the pad and in flight.
#[derive(Debug, Clone)]
pub struct World {
    vehicle: Vehicle,
    modules: [Module; 3],
    t_s: f64,
    ticks: u64,
    released: bool,
    density_factor: f64,
    parted: bool,
    events: Vec<Event>,
}

impl World {
    /// The rocket on its pad, full, clamps closed, at time 0.
    pub fn new(vehicle: Vehicle) -> Self {
        let modules =
            [Body::Booster, Body::Stage2, Body::Payload].map(|body| Module::on_pad(body, &vehicle));
        Self {
            vehicle,
            modules,
            t_s: 0.0,
            ticks: 0,
            released: false,
            density_factor: 1.0,
            parted: false,
            events: Vec::new(),
        }
    }

    /// The vehicle that flies.
    pub fn vehicle(&self) -> &Vehicle {
        &self.vehicle
    }

    /// Sets the time of the count, negative before lift-off; ignored after it.
    pub fn set_clock(&mut self, t_s: f64) {
        if !self.released && t_s.is_finite() {
            self.t_s = t_s;
        }
    }

    /// Fills the tanks to a fraction of their capacity, 0 to 1; ignored after lift-off.
    pub fn load_propellant(&mut self, fraction: f64) {
        if self.released || !fraction.is_finite() {
            return;
        }
        for body in [Body::Booster, Body::Stage2] {
            let full = self.capacity_kg(body);
            let module = &mut self.modules[body.index()];
            module.propellant_kg = (full * fraction.clamp(0.0, 1.0) - module.leaked_kg).max(0.0);
        }
    }

    /// Opens the clamps. Returns whether the rocket lifted off, which it does if its engines run
    /// with more thrust than weight; if not, the clamps stay closed. The flight's time starts at 0.
    pub fn release(&mut self) -> bool {
        if self.released || !self.lifts() {
            return false;
        }
        self.released = true;
        self.t_s = 0.0;
        self.ticks = 0;
        self.note(EventKind::Liftoff, Body::Booster, &[]);
        true
    }

    /// Sets what a body does from now on. Values that are no numbers are taken as the last ones.
    pub fn actuate(&mut self, body: Body, actuators: Actuators) {
        let held = &mut self.modules[body.index()].actuators;
        let throttle = if actuators.throttle.is_finite() {
            actuators.throttle
        } else {
            held.throttle
        };
        let pitch_rad = if actuators.pitch_rad.is_finite() {
            actuators.pitch_rad
        } else {
            held.pitch_rad
        };
        *held = Actuators {
            throttle,
            pitch_rad,
            ..actuators
        };
    }

    /// Moves everything by [`TICK_S`]. Before lift-off only the engines change: the time is the
    /// count's, see [`set_clock`](Self::set_clock).
    pub fn step(&mut self) {
        self.obey();
        for body in [Body::Booster, Body::Stage2] {
            self.burn(body);
            let capacity_kg = self.capacity_kg(body);
            self.modules[body.index()].suffer(capacity_kg);
        }
        if self.released {
            self.ticks += 1;
            self.t_s = self.ticks as f64 * TICK_S;
            self.fly();
            self.notice_parting();
        }
        for body in [Body::Booster, Body::Stage2, Body::Payload] {
            self.measure(body);
        }
    }

    /// What a body measures now.
    pub fn sensors(&self, body: Body) -> Sensors {
        let module = &self.modules[body.index()];
        match module.frozen {
            Some(frozen) => Sensors {
                t_s: self.t_s,
                ..frozen
            },
            None => self.sensed(body),
        }
    }

    /// Destroys a body, with whatever is still attached to it.
    pub fn destroy(&mut self, body: Body) {
        if !self.modules[body.index()].alive {
            return;
        }
        for member in self.stack_of(body) {
            let kind = if member == body {
                EventKind::Destroyed
            } else {
                EventKind::Lost
            };
            self.kill(member, kind);
        }
    }

    /// Makes something go wrong with a body; [`Fault::DenseAir`] holds for all of them.
    pub fn inject(&mut self, body: Body, fault: Fault) {
        match fault {
            Fault::DenseAir => self.density_factor = DENSE_AIR_FACTOR,
            Fault::FrozenSensors => {
                let sensors = self.sensors(body);
                self.modules[body.index()].frozen = Some(sensors);
            }
            Fault::EngineOut => self.modules[body.index()].fail_engine(),
            Fault::BiasedSensors => self.modules[body.index()].faults.biased = true,
            Fault::TankPressureDrop => self.modules[body.index()].faults.depressurised = true,
            Fault::PropellantLeak => self.modules[body.index()].faults.leaks = true,
            Fault::AttitudeDrift => self.modules[body.index()].faults.drifts = true,
            Fault::StuckSeparation => self.modules[body.index()].faults.stuck_above = true,
            Fault::LegFailure => self.modules[body.index()].faults.stuck_legs = true,
        }
    }

    /// What happened since the last call that the world itself knows, in order: `liftoff`,
    /// `stage_separation`, `landing`, `landed`, `destroyed`, `lost` (with `impact_speed_m_s`).
    /// Autopilots tell most of it too: a listener of both keeps the first of each kind and body.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    fn capacity_kg(&self, body: Body) -> f64 {
        match body {
            Body::Booster => self.vehicle.booster.propellant_kg,
            Body::Stage2 => self.vehicle.stage2.propellant_kg,
            Body::Payload => 0.0,
        }
    }

    fn kill(&mut self, body: Body, kind: EventKind) {
        let impact_speed_m_s = self.modules[body.index()].motion.speed();
        self.note(kind, body, &[("impact_speed_m_s", impact_speed_m_s)]);
        self.modules[body.index()].die();
        if let Some(above) = body.above() {
            self.modules[above.index()].attached_below = false;
        }
    }

    fn notice_parting(&mut self) {
        if self.parted || self.modules[Body::Stage2.index()].attached_below {
            return;
        }
        let gap_m = self.gap_m(Body::Booster, Body::Stage2);
        if gap_m > PARTED_M {
            self.parted = true;
            self.note(
                EventKind::StageSeparation,
                Body::Booster,
                &[("gap_m", gap_m)],
            );
        }
    }

    fn note(&mut self, kind: EventKind, body: Body, more: &[(&str, f64)]) {
        let motion = self.modules[body.index()].motion;
        let mut values = BTreeMap::from([
            ("altitude_m".to_owned(), motion.altitude_m),
            ("speed_m_s".to_owned(), motion.speed()),
        ]);
        values.extend(more.iter().map(|&(name, value)| (name.to_owned(), value)));
        if self.events.len() == EVENTS_MAX {
            self.events.remove(0);
        }
        self.events.push(Event {
            kind,
            body,
            t_s: self.t_s,
            values,
        });
    }

    fn gap_m(&self, one: Body, other: Body) -> f64 {
        let (a, b) = (
            self.modules[one.index()].motion,
            self.modules[other.index()].motion,
        );
        (a.altitude_m - b.altitude_m).hypot(a.downrange_m - b.downrange_m)
    }

    fn sensed(&self, body: Body) -> Sensors {
        let module = &self.modules[body.index()];
        let motion = module.motion;
        let (vertical_speed_m_s, speed_m_s) = if module.faults.biased {
            let climb = motion.vertical_m_s + CLIMB_BIAS_M_S;
            (climb, climb.hypot(motion.horizontal_m_s))
        } else {
            (motion.vertical_m_s, motion.speed())
        };
        let mut air = air_at(motion.altitude_m);
        air.density_kg_m3 *= self.density_factor;
        let (dynamic_pressure_pa, mach) = flow(&air, motion.speed());
        let attached_above = body
            .above()
            .is_some_and(|b| self.modules[b.index()].attached_below);
        let gap = |neighbour: Option<Body>, attached: bool| match neighbour {
            Some(neighbour) if !attached => self.gap_m(body, neighbour),
            _ => 0.0,
        };
        Sensors {
            t_s: self.t_s,
            altitude_m: motion.altitude_m,
            vertical_speed_m_s,
            horizontal_speed_m_s: motion.horizontal_m_s,
            speed_m_s,
            downrange_m: motion.downrange_m,
            flight_path_rad: motion.vertical_m_s.atan2(motion.horizontal_m_s),
            pitch_rad: module.pitch_rad,
            felt_accel_m_s2: module.felt_m_s2,
            dynamic_pressure_pa,
            mach,
            throttle: module.level,
            engines_running: module.running,
            engines_commanded: module.commanded(),
            chamber_pressure_ok: module.chamber_pressure_ok(),
            propellant_kg: module.propellant_kg,
            attached_below: module.attached_below,
            attached_above,
            gap_below_m: gap(body.below(), module.attached_below),
            gap_above_m: gap(body.above(), attached_above),
            on_pad: !self.released,
            landed: module.landed,
            alive: module.alive,
            fairing_on: self.modules[Body::Stage2.index()].fairing_on && body != Body::Booster,
            legs_deployed: module.legs_deployed,
            to_landing_site_m: self.to_landing_site_m(body),
            tank_pressure_pa: module.tank_pressure_pa,
            attitude_error_rad: module.attitude_error_rad(),
        }
    }

    fn to_landing_site_m(&self, body: Body) -> f64 {
        match (body, &self.vehicle.plan.booster_return) {
            (Body::Booster, BoosterReturn::ReturnToPad(_)) => {
                -self.modules[body.index()].motion.downrange_m
            }
            _ => 0.0,
        }
    }
}
