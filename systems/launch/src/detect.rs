//! Event detection on the ground: what happened, from speed and altitude alone.
//!
//! A [`Detector`] is fed samples as they arrive and answers with events as soon as they are certain, which
//! is some seconds after they happened: [`Detected::t_s`] is the time of the event, not of its detection.
//! It works on time stamps only, so a replay at any pace finds the same; and on the raw display values only
//! (time, speed, altitude), so a webcast's overlay at 30 Hz and a clean stream at 1 Hz go the same way:
//! `track` turns readings into smooth motion, `flight` follows the phases of the flight over it.
//!
//! What happened inside a long gap or freeze is never guessed: the phase moves on, no event is told.
//! Stage separation, fairing, legs and payload do not show in speed and altitude and are not detected.

mod flight;
#[cfg(test)]
mod tests;
mod track;

use std::collections::BTreeMap;

use portique_flight::EventKind;
use serde::{Deserialize, Serialize};

use crate::{Quality, Sample};

pub(crate) use self::track::{ORBIT_SPEED_MIN_M_S, ORBIT_STILL_S};

use self::flight::Flight;
use self::track::{Reading, Track};

/// An event that the ground saw in the telemetry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detected {
    /// What happened.
    pub event: EventKind,
    /// When it happened, seconds since lift-off.
    pub t_s: f64,
    /// The values behind it: `speed_m_s`, `altitude_m`, `vertical_speed_m_s`, `felt_accel_m_s2`,
    /// `dynamic_pressure_pa`, `mach`.
    #[serde(flatten)]
    pub values: BTreeMap<String, f64>,
}

/// The watch over the telemetry of one vehicle, from wherever it begins.
///
/// Memory is bounded: some seconds of samples. Each event is told once.
#[derive(Debug, Clone, Default)]
pub struct Detector {
    track: Track,
    flight: Flight,
}

impl Detector {
    /// A watch that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next sample and answers with what is certain by now.
    ///
    /// Samples marked as frozen, with values that are no numbers, or not later than the one before
    /// are ignored.
    pub fn observe(&mut self, sample: &Sample) -> Vec<Detected> {
        if sample.quality == Quality::Frozen {
            return Vec::new();
        }
        self.observe_raw(sample.t_s, sample.speed_m_s, sample.altitude_m)
    }

    /// The same for the three values that a display shows.
    pub fn observe_raw(&mut self, t_s: f64, speed_m_s: f64, altitude_m: f64) -> Vec<Detected> {
        self.track.push(Reading {
            t_s,
            speed_m_s,
            altitude_m,
        });
        self.advance(false)
    }

    /// No more samples will come: answers with what the last seconds show.
    pub fn finish(&mut self) -> Vec<Detected> {
        let mut detected = self.advance(true);
        if let Some(newest) = self.track.newest() {
            self.flight.end(newest, &mut detected);
        }
        detected
    }

    fn advance(&mut self, to_the_end: bool) -> Vec<Detected> {
        let mut detected = Vec::new();
        let Self { track, flight } = self;
        track.advance(to_the_end, |motion| flight.observe(motion, &mut detected));
        detected
    }
}
