//! Motion of a point over a rotating Earth, in the plane of the flight.
//!
//! The plane turns with the Earth at the part of its rotation that lies in it. Speeds are relative to
//! the ground; the turning adds what a turning frame adds (centrifugal and Coriolis terms).

use serde::{Deserialize, Serialize};

use crate::{Aerodynamics, Air, Engines};

/// Radius of the pad's sea level: WGS 84, equatorial.
pub(crate) const EARTH_RADIUS_M: f64 = 6_378_137.0;
/// Gravitational parameter of the Earth: WGS 84, m³/s².
pub(crate) const EARTH_GM: f64 = 3.986_004_418e14;
/// Rotation rate of the Earth: WGS 84, rad/s.
const EARTH_RATE_RAD_S: f64 = 7.292_115e-5;
/// Standard gravity, which turns specific impulse into exhaust speed, m/s².
pub(crate) const STANDARD_GRAVITY: f64 = 9.806_65;
/// Standard pressure at sea level, where sea-level impulse is measured.
const SEA_LEVEL_PA: f64 = 101_325.0;

/// Where a body is and how it moves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Motion {
    pub(crate) altitude_m: f64,
    pub(crate) downrange_m: f64,
    pub(crate) vertical_m_s: f64,
    pub(crate) horizontal_m_s: f64,
}

impl Motion {
    pub(crate) fn speed(&self) -> f64 {
        self.vertical_m_s.hypot(self.horizontal_m_s)
    }

    pub(crate) fn radius(&self) -> f64 {
        EARTH_RADIUS_M + self.altitude_m
    }

    /// Horizontal speed in the frame that does not turn.
    pub(crate) fn inertial_horizontal(&self, eastward: f64) -> f64 {
        self.horizontal_m_s + EARTH_RATE_RAD_S * eastward * self.radius()
    }

    /// Moves by `dt_s` under `force`, the acceleration other than gravity as (vertical,
    /// horizontal): the midpoint rule, whose error per second is far below a millimetre here.
    pub(crate) fn step(
        self,
        dt_s: f64,
        eastward: f64,
        force: impl Fn(&Self) -> (f64, f64),
    ) -> Self {
        let middle = self.moved(dt_s / 2.0, &self, eastward, force(&self));
        self.moved(dt_s, &middle, eastward, force(&middle))
    }

    fn moved(self, dt_s: f64, at: &Self, eastward: f64, force: (f64, f64)) -> Self {
        let radius = at.radius();
        let inertial = at.inertial_horizontal(eastward);
        let turning = EARTH_RATE_RAD_S * eastward;
        let vertical_accel = force.0 + inertial * inertial / radius - EARTH_GM / (radius * radius);
        let horizontal_accel = force.1 - at.vertical_m_s * (inertial / radius + turning);
        Self {
            altitude_m: self.altitude_m + dt_s * at.vertical_m_s,
            downrange_m: self.downrange_m + dt_s * at.horizontal_m_s * EARTH_RADIUS_M / radius,
            vertical_m_s: self.vertical_m_s + dt_s * vertical_accel,
            horizontal_m_s: self.horizontal_m_s + dt_s * horizontal_accel,
        }
    }

    /// Lowest and highest height of the orbit that the body is on, above the pad's radius; the
    /// highest is `None` when it leaves the Earth.
    pub(crate) fn apsides_m(&self, eastward: f64) -> (f64, Option<f64>) {
        let radius = self.radius();
        let across = self.inertial_horizontal(eastward);
        let energy =
            (across * across + self.vertical_m_s * self.vertical_m_s) / 2.0 - EARTH_GM / radius;
        let momentum = radius * across;
        let squared = 1.0 + 2.0 * energy * momentum * momentum / (EARTH_GM * EARTH_GM);
        let eccentricity = squared.max(0.0).sqrt();
        let parameter = momentum * momentum / EARTH_GM;
        let highest =
            (eccentricity < 1.0).then(|| parameter / (1.0 - eccentricity) - EARTH_RADIUS_M);
        (parameter / (1.0 + eccentricity) - EARTH_RADIUS_M, highest)
    }
}

impl Engines {
    /// Full thrust of one engine against an outside pressure.
    pub(crate) fn thrust_n(&self, pressure_pa: f64) -> f64 {
        let loss = (self.isp_vacuum_s - self.isp_sea_level_s) / self.isp_vacuum_s;
        (self.thrust_vacuum_n * (1.0 - loss * pressure_pa / SEA_LEVEL_PA)).max(0.0)
    }

    /// Propellant that one engine takes at full thrust.
    pub fn flow_kg_s(&self) -> f64 {
        self.thrust_vacuum_n / (self.isp_vacuum_s * STANDARD_GRAVITY)
    }
}

impl Aerodynamics {
    /// Drag per dynamic pressure at a Mach number: coefficient times area.
    pub(crate) fn drag_area_m2(&self, mach: f64) -> f64 {
        self.area_m2 * interpolate(&self.drag, mach)
    }
}

/// Dynamic pressure and Mach number of a motion through air.
pub(crate) fn flow(air: &Air, speed_m_s: f64) -> (f64, f64) {
    (
        0.5 * air.density_kg_m3 * speed_m_s * speed_m_s,
        speed_m_s / air.sound_speed_m_s,
    )
}

fn interpolate(table: &[[f64; 2]], at: f64) -> f64 {
    let Some(&[first, value]) = table.first() else {
        return 0.0;
    };
    if at <= first {
        return value;
    }
    for pair in table.windows(2) {
        let ([low, from], [high, to]) = (pair[0], pair[1]);
        if at <= high {
            return from + (to - from) * (at - low) / (high - low);
        }
    }
    table.last().map_or(0.0, |row| row[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A circular orbit over a pad on the equator, seen from the turning Earth.
    fn circular(altitude_m: f64, eastward: f64) -> Motion {
        let still = Motion {
            altitude_m,
            ..Motion::default()
        };
        let orbital = (EARTH_GM / still.radius()).sqrt();
        Motion {
            horizontal_m_s: orbital - still.inertial_horizontal(eastward),
            ..still
        }
    }

    #[test]
    fn a_circular_orbit_stays_circular_for_a_revolution() {
        for eastward in [-0.5, 0.0, 1.0] {
            let mut motion = circular(200_000.0, eastward);
            for _ in 0..265_000 {
                motion = motion.step(0.02, eastward, |_| (0.0, 0.0));
                let off_m = motion.altitude_m - 200_000.0;
                assert!(off_m.abs() < 1.0, "eastward {eastward}: {off_m} m off");
            }
        }
    }

    #[test]
    fn a_stone_falls_as_in_the_schoolbook_and_a_little_east() {
        let mut motion = Motion {
            altitude_m: 100.0,
            ..Motion::default()
        };
        let mut seconds = 0.0;
        while motion.altitude_m > 0.0 {
            motion = motion.step(0.001, 1.0, |_| (0.0, 0.0));
            seconds += 0.001;
        }
        // Gravity less the centrifugal part at the equator.
        assert!(
            (seconds - (200.0_f64 / 9.764).sqrt()).abs() < 0.01,
            "{seconds} s"
        );
        // A fall of h in t goes east by ω g t³ / 3.
        let east_m = EARTH_RATE_RAD_S * 9.764 * seconds.powi(3) / 3.0;
        assert!(
            (motion.downrange_m - east_m).abs() < 0.001,
            "{} m",
            motion.downrange_m
        );
    }

    #[test]
    fn apsides_of_a_circular_orbit_are_its_height() {
        let (low, high) = circular(300_000.0, 0.6).apsides_m(0.6);
        assert!((low - 300_000.0).abs() < 1.0 && (high.unwrap() - 300_000.0).abs() < 1.0);
        let fast = Motion {
            horizontal_m_s: 12_000.0,
            ..circular(300_000.0, 0.6)
        };
        assert_eq!(fast.apsides_m(0.6).1, None);
    }

    #[test]
    fn an_engine_loses_the_thrust_that_the_outside_pressure_takes() {
        let engines = crate::Vehicle::named("reference").unwrap().booster.engines;
        assert!((engines.thrust_n(0.0) - 931_900.0).abs() < 1e-6);
        assert!((engines.thrust_n(101_325.0) - 845_003.2).abs() < 1.0);
        assert!((engines.flow_kg_s() * 9.80665 * 282.0 - 845_003.2).abs() < 1.0);
    }
}
