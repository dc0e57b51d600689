//! Where the booster comes down, and what its landing burn needs: the computer's own model.

use crate::atmosphere::air_at;
use crate::motion::{Motion, STANDARD_GRAVITY, flow};
use crate::{Landing, Vehicle};

/// Step over the air, where only gravity acts and slowly.
const HIGH_STEP_S: f64 = 2.0;
/// Step where the air or the engines act.
const LOW_STEP_S: f64 = 0.5;
/// Height that divides the two.
const HIGH_M: f64 = 75_000.0;
/// Longest fall predicted: half an hour at the low step.
const STEPS_MAX: u32 = 3_600;
/// Speed kept at contact by the landing burn, so that it never stops over the ground.
const CONTACT_SPEED_M_S: f64 = 1.0;
/// Part of the distance still ahead at ignition that the landing burn lets the booster fly: it brakes
/// along the velocity, which gravity bends down meanwhile.
const BURN_CARRY: f64 = 0.6;

/// What the prediction starts from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fall {
    pub(super) motion: Motion,
    pub(super) propellant_kg: f64,
    /// Whether the entry burn is over.
    pub(super) entry_over: bool,
}

/// Down-range distance at which the booster comes down if nothing is corrected.
pub(super) fn impact_downrange_m(vehicle: &Vehicle, landing: &Landing, mut fall: Fall) -> f64 {
    let mut burning = false;
    for _ in 0..STEPS_MAX {
        let motion = fall.motion;
        if motion.altitude_m <= 0.0 {
            break;
        }
        let down = motion.vertical_m_s < 0.0;
        if down && !fall.entry_over && motion.altitude_m < landing.entry_altitude_m {
            burning = true;
        }
        if burning && motion.speed() <= landing.entry_end_speed_m_s {
            (burning, fall.entry_over) = (false, true);
        }
        if down && !burning && is_time_to_land(vehicle, landing, &fall) {
            let slope = motion.horizontal_m_s / motion.vertical_m_s.min(-1.0);
            return motion.downrange_m - BURN_CARRY * slope * motion.altitude_m;
        }
        fall = advance(vehicle, landing, fall, burning);
    }
    fall.motion.downrange_m
}

fn advance(vehicle: &Vehicle, landing: &Landing, mut fall: Fall, burning: bool) -> Fall {
    let high = fall.motion.altitude_m > HIGH_M;
    let dt_s = if high { HIGH_STEP_S } else { LOW_STEP_S };
    let mass_kg = vehicle.booster.empty_kg + fall.propellant_kg;
    let engines = &vehicle.booster.engines;
    let burn = if burning {
        f64::from(landing.entry_engines) * landing.entry_throttle
    } else {
        0.0
    };
    fall.motion = fall.motion.step(dt_s, vehicle.plan.eastward, |at| {
        let speed = at.speed();
        if high || speed <= 0.0 {
            return (0.0, 0.0);
        }
        let air = air_at(at.altitude_m);
        let braking = drag_n(vehicle, at) + burn * engines.thrust_n(air.pressure_pa);
        let per_speed = braking / (mass_kg * speed);
        (-per_speed * at.vertical_m_s, -per_speed * at.horizontal_m_s)
    });
    fall.propellant_kg = (fall.propellant_kg - burn * engines.flow_kg_s() * dt_s).max(0.0);
    fall
}

/// Whether the landing burn must begin now to be done at the ground with its planned throttle.
fn is_time_to_land(vehicle: &Vehicle, landing: &Landing, fall: &Fall) -> bool {
    /// No landing burn begins higher than this.
    const LANDING_ALTITUDE_MAX_M: f64 = 15_000.0;
    if fall.motion.altitude_m > LANDING_ALTITUDE_MAX_M {
        return false;
    }
    let engines = &vehicle.booster.engines;
    let pressure_pa = air_at(fall.motion.altitude_m / 2.0).pressure_pa;
    let count = landing_engines(vehicle, landing, fall.propellant_kg);
    let full_n = f64::from(count) * engines.thrust_n(pressure_pa);
    let mut ahead = *fall;
    let ignition_m = -fall.motion.vertical_m_s * engines.start_s / 2.0;
    ahead.motion.altitude_m -= ignition_m;
    landing_thrust_n(vehicle, &ahead) >= landing.landing_throttle * full_n
}

/// Engines of the landing burn: as planned, or more for a booster that comes back early and heavy.
pub(super) fn landing_engines(vehicle: &Vehicle, landing: &Landing, propellant_kg: f64) -> u32 {
    /// Thrust over weight that the burn needs, so that braking is worth its time.
    const THRUST_OVER_WEIGHT: f64 = 2.0;
    let needed_m_s2 = THRUST_OVER_WEIGHT * STANDARD_GRAVITY;
    engines_for(
        vehicle,
        propellant_kg,
        landing.landing_throttle,
        needed_m_s2,
    )
    .max(landing.landing_engines)
}

/// Engines that give the booster an acceleration at a throttle, as far as it has them.
pub(super) fn engines_for(
    vehicle: &Vehicle,
    propellant_kg: f64,
    throttle: f64,
    accel_m_s2: f64,
) -> u32 {
    let engines = &vehicle.booster.engines;
    let mass_kg = vehicle.booster.empty_kg + propellant_kg;
    let one_n = throttle * engines.thrust_n(air_at(0.0).pressure_pa);
    let enough = (1..engines.count).find(|&count| f64::from(count) * one_n >= mass_kg * accel_m_s2);
    enough.unwrap_or(engines.count)
}

pub(super) fn must_land_now(vehicle: &Vehicle, landing: &Landing, fall: &Fall) -> bool {
    fall.motion.vertical_m_s < 0.0 && is_time_to_land(vehicle, landing, fall)
}

/// Constant vertical thrust that brings the fall to rest at the ground.
///
/// With thrust T, mass m and a drag that falls with the square of the speed, w = v² obeys
/// dw/ds = -2 (T/m - g) - 2 k w, where k is drag over m v² now; solved for T with w = 0 at s = h.
pub(super) fn landing_thrust_n(vehicle: &Vehicle, fall: &Fall) -> f64 {
    /// Heights below this are as good as contact.
    const HEIGHT_MIN_M: f64 = 0.05;
    /// Products below this make the closed form a quotient of noughts; the limit stands in.
    const SMALL: f64 = 1e-6;
    let mass_kg = vehicle.booster.empty_kg + fall.propellant_kg;
    let down = (-fall.motion.vertical_m_s).max(0.0);
    let height_m = fall.motion.altitude_m.max(HEIGHT_MIN_M);
    let square = (down * down - CONTACT_SPEED_M_S * CONTACT_SPEED_M_S).max(0.0);
    let k = drag_n(vehicle, &fall.motion) / (mass_kg * (down * down).max(1.0));
    let exponent = 2.0 * k * height_m;
    let braking = if exponent < SMALL {
        square / (2.0 * height_m)
    } else {
        k * square / exponent.exp_m1()
    };
    mass_kg * (braking + STANDARD_GRAVITY)
}

/// Drag falling engines first, along the velocity.
pub(super) fn drag_n(vehicle: &Vehicle, motion: &Motion) -> f64 {
    let (pressure_pa, mach) = flow(&air_at(motion.altitude_m), motion.speed());
    pressure_pa * vehicle.booster.descent_air.drag_area_m2(mach)
}
