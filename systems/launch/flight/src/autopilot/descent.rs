//! The booster's way back: boost-back, entry burn, fins, landing burn.

use std::f64::consts::{FRAC_PI_2, PI};

use serde::{Deserialize, Serialize};

use super::predict::{self, Fall};
use super::step::Step;
use crate::atmosphere::air_at;
use crate::{BoosterReturn, EventKind, Landing, Phase};

/// Steps between two predictions of where the booster comes down.
const PREDICT_TICKS: u32 = 5;

/// Miss under which the boost-back goes on with the landing engines only, for precision.
const FINE_MISS_M: f64 = 20_000.0;

/// Least acceleration of the boost-back: a booster that comes back early and heavy uses more engines.
const BOOSTBACK_M_S2: f64 = 15.0;

/// Propellant kept by the boost-back for entry and landing, as a part of the reserve.
const BOOSTBACK_KEEPS: f64 = 0.25;

/// Propellant kept by the entry burn for the landing, as a part of the reserve.
const ENTRY_KEEPS: f64 = 0.1;

/// Largest lean of the nose from the flow, under fins and under thrust.
const LEAN_MAX_RAD: f64 = 0.17;

/// Height under which the landing burn only stands upright and brakes.
const UPRIGHT_M: f64 = 15.0;

/// A site farther away than this, and this part of the height, is out of the landing burn's reach:
/// it stands up where it is rather than tip over for a site it cannot have.
const REACH_M: f64 = 50.0;
const REACH_PER_HEIGHT: f64 = 0.2;

/// A miss beyond the reach of the fins; leaning for it would only cost height.
const FINS_REACH_M: f64 = 10_000.0;

/// A burn that stopped higher than this has to fall and burn again.
const STOPPED_HIGH_M: f64 = 5.0;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Distance by which the last prediction falls short of the site, positive down-range.
    miss_m: f64,
    ticks: u32,
    /// Engines of the landing burn, chosen at its start.
    landing_engines: u32,
    landing_told: bool,
}

impl Progress {
    /// The miss, predicted again every few steps or at once.
    fn miss_m(&mut self, step: &Step<'_>, landing: &Landing, at_once: bool) -> f64 {
        if at_once || self.ticks.is_multiple_of(PREDICT_TICKS) {
            self.miss_m = match step.vehicle.plan.booster_return {
                BoosterReturn::ReturnToPad(_) => predicted_miss_m(step, landing),
                BoosterReturn::Downrange(_) | BoosterReturn::Expendable => 0.0,
            };
        }
        self.ticks = self.ticks.wrapping_add(1);
        self.miss_m
    }
}

pub(super) fn start_boostback(progress: &mut Progress, step: &mut Step<'_>) {
    *progress = Progress::default();
    step.report(EventKind::BoostbackStart);
    step.enter(Phase::Boostback);
}

/// Burns back until the predicted fall ends at the site.
pub(super) fn boostback(progress: &mut Progress, step: &mut Step<'_>, landing: &Landing) {
    let (propellant_kg, throttle) = (step.sensors.propellant_kg, landing.boostback_throttle);
    let heavy = predict::engines_for(step.vehicle, propellant_kg, throttle, BOOSTBACK_M_S2);
    let near = progress.ticks > 0 && progress.miss_m.abs() < FINE_MISS_M;
    let fine = near && heavy <= landing.boostback_engines;
    let miss_m = progress.miss_m(step, landing, fine);
    let short = step.sensors.propellant_kg < BOOSTBACK_KEEPS * reserve_kg(step);
    let low = predict::must_land_now(step.vehicle, landing, &fall(step, true));
    if miss_m >= 0.0 || short || low {
        step.engines_off();
        step.report(EventKind::BoostbackEnd);
        step.enter(Phase::ReentryCoast);
        return;
    }
    let engines = if fine {
        landing.landing_engines
    } else {
        landing.boostback_engines.max(heavy)
    };
    let actuators = step.actuators();
    actuators.engines = engines;
    actuators.throttle = throttle;
    actuators.pitch_rad = PI;
}

/// Falls, engines first, until the entry burn.
pub(super) fn coast(step: &mut Step<'_>, landing: &Landing) {
    step.engines_off();
    let pitch_rad = falling_pitch(step);
    step.actuators().pitch_rad = pitch_rad;
    let s = step.sensors;
    if s.vertical_speed_m_s < 0.0 && s.altitude_m < landing.entry_altitude_m {
        if s.speed_m_s > landing.entry_end_speed_m_s {
            step.report(EventKind::EntryBurnStart);
            step.enter(Phase::EntryBurn);
        } else {
            step.report(EventKind::Guidance);
            step.enter(Phase::AeroGuidance);
        }
    }
}

pub(super) fn entry_burn(progress: &mut Progress, step: &mut Step<'_>, landing: &Landing) {
    let s = step.sensors;
    let short = s.propellant_kg < ENTRY_KEEPS * reserve_kg(step);
    if s.speed_m_s <= landing.entry_end_speed_m_s || short {
        step.engines_off();
        step.report(EventKind::EntryBurnEnd);
        step.report(EventKind::Guidance);
        step.enter(Phase::AeroGuidance);
        return;
    }
    /// Miss that asks for the largest lean under thrust.
    const FULL_LEAN_MISS_M: f64 = 3_000.0;
    let miss_m = progress.miss_m(step, landing, false);
    let lean = (miss_m / FULL_LEAN_MISS_M).clamp(-1.0, 1.0) * LEAN_MAX_RAD;
    let pitch_rad = falling_pitch(step) - lean;
    let actuators = step.actuators();
    actuators.engines = landing.entry_engines;
    actuators.throttle = landing.entry_throttle;
    actuators.pitch_rad = pitch_rad;
}

/// Leans against the flow so that the fins' side force takes the miss away.
pub(super) fn aero_guidance(progress: &mut Progress, step: &mut Step<'_>, landing: &Landing) {
    step.engines_off();
    let s = step.sensors;
    let miss_m = progress.miss_m(step, landing, false);
    let booster = &step.vehicle.booster;
    let mass_kg = booster.empty_kg + s.propellant_kg;
    let side_m_s2 =
        s.dynamic_pressure_pa * booster.descent_air.area_m2 * booster.descent_lift_slope / mass_kg;
    let remaining_s = s.altitude_m / (-s.vertical_speed_m_s).max(1.0);
    let wanted_m_s2 = 4.0 * miss_m / (remaining_s * remaining_s).max(1.0);
    let within_reach = miss_m.abs() < FINS_REACH_M;
    let lean = if within_reach && side_m_s2 > 0.1 {
        wanted_m_s2 / side_m_s2
    } else {
        0.0
    };
    let pitch_rad = falling_pitch(step) + lean.clamp(-LEAN_MAX_RAD, LEAN_MAX_RAD);
    step.actuators().pitch_rad = pitch_rad;
    deploy_legs(step, landing);
    if predict::must_land_now(step.vehicle, landing, &fall(step, true)) {
        progress.landing_engines =
            predict::landing_engines(step.vehicle, landing, step.sensors.propellant_kg);
        if !std::mem::replace(&mut progress.landing_told, true) {
            step.report(EventKind::LandingBurnStart);
        }
        step.enter(Phase::LandingBurn);
    }
}

/// Brakes to zero speed at zero altitude; at its lowest throttle the engine would climb, so the
/// burn must be as long as the fall, no longer.
pub(super) fn landing_burn(progress: &mut Progress, step: &mut Step<'_>, landing: &Landing) {
    deploy_legs(step, landing);
    let s = step.sensors;
    let engines = &step.vehicle.booster.engines;
    let one_n = engines.thrust_n(air_at(s.altitude_m).pressure_pa);
    let thrust_n = predict::landing_thrust_n(step.vehicle, &fall(step, true));
    let fewer = progress.landing_engines.saturating_sub(1);
    let too_strong = thrust_n < engines.throttle_min * one_n * f64::from(progress.landing_engines);
    let enough = thrust_n <= landing.landing_throttle * one_n * f64::from(fewer);
    if too_strong && enough && fewer >= landing.landing_engines {
        progress.landing_engines = fewer;
    }
    let count = progress.landing_engines.max(landing.landing_engines);
    let full_n = f64::from(count) * one_n;
    let (up_n, along_n) = (thrust_n, sideways_n(step, thrust_n));
    let pitch_rad = up_n.atan2(along_n);
    let rising = s.vertical_speed_m_s >= 0.0;
    let throttle = (up_n.hypot(along_n) / full_n).clamp(engines.throttle_min, 1.0);
    let actuators = step.actuators();
    actuators.engines = if rising { 0 } else { count };
    actuators.throttle = throttle;
    actuators.pitch_rad = pitch_rad;
    if rising && s.altitude_m > STOPPED_HIGH_M {
        step.enter(Phase::AeroGuidance);
    }
}

/// Side thrust that takes the booster over the site and stops it there.
fn sideways_n(step: &Step<'_>, thrust_n: f64) -> f64 {
    /// The last part of the fall must not ask for violent corrections.
    const REMAINING_MIN_S: f64 = 2.0;
    let s = step.sensors;
    let mass_kg = step.vehicle.booster.empty_kg + s.propellant_kg;
    let remaining_s = (2.0 * s.altitude_m / (-s.vertical_speed_m_s).max(1.0)).max(REMAINING_MIN_S);
    let returns = matches!(
        step.vehicle.plan.booster_return,
        BoosterReturn::ReturnToPad(_)
    );
    let reachable = s.to_landing_site_m.abs() < REACH_M + REACH_PER_HEIGHT * s.altitude_m;
    let steers = returns && reachable && s.altitude_m > UPRIGHT_M;
    let wanted_m_s2 = if steers {
        6.0 * s.to_landing_site_m / (remaining_s * remaining_s)
            - 4.0 * s.horizontal_speed_m_s / remaining_s
    } else {
        -2.0 * s.horizontal_speed_m_s / remaining_s
    };
    let most_n = thrust_n * LEAN_MAX_RAD.tan();
    (wanted_m_s2 * mass_kg).clamp(-most_n, most_n)
}

fn deploy_legs(step: &mut Step<'_>, landing: &Landing) {
    let due = step.sensors.altitude_m < landing.legs_altitude_m;
    if due && !step.memory.actuators.deploy_legs {
        step.actuators().deploy_legs = true;
        step.report(EventKind::LegsDeployed);
    }
}

/// Nose against the velocity; upright while still rising.
pub(super) fn falling_pitch(step: &Step<'_>) -> f64 {
    let s = step.sensors;
    if s.vertical_speed_m_s >= 0.0 {
        FRAC_PI_2
    } else {
        (-s.vertical_speed_m_s).atan2(-s.horizontal_speed_m_s)
    }
}

fn predicted_miss_m(step: &Step<'_>, landing: &Landing) -> f64 {
    let entry_over = step.memory.phase == Phase::AeroGuidance;
    let comes_down_m = predict::impact_downrange_m(step.vehicle, landing, fall(step, entry_over));
    step.sensors.downrange_m + step.sensors.to_landing_site_m - comes_down_m
}

fn fall(step: &Step<'_>, entry_over: bool) -> Fall {
    Fall {
        motion: step.motion(),
        propellant_kg: step.sensors.propellant_kg,
        entry_over,
    }
}

fn reserve_kg(step: &Step<'_>) -> f64 {
    step.vehicle.plan.ascent.landing_reserve * step.vehicle.booster.propellant_kg
}
