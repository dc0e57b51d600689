//! Samples and events on the wire.

use tonic::Status;

use crate::rpc::{self, finite, word};
use crate::{FlightEvent, Quality, Sample};

/// Values of one event: more than any standard event has, little enough for a log line.
const EVENT_VALUES_MAX: usize = 32;

/// Longest name of a value, in bytes; with [`EVENT_VALUES_MAX`] it keeps an event below 4 KiB.
const VALUE_NAME_BYTES_MAX: usize = 64;

impl From<&Sample> for rpc::Sample {
    fn from(sample: &Sample) -> Self {
        Self {
            t_s: sample.t_s,
            speed_m_s: sample.speed_m_s,
            altitude_m: sample.altitude_m,
            vertical_speed_m_s: sample.vertical_speed_m_s,
            downrange_m: sample.downrange_m,
            felt_accel_m_s2: sample.felt_accel_m_s2,
            dynamic_pressure_pa: sample.dynamic_pressure_pa,
            mach: sample.mach,
            throttle: sample.throttle,
            engines_running: sample.engines_running,
            propellant_kg: sample.propellant_kg,
            phase: sample.phase.as_str().to_owned(),
            healthy: sample.healthy,
        }
    }
}

impl TryFrom<rpc::Sample> for Sample {
    type Error = Status;

    fn try_from(message: rpc::Sample) -> Result<Self, Status> {
        Ok(Self {
            t_s: finite("t_s", message.t_s)?,
            speed_m_s: finite("speed_m_s", message.speed_m_s)?,
            altitude_m: finite("altitude_m", message.altitude_m)?,
            vertical_speed_m_s: finite("vertical_speed_m_s", message.vertical_speed_m_s)?,
            downrange_m: finite("downrange_m", message.downrange_m)?,
            felt_accel_m_s2: finite("felt_accel_m_s2", message.felt_accel_m_s2)?,
            dynamic_pressure_pa: finite("dynamic_pressure_pa", message.dynamic_pressure_pa)?,
            mach: finite("mach", message.mach)?,
            throttle: finite("throttle", message.throttle)?,
            engines_running: message.engines_running,
            propellant_kg: finite("propellant_kg", message.propellant_kg)?,
            phase: word(&message.phase)?,
            healthy: message.healthy,
            quality: Quality::Good,
        })
    }
}

impl From<FlightEvent> for rpc::Event {
    fn from(event: FlightEvent) -> Self {
        Self {
            kind: event.kind.as_str().to_owned(),
            t_s: event.t_s,
            values: event.values.into_iter().collect(),
            module: String::new(),
        }
    }
}

impl TryFrom<rpc::Event> for FlightEvent {
    type Error = Status;

    fn try_from(event: rpc::Event) -> Result<Self, Status> {
        if event.values.len() > EVENT_VALUES_MAX {
            return Err(Status::invalid_argument("values: at most 32 in an event"));
        }
        for (name, value) in &event.values {
            if !is_value_name(name) {
                return Err(Status::invalid_argument(
                    "values: a name is 1 to 64 of a-z A-Z 0-9 _ - .",
                ));
            }
            finite(name, *value)?;
        }
        Ok(Self {
            kind: word(&event.kind)?,
            t_s: finite("t_s", event.t_s)?,
            values: event.values.into_iter().collect(),
        })
    }
}

fn is_value_name(name: &str) -> bool {
    let may = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.');
    (1..=VALUE_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(may)
}
