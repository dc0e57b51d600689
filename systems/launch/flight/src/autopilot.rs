//! The computer of one module: sensors and orders in, actuators and events out.

mod ascent;
mod booster;
mod demolition;
mod descent;
mod orders;
mod payload;
mod predict;
mod stage2;
mod steering;
mod step;

use serde::{Deserialize, Serialize};

use self::demolition::Demolition;
use self::step::Step;
use crate::{Actuators, Body, Event, EventKind, Order, Phase, Refusal, Sensors, Vehicle};

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

/// The control law of one module, with its memory.
///
/// Saved and restored by serde: a computer that restarts goes on where the memory was saved. One
/// that starts afresh in flight takes the phase that its sensors fit best.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Autopilot {
    vehicle: Vehicle,
    memory: Memory,
    pilot: Pilot,
}

/// What every module's computer remembers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Memory {
    body: Body,
    phase: Phase,
    /// When the phase began.
    since_s: f64,
    actuators: Actuators,
    /// The phase on the pad that an order asked for.
    requested: Option<Phase>,
    manual_throttle: Option<f64>,
    stage_ordered: bool,
    deploy_ordered: bool,
    /// The engines' chamber pressures at the last step.
    chamber_pressure_ok: Option<u32>,
    demolition: Option<Demolition>,
}

/// What one kind of module remembers besides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Pilot {
    Booster(booster::Pilot),
    Stage2(stage2::Pilot),
    Payload,
}

impl Autopilot {
    /// The computer of a body on the pad, in safe.
    pub fn new(body: Body, vehicle: &Vehicle) -> Self {
        let pilot = match body {
            Body::Booster => Pilot::Booster(booster::Pilot::default()),
            Body::Stage2 => Pilot::Stage2(stage2::Pilot::default()),
            Body::Payload => Pilot::Payload,
        };
        Self {
            vehicle: vehicle.clone(),
            memory: Memory::on_pad(body),
            pilot,
        }
    }

    /// The body it flies.
    pub fn body(&self) -> Body {
        self.memory.body
    }

    /// What it is doing.
    pub fn phase(&self) -> Phase {
        self.memory.phase
    }

    /// Takes an order; it is executed by the next [`step`](Self::step).
    ///
    /// # Errors
    /// [`Refusal`] when the phase or the value does not allow it; nothing changed then.
    pub fn order(&mut self, order: &Order, sensors: &Sensors) -> Result<(), Refusal> {
        orders::take(&mut self.memory, &self.vehicle, order, sensors)
    }

    /// One step of [`TICK_S`](crate::TICK_S).
    pub fn step(&mut self, sensors: &Sensors) -> Output {
        let mut step = Step {
            vehicle: &self.vehicle,
            sensors,
            memory: &mut self.memory,
            events: Vec::new(),
        };
        if demolition::step(&mut step) || step.is_over() {
            return step.output();
        }
        step.notice_engine_out();
        match &mut self.pilot {
            Pilot::Booster(pilot) => booster::step(pilot, &mut step),
            Pilot::Stage2(pilot) => stage2::step(pilot, &mut step),
            Pilot::Payload => payload::step(&mut step),
        }
        step.output()
    }
}

impl Memory {
    fn on_pad(body: Body) -> Self {
        let upright = std::f64::consts::FRAC_PI_2;
        Self {
            body,
            phase: Phase::Safe,
            since_s: 0.0,
            actuators: Actuators {
                pitch_rad: upright,
                ..Actuators::default()
            },
            requested: None,
            manual_throttle: None,
            stage_ordered: false,
            deploy_ordered: false,
            chamber_pressure_ok: None,
            demolition: None,
        }
    }
}

impl Step<'_> {
    /// Whether nothing is left to fly; says so once.
    fn is_over(&mut self) -> bool {
        if matches!(self.memory.phase, Phase::Destroyed | Phase::Lost) {
            return true;
        }
        if self.sensors.alive {
            return false;
        }
        self.memory.actuators = Actuators::default();
        self.report(EventKind::Lost);
        self.enter(Phase::Lost);
        true
    }
}
