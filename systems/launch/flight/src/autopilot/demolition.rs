//! Destruction by order: neighbours first let go, then this module.

use serde::{Deserialize, Serialize};

use super::step::Step;
use crate::{Actuators, EventKind, Phase};

/// Steps to wait for a neighbour to part before this module is destroyed all the same: one second,
/// in which a joint that opens at all has opened.
const TICKS_MAX: u32 = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Demolition {
    ticks: u32,
    above: bool,
    below: bool,
}

impl Demolition {
    /// A destruction that lets go of the neighbours attached now.
    pub(super) const fn begin(above: bool, below: bool) -> Self {
        Self {
            ticks: 0,
            above,
            below,
        }
    }
}

/// Goes on with a destruction; returns whether there is one.
pub(super) fn step(step: &mut Step<'_>) -> bool {
    let Some(mut demolition) = step.memory.demolition else {
        return false;
    };
    if step.memory.phase == Phase::Destroyed {
        return true;
    }
    let pitch_rad = step.memory.actuators.pitch_rad;
    *step.actuators() = Actuators {
        pitch_rad,
        separate_above: demolition.above,
        separate_below: demolition.below,
        ..Actuators::default()
    };
    demolition.ticks += 1;
    let s = step.sensors;
    let (body, late) = (step.memory.body, demolition.ticks > TICKS_MAX);
    let gone = |attached: bool, parted: bool| !attached && (parted || s.on_pad || late);
    if demolition.above && gone(s.attached_above, step.is_parted_above()) {
        demolition.above = false;
        if let Some(above) = body.above() {
            step.report_on(EventKind::Detached, above);
        }
    }
    if demolition.below && gone(s.attached_below, step.is_parted_below()) {
        demolition.below = false;
        if let Some(below) = body.below() {
            step.report_on(EventKind::Detached, below);
        }
    }
    if !(demolition.above || demolition.below) || late || !s.alive {
        step.actuators().destroy = true;
        step.report(EventKind::Destroyed);
        step.enter(Phase::Destroyed);
    }
    step.memory.demolition = Some(demolition);
    true
}
