//! Thrust and air on a stack of bodies.

use crate::atmosphere::air_at;
use crate::motion::{Motion, flow};
use crate::{Aerodynamics, Vehicle};

/// What pushes a stack, constant over one tick.
#[derive(Debug)]
pub(super) struct Push<'a> {
    pub(super) vehicle: &'a Vehicle,
    pub(super) mass_kg: f64,
    pub(super) pitch_rad: f64,
    /// Running first-stage engines times their level, and the same of the second stage.
    pub(super) booster_engines: f64,
    pub(super) stage2_engines: f64,
    pub(super) shape: Shape<'a>,
    pub(super) density_factor: f64,
}

/// How the air sees a stack.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape<'a> {
    /// Always nose first.
    Nose(&'a Aerodynamics),
    /// The booster alone, either end first.
    Booster,
}

impl Push<'_> {
    /// Acceleration other than gravity as (vertical, horizontal).
    pub(super) fn accel(&self, motion: &Motion) -> (f64, f64) {
        let air = air_at(motion.altitude_m);
        let thrust_n = self.booster_engines
            * self.vehicle.booster.engines.thrust_n(air.pressure_pa)
            + self.stage2_engines * self.vehicle.stage2.engines.thrust_n(air.pressure_pa);
        let (sin, cos) = self.pitch_rad.sin_cos();
        let speed = motion.speed();
        let (mut up, mut along) = (thrust_n * sin, thrust_n * cos);
        if speed > 0.0 {
            let (pressure, mach) = flow(&air, speed);
            let (drag, lift) = self.air_areas(motion, mach);
            let (v_up, v_along) = (motion.vertical_m_s / speed, motion.horizontal_m_s / speed);
            let pressure = pressure * self.density_factor;
            up -= pressure * (drag * v_up + lift * v_along);
            along -= pressure * (drag * v_along - lift * v_up);
        }
        (up / self.mass_kg, along / self.mass_kg)
    }

    /// Force per dynamic pressure: along the velocity, and to the right of it.
    fn air_areas(&self, motion: &Motion, mach: f64) -> (f64, f64) {
        match self.shape {
            Shape::Nose(air) => (air.drag_area_m2(mach), 0.0),
            Shape::Booster => {
                let booster = &self.vehicle.booster;
                let path_rad = motion.vertical_m_s.atan2(motion.horizontal_m_s);
                let (sin, cos) = (self.pitch_rad - path_rad).sin_cos();
                let nose = booster.ascent_air.drag_area_m2(mach) * (1.0 + cos) / 2.0;
                let tail = booster.descent_air.drag_area_m2(mach) * (1.0 - cos) / 2.0;
                let slope = if cos < 0.0 {
                    booster.descent_lift_slope
                } else {
                    0.0
                };
                // The side that faces the flow is pushed: away from where the nose leans.
                let lift = -slope * booster.descent_air.area_m2 * sin * cos;
                (nose + tail, lift)
            }
        }
    }
}
