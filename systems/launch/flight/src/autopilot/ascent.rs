//! The first stage's way up: gravity turn, throttle bucket, acceleration limit.

use std::f64::consts::FRAC_PI_2;

use serde::{Deserialize, Serialize};

use super::step::Step;
use crate::EventKind;
use crate::atmosphere::air_at;

/// No prediction of Max Q below this speed: it would be far away and worth nothing.
const PREDICT_SPEED_MIN_M_S: f64 = 80.0;

/// How far the prediction of Max Q looks ahead.
const PREDICT_S: f64 = 60.0;

/// Its step; the peak is flat for five to ten seconds.
const PREDICT_STEP_S: f64 = 0.5;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Progress {
    turn: Turn,
    bucket: Bucket,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Turn {
    #[default]
    Vertical,
    Kick,
    Gravity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Bucket {
    #[default]
    Before,
    Inside,
    After,
}

/// Vertical, then a lean, then along the velocity: from there gravity turns the flight.
pub(super) fn pitch(progress: &mut Progress, step: &Step<'_>) -> f64 {
    let plan = &step.vehicle.plan.ascent;
    let s = step.sensors;
    let leaning = FRAC_PI_2 - plan.kick_rad;
    match progress.turn {
        Turn::Vertical if s.speed_m_s >= plan.kick_speed_m_s => progress.turn = Turn::Kick,
        Turn::Kick if s.flight_path_rad <= leaning => progress.turn = Turn::Gravity,
        _ => {}
    }
    match progress.turn {
        Turn::Vertical => FRAC_PI_2,
        Turn::Kick => leaning,
        Turn::Gravity => not_too_flat(s.flight_path_rad, s.altitude_m),
    }
}

/// A weak rocket turns over too early: its nose is held over the least slope, as far as the air
/// along its side allows. A nominal flight stays above that slope by itself.
fn not_too_flat(path_rad: f64, altitude_m: f64) -> f64 {
    /// Slope that is kept up to the first height, and what is left of it at the second.
    const SLOPES_RAD: [f64; 2] = [0.9, 0.3];
    const HEIGHTS_M: [f64; 2] = [30_000.0, 90_000.0];
    /// Largest angle between nose and velocity.
    const ATTACK_MAX_RAD: f64 = 0.1;
    let part = ((altitude_m - HEIGHTS_M[0]) / (HEIGHTS_M[1] - HEIGHTS_M[0])).clamp(0.0, 1.0);
    let least_rad = SLOPES_RAD[0] + part * (SLOPES_RAD[1] - SLOPES_RAD[0]);
    path_rad.max(least_rad.min(path_rad + ATTACK_MAX_RAD))
}

pub(super) fn throttle(progress: &mut Progress, step: &mut Step<'_>) -> f64 {
    let engines = &step.vehicle.booster.engines;
    let plan = &step.vehicle.plan.ascent;
    follow_bucket(progress, step);
    let planned = match progress.bucket {
        Bucket::Inside => plan.bucket_throttle,
        Bucket::Before | Bucket::After => plan.throttle,
    };
    // The engines that are left make up for those that are out, as far as they can.
    let share = f64::from(engines.count) / f64::from(step.sensors.engines_running.max(1));
    let wanted = step
        .memory
        .manual_throttle
        .unwrap_or((planned * share).min(1.0));
    wanted
        .min(accel_limit(step))
        .clamp(engines.throttle_min, 1.0)
}

/// Down before the predicted Max Q, up when full throttle no longer raises the dynamic pressure.
fn follow_bucket(progress: &mut Progress, step: &mut Step<'_>) {
    let lead_s = step.vehicle.plan.ascent.bucket_lead_s;
    let fast = step.sensors.speed_m_s > PREDICT_SPEED_MIN_M_S;
    match progress.bucket {
        Bucket::Before if fast && seconds_to_max_q(step) <= lead_s => {
            progress.bucket = Bucket::Inside;
            step.report(EventKind::ThrottleDown);
        }
        Bucket::Inside if pressure_falls_at_full_throttle(step) => {
            progress.bucket = Bucket::After;
            step.report(EventKind::ThrottleUp);
        }
        _ => {}
    }
}

/// Time to the peak of dynamic pressure, if the speed went on growing as it does now.
fn seconds_to_max_q(step: &Step<'_>) -> f64 {
    let s = step.sensors;
    let climb = s.flight_path_rad.sin();
    let rate = speed_rate(step);
    let pressure_at = |ahead_s: f64| {
        let speed = s.speed_m_s + rate * ahead_s;
        let height = s.altitude_m + climb * (s.speed_m_s + rate * ahead_s / 2.0) * ahead_s;
        air_at(height).density_kg_m3 * speed * speed
    };
    let (mut ahead_s, mut peak) = (0.0, pressure_at(0.0));
    while ahead_s < PREDICT_S {
        let next = pressure_at(ahead_s + PREDICT_STEP_S);
        if next < peak {
            break;
        }
        peak = next;
        ahead_s += PREDICT_STEP_S;
    }
    ahead_s
}

fn pressure_falls_at_full_throttle(step: &Step<'_>) -> bool {
    let s = step.sensors;
    let more = (step.vehicle.plan.ascent.throttle - s.throttle).max(0.0) * full_accel(step);
    let thinning = air_at(s.altitude_m + 100.0).density_kg_m3 / air_at(s.altitude_m).density_kg_m3;
    let per_metre = -thinning.ln() / 100.0;
    2.0 * (speed_rate(step) + more) / s.speed_m_s < per_metre * s.vertical_speed_m_s
}

fn speed_rate(step: &Step<'_>) -> f64 {
    let gravity = crate::motion::STANDARD_GRAVITY;
    step.sensors.felt_accel_m_s2 - gravity * step.sensors.flight_path_rad.sin()
}

/// The throttle at which thrust alone reaches the acceleration limit.
fn accel_limit(step: &Step<'_>) -> f64 {
    let full = full_accel(step);
    if full > 0.0 {
        step.vehicle.plan.ascent.accel_max_m_s2 / full
    } else {
        1.0
    }
}

/// What the running engines would give at full thrust.
fn full_accel(step: &Step<'_>) -> f64 {
    let vehicle = step.vehicle;
    let above_kg = if step.sensors.attached_above {
        let stage2 = &vehicle.stage2;
        stage2.empty_kg + stage2.propellant_kg + stage2.fairing_kg + vehicle.payload.mass_kg
    } else {
        0.0
    };
    let mass_kg = vehicle.booster.empty_kg + step.sensors.propellant_kg + above_kg;
    let pressure_pa = air_at(step.sensors.altitude_m).pressure_pa;
    let running = f64::from(step.sensors.engines_running);
    running * vehicle.booster.engines.thrust_n(pressure_pa) / mass_kg
}
