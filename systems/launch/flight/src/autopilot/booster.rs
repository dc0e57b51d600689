//! The booster's computer: up with the stack, and back.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::ascent;
use super::descent;
use super::step::Step;
use crate::{BoosterReturn, EventKind, Landing, Phase, TICK_S};

/// Turning is finished this close to the wanted direction.
const POINTED_RAD: f64 = 0.08;

/// No thrust for this long after lift-off means that none will come.
const DEAD_S: f64 = 2.0;

/// Time to get clear of what was above, before the booster turns.
const CLEAR_S: f64 = 2.0;

/// Longest wait for both signs of the separation, before the booster goes on without the second.
const PARTING_S: f64 = 5.0;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Pilot {
    pub(super) ascent: ascent::Progress,
    pub(super) descent: descent::Progress,
    separated: bool,
}

pub(super) fn step(pilot: &mut Pilot, step: &mut Step<'_>) {
    if step.stand_on_pad() {
        return;
    }
    match step.memory.phase {
        Phase::Ascent => climb(pilot, step),
        Phase::Coast => part(pilot, step),
        Phase::Flip => flip(pilot, step),
        Phase::Boostback => with_landing(step, |step, landing| {
            descent::boostback(&mut pilot.descent, step, landing);
        }),
        Phase::ReentryCoast => with_landing(step, descent::coast),
        Phase::EntryBurn => with_landing(step, |step, landing| {
            descent::entry_burn(&mut pilot.descent, step, landing);
        }),
        Phase::AeroGuidance => with_landing(step, |step, landing| {
            descent::aero_guidance(&mut pilot.descent, step, landing);
        }),
        Phase::LandingBurn => with_landing(step, |step, landing| {
            descent::landing_burn(&mut pilot.descent, step, landing);
        }),
        _ => step.engines_off(),
    }
    land(step);
}

fn climb(pilot: &mut Pilot, step: &mut Step<'_>) {
    let plan = &step.vehicle.plan.ascent;
    let reserve_kg = plan.landing_reserve * step.vehicle.booster.propellant_kg;
    let s = step.sensors;
    let dead = s.engines_running == 0 && step.elapsed_s() > DEAD_S;
    let spent = s.propellant_kg <= reserve_kg || dead;
    if spent || step.memory.stage_ordered || !s.attached_above {
        step.engines_off();
        step.memory.manual_throttle = None;
        step.report(EventKind::Meco);
        step.enter(Phase::Coast);
        return;
    }
    let pitch_rad = ascent::pitch(&mut pilot.ascent, step);
    let throttle = ascent::throttle(&mut pilot.ascent, step);
    let engines = step.vehicle.booster.engines.count;
    let actuators = step.actuators();
    actuators.engines = engines;
    actuators.throttle = throttle;
    actuators.pitch_rad = pitch_rad;
}

/// After cut-off: let go of the second stage, make sure of it, get clear.
fn part(pilot: &mut Pilot, step: &mut Step<'_>) {
    step.engines_off();
    let quiet = step.sensors.engines_running == 0;
    let due = step.elapsed_s() >= step.vehicle.plan.ascent.separation_delay_s - TICK_S;
    let release = quiet && (due || step.memory.stage_ordered);
    step.actuators().separate_above = release && step.sensors.attached_above;
    let late = step.elapsed_s() > step.vehicle.plan.ascent.separation_delay_s + PARTING_S;
    let parted = step.is_parted_above() || (late && !step.sensors.attached_above);
    if parted && !pilot.separated {
        pilot.separated = true;
        step.report(EventKind::StageSeparation);
        step.enter(Phase::Coast);
    } else if pilot.separated && step.elapsed_s() >= CLEAR_S {
        let expendable = matches!(step.vehicle.plan.booster_return, BoosterReturn::Expendable);
        if expendable {
            step.enter(Phase::Ballistic);
        } else {
            step.report(EventKind::Flip);
            step.enter(Phase::Flip);
        }
    }
}

fn flip(pilot: &mut Pilot, step: &mut Step<'_>) {
    step.engines_off();
    match &step.vehicle.plan.booster_return {
        BoosterReturn::ReturnToPad(_) => {
            step.actuators().pitch_rad = PI;
            if (step.sensors.pitch_rad - PI).abs() < POINTED_RAD {
                descent::start_boostback(&mut pilot.descent, step);
            }
        }
        BoosterReturn::Downrange(_) => {
            let wanted = descent::falling_pitch(step);
            step.actuators().pitch_rad = wanted;
            if (step.sensors.pitch_rad - wanted).abs() < POINTED_RAD {
                step.enter(Phase::ReentryCoast);
            }
        }
        BoosterReturn::Expendable => step.enter(Phase::Ballistic),
    }
}

fn with_landing(step: &mut Step<'_>, fly: impl FnOnce(&mut Step<'_>, &Landing)) {
    match &step.vehicle.plan.booster_return {
        BoosterReturn::ReturnToPad(landing) | BoosterReturn::Downrange(landing) => {
            fly(step, landing);
        }
        BoosterReturn::Expendable => step.enter(Phase::Ballistic),
    }
}

/// Contact is the same in every phase.
fn land(step: &mut Step<'_>) {
    if step.sensors.landed && step.memory.phase != Phase::Landed {
        step.engines_off();
        step.report(EventKind::Landing);
        step.report(EventKind::Landed);
        step.enter(Phase::Landed);
    }
}
