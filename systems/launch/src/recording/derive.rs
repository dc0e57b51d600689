//! What a recording implies at each moment, from the rows up to that moment only.

use std::collections::VecDeque;

use portique_flight::{EventKind, Phase, air_at};

use super::Row;
use crate::detect::Detector;
use crate::{Quality, Sample};

/// Rows that the slope of speed is taken over: 0.278 m/s steps average out to 0.2 m/s² in this time.
const SPEED_WINDOW_S: f64 = 1.2;
/// The same for altitude: the moments at which the display changes within this time, at least some.
const ALTITUDE_WINDOW_S: f64 = 3.0;
const ALTITUDE_WINDOW_MAX_S: f64 = 12.0;
const ALTITUDE_CHANGES_MIN: usize = 4;
/// Points kept: at 100 Hz, of the wider window.
const POINTS_MAX: usize = 1_200;
/// Gravity at sea level and the Earth's radius.
const GRAVITY_M_S2: f64 = 9.806_65;
const EARTH_RADIUS_M: f64 = 6_371_000.0;

/// Turns rows into samples, one after the other.
#[derive(Debug)]
pub(super) struct Derivation {
    speeds: VecDeque<(f64, f64)>,
    /// When the shown altitude changed, and half-way between which values.
    changes: VecDeque<(f64, f64)>,
    last: Option<Row>,
    was_frozen: bool,
    downrange_m: f64,
    detector: Detector,
    phase: Phase,
}

impl Derivation {
    pub(super) fn new() -> Self {
        Self {
            speeds: VecDeque::new(),
            changes: VecDeque::new(),
            last: None,
            was_frozen: false,
            downrange_m: 0.0,
            detector: Detector::new(),
            phase: Phase::Safe,
        }
    }

    /// The sample of the next row. A frozen one keeps the derived values of its standing values.
    pub(super) fn sample(&mut self, row: &Row, quality: Quality) -> Sample {
        let altitude_m = row.altitude_km * 1_000.0;
        if quality != Quality::Frozen {
            self.take(row, quality);
        }
        self.was_frozen = quality == Quality::Frozen;
        let rate = slope(self.speeds.iter(), row.t_s - SPEED_WINDOW_S, 3);
        let climb = slope(
            self.changes.iter(),
            row.t_s - ALTITUDE_WINDOW_S,
            ALTITUDE_CHANGES_MIN,
        );
        let climb = climb.clamp(-row.speed_m_s, row.speed_m_s);
        let elapsed_s = self.last.map_or(0.0, |last| row.t_s - last.t_s);
        let along = (row.speed_m_s.powi(2) - climb.powi(2)).max(0.0).sqrt();
        self.downrange_m += along * elapsed_s;
        self.last = Some(*row);
        let gravity = GRAVITY_M_S2 * (EARTH_RADIUS_M / (EARTH_RADIUS_M + altitude_m)).powi(2);
        let air = air_at(altitude_m);
        let mut sample = Sample {
            t_s: row.t_s,
            speed_m_s: row.speed_m_s,
            altitude_m,
            vertical_speed_m_s: climb,
            downrange_m: self.downrange_m,
            felt_accel_m_s2: rate + gravity * climb / row.speed_m_s.max(1.0),
            dynamic_pressure_pa: 0.5 * air.density_kg_m3 * row.speed_m_s.powi(2),
            mach: row.speed_m_s / air.sound_speed_m_s,
            healthy: true,
            quality,
            ..Sample::default()
        };
        for detected in self.detector.observe(&sample) {
            self.phase = phase_after(detected.event, self.phase);
        }
        sample.phase = self.phase;
        sample
    }

    /// Takes in a row that is no repetition.
    fn take(&mut self, row: &Row, quality: Quality) {
        let altitude_m = row.altitude_km * 1_000.0;
        let goes_on = quality == Quality::Good && !self.was_frozen;
        match self.last {
            Some(last) if goes_on && last.altitude_km != row.altitude_km => {
                let before_m = last.altitude_km * 1_000.0;
                let middle = (
                    f64::midpoint(last.t_s, row.t_s),
                    f64::midpoint(before_m, altitude_m),
                );
                push(&mut self.changes, middle);
            }
            Some(_) if goes_on => {}
            _ => push(&mut self.changes, (row.t_s, altitude_m)),
        }
        push(&mut self.speeds, (row.t_s, row.speed_m_s));
    }
}

fn push(points: &mut VecDeque<(f64, f64)>, point: (f64, f64)) {
    if points.len() == POINTS_MAX {
        points.pop_front();
    }
    points.push_back(point);
}

/// The least-squares slope over the points since `since_s`, or over the last few when those are too few.
fn slope<'a>(
    points: impl DoubleEndedIterator<Item = &'a (f64, f64)> + Clone,
    since_s: f64,
    at_least: usize,
) -> f64 {
    let oldest_s = since_s - ALTITUDE_WINDOW_MAX_S;
    let mut taken: Vec<(f64, f64)> = Vec::new();
    for point in points.rev() {
        let is_wanted = point.0 >= since_s || taken.len() < at_least;
        if !is_wanted || point.0 < oldest_s {
            break;
        }
        taken.push(*point);
    }
    let count = taken.len() as f64;
    let x_mean = taken.iter().map(|p| p.0).sum::<f64>() / count;
    let (xx, xy) = taken.iter().fold((0.0, 0.0), |sum, p| {
        let x = p.0 - x_mean;
        (sum.0 + x * x, sum.1 + x * p.1)
    });
    if xx > 0.0 { xy / xx } else { 0.0 }
}

/// What the vehicle does after an event, as far as a recording shows it.
fn phase_after(event: EventKind, phase: Phase) -> Phase {
    match event {
        EventKind::Liftoff | EventKind::Mach1 | EventKind::MaxQ if phase == Phase::Safe => {
            Phase::Ascent
        }
        EventKind::Meco => Phase::Coast,
        EventKind::Ses1 => Phase::SecondStageBurn,
        EventKind::Seco1 => Phase::Orbit,
        EventKind::BoostbackStart => Phase::Boostback,
        EventKind::BoostbackEnd => Phase::ReentryCoast,
        EventKind::EntryBurnStart => Phase::EntryBurn,
        EventKind::EntryBurnEnd => Phase::AeroGuidance,
        EventKind::LandingBurnStart => Phase::LandingBurn,
        EventKind::Landed => Phase::Landed,
        _ => phase,
    }
}
