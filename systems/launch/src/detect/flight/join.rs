//! Which phase a recording begins in, or what follows a long silence.

use super::booster::{ENTRY_ALTITUDE_MIN_M, braking};
use super::{Flight, Phase, STAGE2_SPEED_M_S, THRUST_M_S2};
use crate::detect::track::Motion;

/// Moments that settle in which phase a recording begins.
const MOMENTS_TO_JOIN: usize = 15;

/// Standing on the pad: slower and lower than this.
const PAD_SPEED_M_S: f64 = 5.0;
const PAD_ALTITUDE_M: f64 = 2_500.0;
/// Thrust that counts as an ascent or a second-stage burn when a recording begins in it.
const THRUST_AT_JOIN_M_S2: f64 = 5.0;
/// Higher than this it is the second stage's.
const STAGE2_ALTITUDE_M: f64 = 110_000.0;

impl Flight {
    pub(super) fn join(&mut self, now: Motion) {
        if self.history.len() < MOMENTS_TO_JOIN {
            return;
        }
        let count = self.history.len() as f64;
        let mean = |of: fn(&Motion) -> f64| self.history.iter().map(of).sum::<f64>() / count;
        let felt = mean(|m| m.felt_m_s2);
        let climb = mean(|m| m.vertical_speed_m_s);
        let first = self.history[0];
        let is_high = now.speed_m_s > STAGE2_SPEED_M_S || now.altitude_m > STAGE2_ALTITUDE_M;
        let phase = if first.speed_m_s < PAD_SPEED_M_S && first.altitude_m < PAD_ALTITUDE_M {
            Phase::Pad
        } else if felt > THRUST_AT_JOIN_M_S2 && is_high {
            Phase::SecondBurn
        } else if felt > THRUST_AT_JOIN_M_S2 && climb > 0.0 {
            Phase::Ascent
        } else if (climb < 0.0 || felt < -THRUST_M_S2) && now.altitude_m < ENTRY_ALTITUDE_MIN_M {
            Phase::Braking
        } else if climb < 0.0 && !is_high && braking(now) > THRUST_M_S2 {
            Phase::EntryBurn
        } else if climb < 0.0 && !is_high {
            Phase::Falling
        } else {
            Phase::Coast
        };
        self.enter(phase, now.t_s);
        if phase == Phase::Pad {
            // Lift-off may lie in the moments that settled it.
            self.streak = self.history.iter().filter(|m| m.speed_m_s > 0.5).count();
        }
    }
}
