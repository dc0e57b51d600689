//! Samples and events on the wire.

use std::collections::HashSet;

use tonic::Status;

use crate::rpc::{self, finite, word};
use crate::service::is_of_every_module;
use crate::{FlightEvent, PARAMETERS_MAX, Parameter, Parameters, Quality, Sample};

/// Values of one event: more than any standard event has, little enough for a log line.
const EVENT_VALUES_MAX: usize = 32;

/// Longest name of a value, in bytes; with [`EVENT_VALUES_MAX`] it keeps an event below 4 KiB.
const VALUE_NAME_BYTES_MAX: usize = 64;

/// Longest part of a parameter, in bytes: as long as a module's name.
const PART_BYTES_MAX: usize = 32;

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
            parameters: sample.parameters.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Parameter> for rpc::Parameter {
    fn from(parameter: &Parameter) -> Self {
        Self {
            name: parameter.name.clone(),
            part: parameter.part.clone().unwrap_or_default(),
            value: parameter.value,
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
            parameters: checked(message.parameters)?,
        })
    }
}

/// Each has a name that a metric can have and a value that was measured, and none comes twice.
fn checked(parameters: Vec<rpc::Parameter>) -> Result<Parameters, Status> {
    let refused = |problem: String| Status::invalid_argument(format!("parameters: {problem}"));
    if parameters.len() > PARAMETERS_MAX {
        let count = parameters.len();
        return Err(refused(format!(
            "{count} in a sample: at most {PARAMETERS_MAX}"
        )));
    }
    let mut seen = HashSet::with_capacity(parameters.len());
    for rpc::Parameter { name, part, value } in &parameters {
        if !is_parameter_name(name) || part.len() > PART_BYTES_MAX || !part.bytes().all(is_part) {
            return Err(refused(
                "a name is 1 to 64 of a-z 0-9 _, first a letter; a part at most 32 of a-z 0-9 -"
                    .into(),
            ));
        }
        if is_of_every_module(name) {
            return Err(refused(format!("the ground has {name} for every module")));
        }
        finite(name, *value)?;
        if !seen.insert((name, part)) {
            return Err(refused(format!("{name} comes twice")));
        }
    }
    let all = parameters.into_iter().map(|one| Parameter {
        name: one.name,
        part: (!one.part.is_empty()).then_some(one.part),
        value: one.value,
    });
    Ok(all.collect::<Vec<_>>().into())
}

fn is_parameter_name(name: &str) -> bool {
    let may = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
    name.len() <= VALUE_NAME_BYTES_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(may)
}

fn is_part(c: u8) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-'
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
