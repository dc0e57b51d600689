//! Sensors and actuators on the wire.

use portique_flight::{Actuators, Sensors};
use tonic::Status;

use crate::rpc::{ActuatorFrame, SensorFrame, finite};

/// The fault that a control task passes on to its world, if it is one of those.
pub(crate) fn world_fault(fault: i32) -> Result<portique_flight::Fault, Status> {
    crate::link::world_fault(crate::rpc::orders::injected(fault)?)
        .ok_or_else(|| Status::invalid_argument("this fault is the computer's own"))
}

impl From<&Sensors> for SensorFrame {
    fn from(sensors: &Sensors) -> Self {
        Self {
            t_s: sensors.t_s,
            altitude_m: sensors.altitude_m,
            vertical_speed_m_s: sensors.vertical_speed_m_s,
            horizontal_speed_m_s: sensors.horizontal_speed_m_s,
            speed_m_s: sensors.speed_m_s,
            downrange_m: sensors.downrange_m,
            flight_path_rad: sensors.flight_path_rad,
            pitch_rad: sensors.pitch_rad,
            felt_accel_m_s2: sensors.felt_accel_m_s2,
            dynamic_pressure_pa: sensors.dynamic_pressure_pa,
            mach: sensors.mach,
            throttle: sensors.throttle,
            engines_running: sensors.engines_running,
            engines_commanded: sensors.engines_commanded,
            chamber_pressure_ok: sensors.chamber_pressure_ok,
            propellant_kg: sensors.propellant_kg,
            attached_below: sensors.attached_below,
            attached_above: sensors.attached_above,
            gap_below_m: sensors.gap_below_m,
            gap_above_m: sensors.gap_above_m,
            on_pad: sensors.on_pad,
            landed: sensors.landed,
            alive: sensors.alive,
            fairing_on: sensors.fairing_on,
            legs_deployed: sensors.legs_deployed,
            to_landing_site_m: sensors.to_landing_site_m,
            tank_pressure_pa: sensors.tank_pressure_pa,
            attitude_error_rad: sensors.attitude_error_rad,
        }
    }
}

impl From<&SensorFrame> for Sensors {
    fn from(frame: &SensorFrame) -> Self {
        Self {
            t_s: frame.t_s,
            altitude_m: frame.altitude_m,
            vertical_speed_m_s: frame.vertical_speed_m_s,
            horizontal_speed_m_s: frame.horizontal_speed_m_s,
            speed_m_s: frame.speed_m_s,
            downrange_m: frame.downrange_m,
            flight_path_rad: frame.flight_path_rad,
            pitch_rad: frame.pitch_rad,
            felt_accel_m_s2: frame.felt_accel_m_s2,
            dynamic_pressure_pa: frame.dynamic_pressure_pa,
            mach: frame.mach,
            throttle: frame.throttle,
            engines_running: frame.engines_running,
            engines_commanded: frame.engines_commanded,
            chamber_pressure_ok: frame.chamber_pressure_ok,
            propellant_kg: frame.propellant_kg,
            attached_below: frame.attached_below,
            attached_above: frame.attached_above,
            gap_below_m: frame.gap_below_m,
            gap_above_m: frame.gap_above_m,
            on_pad: frame.on_pad,
            landed: frame.landed,
            alive: frame.alive,
            fairing_on: frame.fairing_on,
            legs_deployed: frame.legs_deployed,
            to_landing_site_m: frame.to_landing_site_m,
            tank_pressure_pa: frame.tank_pressure_pa,
            attitude_error_rad: frame.attitude_error_rad,
        }
    }
}

impl ActuatorFrame {
    /// What this frame makes the module do; numbers that are none are refused.
    pub(crate) fn checked(&self) -> Result<Actuators, Status> {
        Ok(Actuators {
            engines: self.engines,
            throttle: finite("throttle", self.throttle)?,
            pitch_rad: finite("pitch_rad", self.pitch_rad)?,
            separate_below: self.separate_below,
            separate_above: self.separate_above,
            jettison_fairing: self.jettison_fairing,
            deploy_legs: self.deploy_legs,
            destroy: self.destroy,
        })
    }
}

impl From<Actuators> for ActuatorFrame {
    fn from(actuators: Actuators) -> Self {
        Self {
            engines: actuators.engines,
            throttle: actuators.throttle,
            pitch_rad: actuators.pitch_rad,
            separate_below: actuators.separate_below,
            separate_above: actuators.separate_above,
            jettison_fairing: actuators.jettison_fairing,
            deploy_legs: actuators.deploy_legs,
            destroy: actuators.destroy,
            ..Self::default()
        }
    }
}
