//! One step of an autopilot: what it sees, what it may change, what it tells.

use std::collections::BTreeMap;

use super::{Memory, Output};
use crate::motion::Motion;
use crate::{Actuators, Body, Event, EventKind, Phase, Sensors, Vehicle};

/// Distance that confirms a separation besides the opened contacts.
const PARTED_M: f64 = 0.2;

#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) vehicle: &'a Vehicle,
    pub(super) sensors: &'a Sensors,
    pub(super) memory: &'a mut Memory,
    pub(super) events: Vec<Event>,
}

impl Step<'_> {
    pub(super) fn enter(&mut self, phase: Phase) {
        self.memory.phase = phase;
        self.memory.since_s = self.sensors.t_s;
    }

    /// Seconds in this phase.
    pub(super) fn elapsed_s(&self) -> f64 {
        self.sensors.t_s - self.memory.since_s
    }

    pub(super) fn actuators(&mut self) -> &mut Actuators {
        &mut self.memory.actuators
    }

    pub(super) fn engines_off(&mut self) {
        self.memory.actuators.engines = 0;
        self.memory.actuators.throttle = 0.0;
    }

    pub(super) fn report(&mut self, kind: EventKind) {
        self.report_on(kind, self.memory.body);
    }

    pub(super) fn report_on(&mut self, kind: EventKind, body: Body) {
        let s = self.sensors;
        let values = [
            ("altitude_m", s.altitude_m),
            ("speed_m_s", s.speed_m_s),
            ("vertical_speed_m_s", s.vertical_speed_m_s),
            ("downrange_m", s.downrange_m),
            ("dynamic_pressure_pa", s.dynamic_pressure_pa),
            ("felt_accel_m_s2", s.felt_accel_m_s2),
            ("propellant_kg", s.propellant_kg),
            ("throttle", s.throttle),
        ];
        let values: BTreeMap<_, _> = values
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        self.events.push(Event {
            kind,
            body,
            t_s: s.t_s,
            values,
        });
    }

    pub(super) fn notice_engine_out(&mut self) {
        let now = self.sensors.chamber_pressure_ok;
        let before = self.memory.chamber_pressure_ok.replace(now).unwrap_or(now);
        let lost = (before & !now).count_ones();
        if lost > 0 {
            self.report(EventKind::EngineOut);
        }
    }

    pub(super) fn motion(&self) -> Motion {
        Motion {
            altitude_m: self.sensors.altitude_m,
            downrange_m: self.sensors.downrange_m,
            vertical_m_s: self.sensors.vertical_speed_m_s,
            horizontal_m_s: self.sensors.horizontal_speed_m_s,
        }
    }

    /// Whether the orbit stays above the air, so that it is one.
    pub(super) fn is_in_orbit(&self) -> bool {
        /// Height under which no orbit lasts a revolution.
        const PERIGEE_MIN_M: f64 = 120_000.0;
        self.motion().apsides_m(self.vehicle.plan.eastward).0 > PERIGEE_MIN_M
    }

    /// Both signs of a separation from the module below: contacts open, and a distance.
    pub(super) fn is_parted_below(&self) -> bool {
        !self.sensors.attached_below && self.sensors.gap_below_m > PARTED_M
    }

    /// Both signs of a separation from the module above.
    pub(super) fn is_parted_above(&self) -> bool {
        !self.sensors.attached_above && self.sensors.gap_above_m > PARTED_M
    }

    /// The count on the pad: phases by order, events for them. Returns whether it is on the pad;
    /// the step after lift-off, it enters the first phase of flight.
    pub(super) fn stand_on_pad(&mut self) -> bool {
        if !self.memory.phase.is_on_pad() {
            return false;
        }
        if !self.sensors.on_pad {
            self.memory.requested = None;
            self.leave_pad();
            return false;
        }
        if let Some(phase) = self.memory.requested.take() {
            match phase {
                Phase::InternalPower => self.report(EventKind::InternalPower),
                Phase::Startup => self.report(EventKind::Startup),
                Phase::Ignition => self.report(EventKind::EngineStart),
                _ => {}
            }
            self.enter(phase);
        }
        let ignited = self.memory.phase == Phase::Ignition;
        let (engines, throttle) = (
            self.vehicle.booster.engines.count,
            self.vehicle.plan.ascent.throttle,
        );
        self.memory.actuators.engines = if ignited { engines } else { 0 };
        self.memory.actuators.throttle = if ignited { throttle } else { 0.0 };
        true
    }

    /// The first phase of flight, also for a computer that lost its memory in flight.
    fn leave_pad(&mut self) {
        /// Later than this after lift-off the computer was not there at lift-off.
        const LIFTOFF_SEEN_S: f64 = 2.0;
        let s = self.sensors;
        let phase = match self.memory.body {
            Body::Booster if s.landed => Phase::Landed,
            Body::Booster if s.attached_above => Phase::Ascent,
            Body::Booster => Phase::ReentryCoast,
            Body::Stage2 | Body::Payload if s.attached_below => Phase::Attached,
            Body::Stage2 if self.is_in_orbit() => Phase::Orbit,
            Body::Stage2 => Phase::SecondStageBurn,
            Body::Payload if self.is_in_orbit() => Phase::Deployed,
            Body::Payload => Phase::Ballistic,
        };
        if phase == Phase::Ascent && s.t_s < LIFTOFF_SEEN_S {
            self.report(EventKind::Liftoff);
        }
        self.enter(phase);
    }

    pub(super) fn output(self) -> Output {
        Output {
            actuators: self.memory.actuators,
            phase: self.memory.phase,
            events: self.events,
        }
    }
}
