//! The world: the bodies of one rocket, and how they move.

use serde::{Deserialize, Serialize};

use crate::{Actuators, Body, Event, Sensors, Vehicle};

/// One step of the world and of each autopilot, in seconds of flight.
pub const TICK_S: f64 = 0.02;

/// Something made to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// One running engine of the body stops for good.
    EngineOut,
    /// The air is so much denser than the standard that the ascent passes its structural limit.
    DenseAir,
    /// The body's sensors repeat their last values; its clock goes on.
    FrozenSensors,
}

/// The bodies of one rocket, on the pad and in flight.
#[derive(Debug, Clone)]
pub struct World {
    vehicle: Vehicle,
    t_s: f64,
}

impl World {
    /// The rocket on its pad, full, clamps closed, at time 0.
    pub fn new(vehicle: Vehicle) -> Self {
        Self { vehicle, t_s: 0.0 }
    }

    /// The vehicle that flies.
    pub fn vehicle(&self) -> &Vehicle {
        &self.vehicle
    }

    /// Sets the time of the count, negative before lift-off; ignored after it.
    pub fn set_clock(&mut self, t_s: f64) {
        self.t_s = t_s;
    }

    /// Fills the tanks to a fraction of their capacity, 0 to 1; ignored after lift-off.
    pub fn load_propellant(&mut self, _fraction: f64) {}

    /// Opens the clamps. Returns whether the rocket lifted off, which it does if its engines run
    /// with more thrust than weight; if not, the clamps stay closed. The flight's time starts at 0.
    pub fn release(&mut self) -> bool {
        false
    }

    /// Sets what a body does from now on.
    pub fn actuate(&mut self, _body: Body, _actuators: Actuators) {}

    /// Moves everything by [`TICK_S`].
    pub fn step(&mut self) {
        self.t_s += TICK_S;
    }

    /// What a body measures now.
    pub fn sensors(&self, _body: Body) -> Sensors {
        Sensors {
            t_s: self.t_s,
            ..Sensors::default()
        }
    }

    /// Destroys a body, with whatever is still attached to it.
    pub fn destroy(&mut self, _body: Body) {}

    /// Makes something go wrong with a body; [`Fault::DenseAir`] holds for all of them.
    pub fn inject(&mut self, _body: Body, _fault: Fault) {}

    /// What happened since the last call that the world itself knows, in order: `liftoff`,
    /// `stage_separation`, `payload_separation`, `fairing_separation`, `landed`, `destroyed`, `lost`.
    /// Autopilots tell most of it too: a listener of both keeps the first of each kind and body.
    pub fn take_events(&mut self) -> Vec<Event> {
        Vec::new()
    }
}
