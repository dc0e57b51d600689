//! The payload's computer: it is carried, then it is free.

use super::step::Step;
use crate::{EventKind, Phase};

pub(super) fn step(step: &mut Step<'_>) {
    if step.stand_on_pad() {
        return;
    }
    match step.memory.phase {
        Phase::Attached if step.is_parted_below() => step.enter(Phase::Ballistic),
        Phase::Attached if step.is_in_orbit() => step.enter(Phase::Orbit),
        Phase::Orbit if step.is_parted_below() => {
            step.report(EventKind::PayloadSeparation);
            step.enter(Phase::Deployed);
        }
        Phase::Orbit => {
            let release = step.memory.deploy_ordered;
            step.actuators().separate_below = release;
        }
        _ => step.actuators().separate_below = false,
    }
}
