//! Structural limits, watched as samples arrive.
//!
//! A limit is passed when two good samples in a row are over it: one is a sensor's word against the
//! structure's. Passing it is critical, once per module and flight.

use portique_flight::{Body, Vehicle};

use crate::mission::Severity;
use crate::{ModuleId, Quality, Sample};

/// Good samples in a row over the limit before it counts.
const SAMPLES_TO_TRIP: u32 = 2;

/// A limit that was passed.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// The rule's name.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The value.
    pub value: f64,
    /// The limit.
    pub limit: f64,
}

/// The watch over one module.
#[derive(Debug, Clone)]
pub struct LimitWatch {
    body: Option<Body>,
    samples_over: u32,
    has_tripped: bool,
}

impl LimitWatch {
    /// A watch over the module of this name; one that is no body of the vehicle has no limits.
    pub fn new(module: &ModuleId) -> Self {
        Self {
            body: module.as_str().parse().ok(),
            samples_over: 0,
            has_tripped: false,
        }
    }

    /// Takes in a sample; answers when it is the one that trips the limit.
    pub fn observe(&mut self, vehicle: &Vehicle, sample: &Sample) -> Option<Violation> {
        let limit = vehicle.dynamic_pressure_limit_pa(self.body?, sample.phase)?;
        let value = sample.dynamic_pressure_pa;
        if value.is_nan() || value <= limit {
            self.samples_over = 0;
            return None;
        }
        if sample.quality != Quality::Good || self.has_tripped {
            return None;
        }
        self.samples_over += 1;
        if self.samples_over < SAMPLES_TO_TRIP {
            return None;
        }
        self.has_tripped = true;
        let rule = "dynamic pressure over the structural limit";
        Some(Violation {
            rule,
            severity: Severity::Critical,
            value,
            limit,
        })
    }
}

#[cfg(test)]
mod tests {
    use portique_flight::Phase;

    use super::*;

    fn watch_ascent(samples: &[(f64, Quality)]) -> Vec<usize> {
        let vehicle = Vehicle::named("reference").unwrap();
        let limit = vehicle
            .dynamic_pressure_limit_pa(Body::Booster, Phase::Ascent)
            .unwrap();
        let mut watch = LimitWatch::new(&ModuleId::new("booster").unwrap());
        let trips = samples
            .iter()
            .enumerate()
            .filter_map(|(index, (share, quality))| {
                let sample = Sample {
                    phase: Phase::Ascent,
                    dynamic_pressure_pa: share * limit,
                    quality: *quality,
                    ..Sample::default()
                };
                watch.observe(&vehicle, &sample).map(|_| index)
            });
        trips.collect()
    }

    #[test]
    fn two_good_samples_in_a_row_trip_once() {
        let good = |share| (share, Quality::Good);
        assert_eq!(
            watch_ascent(&[good(0.9), good(1.1), good(1.1), good(1.2), good(1.3)]),
            [2]
        );
        assert!(watch_ascent(&[good(1.1), good(0.9), good(1.1), good(1.0)]).is_empty());
        assert!(watch_ascent(&[good(f64::NAN), good(f64::NAN), good(1.1)]).is_empty());
    }

    #[test]
    fn a_frozen_sensor_trips_nothing() {
        let frozen = (1.5, Quality::Frozen);
        assert!(watch_ascent(&[frozen, frozen, frozen]).is_empty());
    }

    #[test]
    fn the_same_pressure_is_allowed_on_the_way_down() {
        let vehicle = Vehicle::named("reference").unwrap();
        let ascent = vehicle
            .dynamic_pressure_limit_pa(Body::Booster, Phase::Ascent)
            .unwrap();
        let mut watch = LimitWatch::new(&ModuleId::new("booster").unwrap());
        let sample = Sample {
            phase: Phase::AeroGuidance,
            dynamic_pressure_pa: ascent * 1.2,
            ..Sample::default()
        };
        assert_eq!(watch.observe(&vehicle, &sample), None);
        assert_eq!(watch.observe(&vehicle, &sample), None);
    }
}
