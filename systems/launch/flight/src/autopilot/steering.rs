//! Closed-loop steering of the second stage: linear tangent guidance, solved anew in flight.
//!
//! The vertical part of the thrust direction is `a + b t` plus what carries the weight that the
//! orbital speed does not carry yet. `a` and `b` bring vertical speed and height to the target at
//! the time of cut-off; that time is the one at which the horizontal speed reaches the target's.

use serde::{Deserialize, Serialize};

use crate::motion::{EARTH_GM, EARTH_RADIUS_M, Motion};

/// Points of the numeric integrals over the rest of the burn.
const POINTS: u32 = 64;
/// Corrections of the cut-off time per solution; each starts from the last solution.
const CORRECTIONS: u32 = 3;
/// With less time than this to go the direction is kept: its correction would be violent.
const KEEP_S: f64 = 8.0;
/// Steepest thrust direction, as the sine of its angle.
const SINE_MAX: f64 = 0.85;
/// Longest burn that is thought of.
const BURN_MAX_S: f64 = 1_500.0;

/// The stage as the steering sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage {
    pub(super) motion: Motion,
    pub(super) eastward: f64,
    pub(super) mass_kg: f64,
    pub(super) empty_kg: f64,
    pub(super) thrust_n: f64,
    pub(super) flow_kg_s: f64,
    pub(super) accel_max_m_s2: f64,
    pub(super) target_altitude_m: f64,
}

/// The law in force.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Law {
    a: f64,
    b: f64,
    /// Time to cut-off when it was solved.
    remaining_s: f64,
    solved_s: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Integrals {
    speed: f64,
    speed_t: f64,
    way: f64,
    way_t: f64,
}

impl Stage {
    fn accel(&self, mass_kg: f64) -> f64 {
        (self.thrust_n / mass_kg).min(self.accel_max_m_s2)
    }

    fn target_speed(&self) -> f64 {
        (EARTH_GM / (EARTH_RADIUS_M + self.target_altitude_m)).sqrt()
    }

    /// Weight that the horizontal speed does not carry.
    fn sink(&self, radius: f64, across: f64) -> f64 {
        EARTH_GM / (radius * radius) - across * across / radius
    }

    fn burned(&self, mass_kg: f64, dt_s: f64) -> f64 {
        let throttle = self.accel(mass_kg) * mass_kg / self.thrust_n;
        (mass_kg - self.flow_kg_s * throttle * dt_s).max(self.empty_kg)
    }
}

impl Law {
    /// Solves the law anew from where the stage is.
    pub(super) fn solve(last: Option<Self>, stage: &Stage, now_s: f64) -> Self {
        let mut law = match last {
            Some(last) => last.at(now_s),
            None => Self {
                a: 0.0,
                b: 0.0,
                remaining_s: first_guess_s(stage),
                solved_s: now_s,
            },
        };
        if last.is_some() && law.remaining_s < KEEP_S {
            return last.unwrap_or(law);
        }
        for _ in 0..CORRECTIONS {
            let (a, b) = vertical(stage, law.remaining_s);
            (law.a, law.b) = (a, b);
            let (missing, accel) = law.missing_speed(stage);
            law.remaining_s = (law.remaining_s + missing / accel).clamp(1.0, BURN_MAX_S);
        }
        law
    }

    /// Thrust direction above the local horizontal now.
    pub(super) fn pitch(&self, stage: &Stage, now_s: f64) -> f64 {
        let motion = &stage.motion;
        let sink = stage.sink(motion.radius(), motion.inertial_horizontal(stage.eastward));
        let ahead_s = now_s - self.solved_s;
        let sine = self.a + self.b * ahead_s + sink / stage.accel(stage.mass_kg);
        sine.clamp(-SINE_MAX, SINE_MAX).asin()
    }

    fn at(self, now_s: f64) -> Self {
        let passed_s = now_s - self.solved_s;
        Self {
            a: self.a + self.b * passed_s,
            b: self.b,
            remaining_s: self.remaining_s - passed_s,
            solved_s: now_s,
        }
    }

    /// Horizontal speed that this law leaves missing at its cut-off, and the acceleration there.
    fn missing_speed(&self, stage: &Stage) -> (f64, f64) {
        let dt_s = self.remaining_s / f64::from(POINTS);
        let mut mass_kg = stage.mass_kg;
        let mut radius = stage.motion.radius();
        let mut up = stage.motion.vertical_m_s;
        let mut across = stage.motion.inertial_horizontal(stage.eastward);
        let mut accel_across = 0.0;
        for point in 0..POINTS {
            let accel = stage.accel(mass_kg);
            let law = self.a + self.b * (f64::from(point) + 0.5) * dt_s;
            let sink = stage.sink(radius, across);
            let sine = (law + sink / accel).clamp(-SINE_MAX, SINE_MAX);
            accel_across = accel * (1.0 - sine * sine).sqrt();
            across += (accel_across - up * across / radius) * dt_s;
            up += (accel * sine - sink) * dt_s;
            radius += up * dt_s;
            mass_kg = stage.burned(mass_kg, dt_s);
        }
        (stage.target_speed() - across, accel_across.max(1.0))
    }
}

/// `a` and `b` that bring vertical speed to zero and height to the target after `remaining_s`.
fn vertical(stage: &Stage, remaining_s: f64) -> (f64, f64) {
    let sums = integrals(stage, remaining_s);
    let speed = -stage.motion.vertical_m_s;
    let way =
        stage.target_altitude_m - stage.motion.altitude_m - stage.motion.vertical_m_s * remaining_s;
    let determinant = sums.speed * sums.way_t - sums.speed_t * sums.way;
    if determinant.abs() < f64::EPSILON {
        return (0.0, 0.0);
    }
    let a = (speed * sums.way_t - sums.speed_t * way) / determinant;
    let b = (sums.speed * way - speed * sums.way) / determinant;
    (a, b)
}

fn integrals(stage: &Stage, remaining_s: f64) -> Integrals {
    let dt_s = remaining_s / f64::from(POINTS);
    let mut mass_kg = stage.mass_kg;
    let mut sums = Integrals::default();
    for point in 0..POINTS {
        let t_s = (f64::from(point) + 0.5) * dt_s;
        let accel = stage.accel(mass_kg);
        let left_s = remaining_s - t_s;
        sums.speed += accel * dt_s;
        sums.speed_t += accel * t_s * dt_s;
        sums.way += accel * left_s * dt_s;
        sums.way_t += accel * t_s * left_s * dt_s;
        mass_kg = stage.burned(mass_kg, dt_s);
    }
    sums
}

/// The rocket equation with a tenth more for gravity.
fn first_guess_s(stage: &Stage) -> f64 {
    let across = stage.motion.inertial_horizontal(stage.eastward);
    let gain = 1.1 * (stage.target_speed() - across).max(1.0);
    let exhaust = stage.thrust_n / stage.flow_kg_s;
    let burned_kg = stage.mass_kg * (1.0 - (-gain / exhaust).exp());
    (burned_kg / stage.flow_kg_s).clamp(1.0, BURN_MAX_S)
}
