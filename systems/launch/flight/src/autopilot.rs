//! The computer of one module: sensors and orders in, actuators and events out.

use serde::{Deserialize, Serialize};

use crate::{Actuators, Body, Event, Order, Phase, Refusal, Sensors, Vehicle};

/// What an autopilot decides in one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// What the module does from now on.
    pub actuators: Actuators,
    /// What it is doing.
    pub phase: Phase,
    /// What happened in this step.
    pub events: Vec<Event>,
}

/// The control law of one module, with its memory; saved and restored by serde.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Autopilot {
    body: Body,
    vehicle: Vehicle,
    phase: Phase,
}

impl Autopilot {
    /// The computer of a body on the pad, in safe.
    pub fn new(body: Body, vehicle: &Vehicle) -> Self {
        Self {
            body,
            vehicle: vehicle.clone(),
            phase: Phase::Safe,
        }
    }

    /// The body it flies.
    pub fn body(&self) -> Body {
        self.body
    }

    /// What it is doing.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Takes an order; it is executed by the next [`step`](Self::step).
    ///
    /// # Errors
    /// [`Refusal`] when the phase or the value does not allow it; nothing changed then.
    pub fn order(&mut self, _order: &Order, _sensors: &Sensors) -> Result<(), Refusal> {
        Ok(())
    }

    /// One step of [`TICK_S`](crate::TICK_S).
    pub fn step(&mut self, _sensors: &Sensors) -> Output {
        Output {
            actuators: Actuators::default(),
            phase: self.phase,
            events: Vec::new(),
        }
    }
}
