//! The second stage's computer: carried, ignition, orbit, the payload's release.

use serde::{Deserialize, Serialize};

use super::steering::{Law, Stage};
use super::step::Step;
use crate::motion::{EARTH_GM, EARTH_RADIUS_M};
use crate::{EventKind, Phase, TICK_S};

/// Felt acceleration that tells that the booster still pushes.
const PUSHED_M_S2: f64 = 3.0;

/// Shortest time between separation and ignition.
const CLEAR_S: f64 = 2.0;

/// Time between two solutions of the steering law.
const SOLVE_S: f64 = 0.5;

/// Time after ignition in which thrust may still be missing.
const START_S: f64 = 5.0;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Pilot {
    /// When the booster was last felt to push.
    pushed_s: Option<f64>,
    ignited: bool,
    cut_off: bool,
    law: Option<Law>,
    solved_s: Option<f64>,
    fairing_gone: bool,
    payload_gone: bool,
}

pub(super) fn step(pilot: &mut Pilot, step: &mut Step<'_>) {
    if step.stand_on_pad() {
        step.engines_off();
        return;
    }
    match step.memory.phase {
        Phase::Attached => ride(pilot, step),
        Phase::Coast => await_ignition(pilot, step),
        Phase::SecondStageBurn => burn(pilot, step),
        Phase::Orbit => orbit(pilot, step),
        _ => step.engines_off(),
    }
}

fn ride(pilot: &mut Pilot, step: &mut Step<'_>) {
    step.engines_off();
    if step.sensors.felt_accel_m_s2 > PUSHED_M_S2 && step.sensors.attached_below {
        pilot.pushed_s = Some(step.sensors.t_s);
    }
    step.actuators().pitch_rad = step.sensors.pitch_rad;
    let release = step.memory.stage_ordered;
    step.actuators().separate_below = release;
    if step.is_parted_below() {
        step.actuators().separate_below = false;
        step.enter(Phase::Coast);
    }
}

fn await_ignition(pilot: &mut Pilot, step: &mut Step<'_>) {
    step.engines_off();
    let pushed_s = pilot.pushed_s.unwrap_or(step.memory.since_s);
    let due = step.sensors.t_s - pushed_s >= step.vehicle.plan.ascent.second_stage_delay_s - TICK_S;
    step.actuators().pitch_rad = step.sensors.flight_path_rad;
    if due && step.elapsed_s() >= CLEAR_S {
        step.enter(Phase::SecondStageBurn);
    }
}

fn burn(pilot: &mut Pilot, step: &mut Step<'_>) {
    if !pilot.ignited {
        pilot.ignited = true;
        step.report(EventKind::Ses1);
    }
    drop_fairing(pilot, step);
    let stage = stage(step);
    steer(pilot, step, &stage);
    let engines = &step.vehicle.stage2.engines;
    let limit = stage.accel_max_m_s2 * stage.mass_kg / engines_full_n(step);
    let wanted = step.memory.manual_throttle.unwrap_or(1.0);
    let throttle = wanted.min(limit).clamp(engines.throttle_min, 1.0);
    let count = engines.count;
    step.actuators().engines = count;
    step.actuators().throttle = throttle;
    let dead = step.sensors.engines_running == 0 && step.elapsed_s() > START_S;
    let dry = step.sensors.propellant_kg <= 0.0;
    if has_orbital_energy(step, &stage) || dead || dry {
        cut_off(pilot, step);
    }
}

fn cut_off(pilot: &mut Pilot, step: &mut Step<'_>) {
    step.engines_off();
    step.memory.manual_throttle = None;
    if !pilot.cut_off {
        pilot.cut_off = true;
        step.report(EventKind::Seco1);
    }
    let phase = if step.is_in_orbit() {
        Phase::Orbit
    } else {
        Phase::Ballistic
    };
    step.enter(phase);
}

fn steer(pilot: &mut Pilot, step: &mut Step<'_>, stage: &Stage) {
    let now_s = step.sensors.t_s;
    let due = pilot
        .solved_s
        .is_none_or(|solved_s| now_s - solved_s >= SOLVE_S);
    if due {
        pilot.law = Some(Law::solve(pilot.law, stage, now_s));
        pilot.solved_s = Some(now_s);
    }
    if let Some(law) = &pilot.law {
        step.actuators().pitch_rad = law.pitch(stage, now_s);
    }
}

/// Whether the orbit, with the thrust that the engine gives while it stops, is as high as wanted.
fn has_orbital_energy(step: &Step<'_>, stage: &Stage) -> bool {
    let across = stage.motion.inertial_horizontal(stage.eastward);
    let tail_off = step.vehicle.stage2.engines.stop_s / 2.0 * step.sensors.throttle;
    let speed =
        across.hypot(stage.motion.vertical_m_s) + step.sensors.felt_accel_m_s2.max(0.0) * tail_off;
    let energy = speed * speed / 2.0 - EARTH_GM / stage.motion.radius();
    energy >= -EARTH_GM / (2.0 * (EARTH_RADIUS_M + stage.target_altitude_m))
}

fn drop_fairing(pilot: &mut Pilot, step: &mut Step<'_>) {
    if pilot.fairing_gone {
        return;
    }
    let high = step.sensors.altitude_m >= step.vehicle.plan.target.fairing_altitude_m;
    step.actuators().jettison_fairing = high;
    if !step.sensors.fairing_on {
        pilot.fairing_gone = true;
        step.report(EventKind::FairingSeparation);
    }
}

fn orbit(pilot: &mut Pilot, step: &mut Step<'_>) {
    step.engines_off();
    step.actuators().pitch_rad = step.sensors.flight_path_rad;
    drop_fairing(pilot, step);
    let due = step.elapsed_s() >= step.vehicle.plan.target.payload_delay_s;
    let release = !pilot.payload_gone && (due || step.memory.deploy_ordered);
    step.actuators().separate_above = release;
    pilot.payload_gone |= step.is_parted_above();
}

fn stage(step: &Step<'_>) -> Stage {
    let vehicle = step.vehicle;
    let fairing_kg = if step.sensors.fairing_on {
        vehicle.stage2.fairing_kg
    } else {
        0.0
    };
    let payload_kg = if step.sensors.attached_above {
        vehicle.payload.mass_kg
    } else {
        0.0
    };
    let empty_kg = vehicle.stage2.empty_kg + fairing_kg + payload_kg;
    let engines = &vehicle.stage2.engines;
    let throttle = step.memory.manual_throttle.unwrap_or(1.0);
    let count = f64::from(engines.count);
    Stage {
        motion: step.motion(),
        eastward: vehicle.plan.eastward,
        mass_kg: empty_kg + step.sensors.propellant_kg,
        empty_kg,
        thrust_n: engines_full_n(step) * throttle,
        flow_kg_s: count * engines.flow_kg_s() * throttle,
        accel_max_m_s2: vehicle.plan.target.accel_max_m_s2,
        target_altitude_m: vehicle.plan.target.altitude_m,
    }
}

fn engines_full_n(step: &Step<'_>) -> f64 {
    let engines = &step.vehicle.stage2.engines;
    f64::from(engines.count) * engines.thrust_n(0.0)
}
