//! Burns above the air: the coast until one begins, and the cut-off that ends the second stage's.

use portique_flight::EventKind;

use super::booster::ENTRY_ALTITUDE_MAX_M;
use super::tell::{between, tell};
use super::{BURN_MOMENTS, Flight, Phase, SILENCE_MAX_S, STAGE2_SPEED_M_S, THRUST_M_S2};
use crate::detect::Detected;
use crate::detect::track::Motion;

/// Felt acceleration of the second stage before its cut-off, at least.
const CUTOFF_STAGE2_FROM_M_S2: f64 = 4.0;
/// Moments without thrust that make a cut-off certain.
const CUTOFF_MOMENTS: usize = 15;
/// The boost-back and the first burn of the second stage begin on the way up, faster than this. Around the
/// apogee a display of altitude changes too rarely to tell thrust from gravity.
const CLIMB_MIN_M_S: f64 = 300.0;

impl Flight {
    pub(super) fn coast(&mut self, now: Motion, out: &mut Vec<Detected>) {
        let (climb, felt) = (now.vertical_speed_m_s, now.felt_m_s2);
        if climb < -20.0
            && now.altitude_m < ENTRY_ALTITUDE_MAX_M
            && now.speed_m_s < STAGE2_SPEED_M_S
        {
            self.enter(Phase::Falling, now.t_s);
            return;
        }
        let is_burning = felt.abs() > THRUST_M_S2 && climb > CLIMB_MIN_M_S;
        let turned = self
            .before()
            .is_some_and(|m| (m.felt_m_s2 > 0.0) != (felt > 0.0));
        if turned {
            self.streak = 0;
        }
        if !self.holds(is_burning, BURN_MOMENTS) {
            return;
        }
        // A burn that runs when the coast is joined began before.
        let joined_s = self.since_s + 0.5;
        let start = self.streak_start().filter(|start| start.t_s > joined_s);
        let (kind, phase) = if felt > 0.0 {
            (EventKind::Ses1, Phase::SecondBurn)
        } else {
            (EventKind::BoostbackStart, Phase::Boostback)
        };
        if let Some(start) = start {
            tell(kind, start, out);
        }
        self.enter(phase, now.t_s);
    }

    pub(super) fn burn_second(&mut self, now: Motion, out: &mut Vec<Detected>) {
        let from_m_s2 = CUTOFF_STAGE2_FROM_M_S2;
        if now.speed_m_s > STAGE2_SPEED_M_S {
            self.cut_off(now, from_m_s2, EventKind::Seco1, Phase::Orbit, out);
        } else {
            // So far from orbit the engine is not done: the display stood still.
            self.streak = 0;
        }
    }

    /// Watches for the end of a burn: the middle of the fall of felt acceleration.
    pub(super) fn cut_off(
        &mut self,
        now: Motion,
        from_m_s2: f64,
        kind: EventKind,
        then: Phase,
        out: &mut Vec<Detected>,
    ) {
        if !self.holds(now.felt_m_s2 < THRUST_M_S2, CUTOFF_MOMENTS) {
            return;
        }
        let quiet = self.history.len() - self.streak;
        let level = self
            .history
            .range(quiet.saturating_sub(50)..quiet)
            .map(|m| m.felt_m_s2)
            .fold(0.0, f64::max);
        let has_burned = level > from_m_s2;
        if has_burned {
            self.tell_middle(level / 2.0, kind, out);
        }
        if has_burned || self.streak >= 2 * CUTOFF_MOMENTS {
            self.enter(then, now.t_s);
        }
    }

    /// Tells the last moment at which felt acceleration fell through a level.
    fn tell_middle(&self, level: f64, kind: EventKind, out: &mut Vec<Detected>) {
        for index in (1..self.history.len()).rev() {
            let (before, after) = (self.history[index - 1], self.history[index]);
            if before.felt_m_s2 >= level && after.felt_m_s2 < level {
                if after.t_s - before.t_s <= SILENCE_MAX_S {
                    tell(kind, between(before, after, |m| m.felt_m_s2, level), out);
                }
                return;
            }
        }
    }
}
