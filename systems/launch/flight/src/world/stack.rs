//! Bodies that fly together: joints, common motion, contact with the ground.

use std::f64::consts::FRAC_PI_2;

use super::forces::{Push, Shape};
use super::{TICK_S, World};
use crate::motion::{EARTH_GM, EARTH_RADIUS_M, Motion};
use crate::{Body, EventKind};

/// Speed between two stages after the pushers of their joint.
const STAGE_PUSH_M_S: f64 = 2.0;

/// Speed under which the velocity has no direction worth the name; the nose stands in for it.
const SPEED_MIN_M_S: f64 = 1.0;

impl World {
    /// Separations, fairing, legs and destruction as asked by the actuators.
    pub(super) fn obey(&mut self) {
        for &body in Body::ALL {
            let module = &mut self.modules[body.index()];
            if !module.alive {
                continue;
            }
            let asked = module.actuators;
            if asked.jettison_fairing && self.released {
                module.fairing_on = false;
            }
            module.legs_deployed |= asked.deploy_legs && self.released && !module.faults.stuck_legs;
            if asked.separate_below {
                self.part(body);
            }
            if let Some(above) = body.above().filter(|_| asked.separate_above) {
                self.part(above);
            }
            if asked.destroy {
                self.destroy(body);
            }
        }
    }

    pub(super) fn burn(&mut self, body: Body) {
        let module = &mut self.modules[body.index()];
        let boxed_in = body == Body::Stage2 && module.attached_below;
        if !module.alive || module.landed || boxed_in {
            module.running = 0;
            module.level = 0.0;
            return;
        }
        let engines = match body {
            Body::Booster => &self.vehicle.booster.engines,
            Body::Stage2 | Body::Payload => &self.vehicle.stage2.engines,
        };
        module.burn(engines);
    }

    /// Whether thrust exceeds weight on the pad.
    pub(super) fn lifts(&self) -> bool {
        let motion = self.modules[Body::Booster.index()].motion;
        let (up, _) = self.push(Body::Booster).accel(&motion);
        up > EARTH_GM / (EARTH_RADIUS_M * EARTH_RADIUS_M)
    }

    /// Moves every stack by one tick.
    pub(super) fn fly(&mut self) {
        for &base in Body::ALL {
            let module = &self.modules[base.index()];
            if !module.alive || module.attached_below || module.landed {
                continue;
            }
            self.turn(base);
            let push = self.push(base);
            let eastward = self.vehicle.plan.eastward;
            let moved = self.modules[base.index()]
                .motion
                .step(TICK_S, eastward, |at| push.accel(at));
            for member in self.stack_of(base) {
                self.modules[member.index()].motion = moved;
                self.modules[member.index()].pitch_rad = self.modules[base.index()].pitch_rad;
            }
            if moved.altitude_m <= 0.0 && moved.vertical_m_s <= 0.0 {
                self.touch(base);
            }
        }
    }

    /// The felt acceleration along the velocity.
    pub(super) fn measure(&mut self, body: Body) {
        let module = &self.modules[body.index()];
        let motion = module.motion;
        let at_rest = !self.released || module.landed;
        let felt = if !module.alive {
            0.0
        } else if at_rest {
            EARTH_GM / (motion.radius() * motion.radius())
        } else {
            let base = self.stack_of(body).first().copied().unwrap_or(body);
            let (up, along) = self.push(base).accel(&motion);
            let speed = motion.speed();
            if speed < SPEED_MIN_M_S {
                up * module.pitch_rad.sin() + along * module.pitch_rad.cos()
            } else {
                (up * motion.vertical_m_s + along * motion.horizontal_m_s) / speed
            }
        };
        self.modules[body.index()].felt_m_s2 = felt;
    }

    /// The bodies joined with this one, itself included, from the bottom up.
    pub(super) fn stack_of(&self, body: Body) -> Vec<Body> {
        let mut base = body;
        while let Some(below) = base
            .below()
            .filter(|_| self.modules[base.index()].attached_below)
        {
            base = below;
        }
        let mut stack = vec![base];
        while let Some(above) = stack.last().and_then(|top| top.above()) {
            if !self.modules[above.index()].attached_below {
                break;
            }
            stack.push(above);
        }
        stack
    }

    /// Opens the joint under a body; the pushers share their momentum between both sides.
    fn part(&mut self, upper: Body) {
        let Some(lower) = upper
            .below()
            .filter(|_| self.modules[upper.index()].attached_below)
            .filter(|lower| !self.modules[lower.index()].faults.stuck_above)
        else {
            return;
        };
        self.modules[upper.index()].attached_below = false;
        if !self.released {
            return;
        }
        let push_m_s = match upper {
            Body::Payload => self.vehicle.payload.release_speed_m_s,
            Body::Booster | Body::Stage2 => STAGE_PUSH_M_S,
        };
        let (above, below) = (self.stack_of(upper), self.stack_of(lower));
        let (above_kg, below_kg) = (self.mass_kg(&above), self.mass_kg(&below));
        let (sin, cos) = self.modules[lower.index()].pitch_rad.sin_cos();
        for (side, speed) in [
            (above, push_m_s * below_kg / (above_kg + below_kg)),
            (below, -push_m_s * above_kg / (above_kg + below_kg)),
        ] {
            for body in side {
                let motion = &mut self.modules[body.index()].motion;
                motion.vertical_m_s += speed * sin;
                motion.horizontal_m_s += speed * cos;
            }
        }
    }

    fn push(&self, base: Body) -> Push<'_> {
        let stack = self.stack_of(base);
        let engines = |body: Body| {
            let module = &self.modules[body.index()];
            if stack.contains(&body) {
                f64::from(module.running) * module.level
            } else {
                0.0
            }
        };
        let shape = match base {
            Body::Booster if stack.len() == 1 => Shape::Booster,
            Body::Booster => Shape::Nose(&self.vehicle.booster.ascent_air),
            Body::Stage2 => Shape::Nose(&self.vehicle.stage2.air),
            Body::Payload => Shape::Nose(&self.vehicle.payload.air),
        };
        Push {
            vehicle: &self.vehicle,
            mass_kg: self.mass_kg(&stack),
            pitch_rad: self.modules[base.index()].pitch_rad,
            booster_engines: engines(Body::Booster),
            stage2_engines: engines(Body::Stage2),
            shape,
            density_factor: self.density_factor,
        }
    }

    fn mass_kg(&self, stack: &[Body]) -> f64 {
        stack.iter().map(|&body| self.body_mass_kg(body)).sum()
    }

    fn body_mass_kg(&self, body: Body) -> f64 {
        let module = &self.modules[body.index()];
        module.propellant_kg
            + match body {
                Body::Booster => self.vehicle.booster.empty_kg,
                Body::Stage2 if module.fairing_on => {
                    self.vehicle.stage2.empty_kg + self.vehicle.stage2.fairing_kg
                }
                Body::Stage2 => self.vehicle.stage2.empty_kg,
                Body::Payload => self.vehicle.payload.mass_kg,
            }
    }

    fn turn(&mut self, base: Body) {
        let rate = match base {
            Body::Booster => self.vehicle.booster.turn_rate_rad_s,
            Body::Stage2 => self.vehicle.stage2.turn_rate_rad_s,
            Body::Payload => return,
        };
        let module = &mut self.modules[base.index()];
        let step = rate * TICK_S;
        let wanted = module.actuators.pitch_rad + module.drift_rad;
        module.pitch_rad = wanted.clamp(module.pitch_rad - step, module.pitch_rad + step);
    }

    /// Contact with the ground: on its legs and slow enough, or the end.
    fn touch(&mut self, base: Body) {
        let stack = self.stack_of(base);
        let speed = self.modules[base.index()].motion.speed();
        let stands = base == Body::Booster
            && stack.len() == 1
            && self.modules[base.index()].legs_deployed
            && speed <= self.vehicle.booster.legs_speed_max_m_s;
        if !stands {
            for body in stack {
                self.modules[body.index()].motion.altitude_m = 0.0;
                self.kill(body, EventKind::Lost);
            }
            return;
        }
        for kind in [EventKind::Landing, EventKind::Landed] {
            self.note(kind, base, &[("impact_speed_m_s", speed)]);
        }
        let module = &mut self.modules[base.index()];
        module.landed = true;
        module.pitch_rad = FRAC_PI_2;
        module.motion = Motion {
            downrange_m: module.motion.downrange_m,
            ..Motion::default()
        };
    }
}
