//! What the figures of a sample are called in the store.

use crate::{Quality, Sample};

use super::PREFIX;

/// A figure that every module has.
pub(super) struct Metric {
    /// Without the prefix.
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) help: &'static str,
    pub(super) of: fn(&Sample) -> f64,
    /// Puts a stored value back; those that are made of others have none.
    pub(super) into: fn(&mut Sample, f64),
}

macro_rules! metric {
    ($name:literal, $unit:literal, $help:literal, $field:ident) => {
        Metric {
            name: $name,
            unit: $unit,
            help: $help,
            of: |sample| sample.$field,
            into: |sample, value| sample.$field = value,
        }
    };
}

/// In every sample, in this order.
pub(super) const METRICS: [Metric; 14] = [
    metric!(
        "t_seconds",
        "seconds",
        "Time since lift-off, negative before",
        t_s
    ),
    metric!(
        "speed_metres_per_second",
        "metres_per_second",
        "Speed relative to the rotating Earth",
        speed_m_s
    ),
    metric!(
        "altitude_metres",
        "metres",
        "Height above the sea level of the pad",
        altitude_m
    ),
    metric!(
        "vertical_speed_metres_per_second",
        "metres_per_second",
        "Climb",
        vertical_speed_m_s
    ),
    metric!(
        "downrange_metres",
        "metres",
        "Distance over ground from the pad",
        downrange_m
    ),
    metric!(
        "felt_acceleration_metres_per_second_squared",
        "metres_per_second_squared",
        "Acceleration felt along the track",
        felt_accel_m_s2
    ),
    metric!(
        "dynamic_pressure_pascals",
        "pascals",
        "Half of density times speed squared",
        dynamic_pressure_pa
    ),
    metric!("mach", "", "Speed over the speed of sound", mach),
    metric!(
        "throttle_ratio",
        "",
        "Thrust of the running engines over their full thrust",
        throttle
    ),
    Metric {
        name: "engines_running",
        unit: "",
        help: "Engines that deliver thrust",
        of: |sample| f64::from(sample.engines_running),
        into: |sample, value| sample.engines_running = value as u32,
    },
    metric!(
        "propellant_kilograms",
        "kilograms",
        "Propellant left in the module",
        propellant_kg
    ),
    Metric {
        name: "healthy",
        unit: "",
        help: "1 while everything on board works",
        of: |sample| f64::from(u8::from(sample.healthy)),
        into: |sample, value| sample.healthy = value == 1.0,
    },
    Metric {
        name: "frozen",
        unit: "",
        help: "1 while the sensors repeat what must have changed",
        of: |sample| f64::from(u8::from(sample.quality == Quality::Frozen)),
        into: |sample, value| {
            if value == 1.0 {
                sample.quality = Quality::Frozen;
            }
        },
    },
    Metric {
        name: "after_gap",
        unit: "",
        help: "1 for the first sample after a gap in the source",
        of: |sample| f64::from(u8::from(sample.quality == Quality::AfterGap)),
        into: |sample, value| {
            if value == 1.0 {
                sample.quality = Quality::AfterGap;
            }
        },
    },
];

/// The metric that is there for every sample, and is looked for first.
pub(super) const T: &str = "launch_t_seconds";
/// 1, with the phase as a label: a label that changes would split every other series.
pub(super) const PHASE: &str = "launch_phase";

/// What is made on the ground: name, unit, help.
pub(super) const MADE: [(&str, &str, &str); 8] = [
    ("phase", "", "1, with what the module is doing as a label"),
    (
        "phase_seconds",
        "seconds",
        "Flight time since the phase began",
    ),
    (
        "dynamic_pressure_limit_pascals",
        "pascals",
        "The dynamic pressure that the module bears in its phase",
    ),
    (
        "dynamic_pressure_limit_ratio",
        "",
        "The dynamic pressure over what the module bears in its phase",
    ),
    (
        "propellant_loss_kilograms_per_second",
        "kilograms_per_second",
        "Propellant that goes without its engines' doing",
    ),
    (
        "sensor_disagreement_metres_per_second",
        "metres_per_second",
        "Climb that is told less the climb that is seen in the altitude",
    ),
    (
        "telemetry_lost_ratio",
        "",
        "The share of the last samples sent that was not heard",
    ),
    (
        "telemetry_up",
        "",
        "1 while telemetry is heard, 0 from its interruption on",
    ),
];

/// Whether the ground has this figure, without its prefix, for every module: no module may give it.
pub(crate) fn is_of_every_module(name: &str) -> bool {
    let measured = METRICS.iter().map(|metric| metric.name);
    measured
        .chain(MADE.map(|(name, _, _)| name))
        .any(|known| known == name)
}

/// A metric's whole name.
pub(super) fn full(name: &str) -> String {
    format!("{PREFIX}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_of_a_sample_comes_back() {
        let sample = Sample {
            t_s: -1.5,
            altitude_m: 3.0,
            engines_running: 9,
            healthy: true,
            quality: Quality::Frozen,
            ..Sample::default()
        };
        let mut back = Sample::default();
        for metric in &METRICS {
            (metric.into)(&mut back, (metric.of)(&sample));
        }
        assert_eq!(back, sample);
        assert!(is_of_every_module("phase") && is_of_every_module("altitude_metres"));
        assert!(!is_of_every_module("chamber_pressure_pascals"));
    }
}
