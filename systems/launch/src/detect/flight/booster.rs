//! The booster on its way back: boost-back, entry, landing.

use portique_flight::EventKind;

use super::tell::tell;
use super::{BURN_MOMENTS, Flight, Phase, THRUST_M_S2};
use crate::detect::Detected;
use crate::detect::track::{Motion, Reading};

/// Moments without thrust that end a boost-back burn: half-way through it the thrust stands across the
/// track and does not show for a while ...
const BOOSTBACK_QUIET_MOMENTS: usize = 80;
/// ... and may show little for the rest of it. There is no air up there: whatever is felt is an engine.
const BOOSTBACK_THRUST_M_S2: f64 = 1.2;

/// Drag of a falling booster over dynamic pressure, m/s² per Pa, with a margin.
const DRAG_MAX_PER_PA: f64 = 0.000_75;
/// An entry burn starts between these altitudes.
pub(super) const ENTRY_ALTITUDE_MIN_M: f64 = 28_000.0;
pub(super) const ENTRY_ALTITUDE_MAX_M: f64 = 110_000.0;
/// An entry burn is over when its braking has fallen to this share of its strongest.
const ENTRY_END_SHARE: f64 = 0.25;

/// A landing burn starts below this, and slower than this Mach number.
const LANDING_ALTITUDE_MAX_M: f64 = 12_000.0;
const LANDING_MACH_MAX: f64 = 1.25;
/// Moments over which braking is averaged before it is compared with pressure.
const SMOOTHED_MOMENTS: usize = 10;
/// A landing burn is certain when braking over dynamic pressure has risen to this multiple of its least.
const LANDING_CERTAIN: f64 = 1.35;
/// ... and began when it was last within this multiple of it: at terminal speed it stays there for long.
const LANDING_LEAST: f64 = 1.04;
/// Standing on the ground: slower than this, lower than this (a display may round to 1 km).
const LANDED_SPEED_M_S: f64 = 1.5;
const LANDED_ALTITUDE_M: f64 = 600.0;
/// Moments of standing that make a landing certain.
const LANDED_MOMENTS: usize = 15;

impl Flight {
    pub(super) fn boost_back(&mut self, now: Motion, out: &mut Vec<Detected>) {
        let is_quiet = now.felt_m_s2.abs() < BOOSTBACK_THRUST_M_S2;
        let is_over = self.holds(is_quiet, BOOSTBACK_QUIET_MOMENTS);
        if is_over {
            if let Some(end) = self.streak_start() {
                tell(EventKind::BoostbackEnd, end, out);
            }
            self.enter(Phase::Coast, now.t_s);
            // Whatever pushes or brakes from here on is the entry.
            self.phase = Phase::Falling;
        }
    }

    pub(super) fn fall(&mut self, now: Motion, out: &mut Vec<Detected>) {
        let is_entering = now.vertical_speed_m_s < 0.0 && now.altitude_m < ENTRY_ALTITUDE_MAX_M;
        if is_entering && now.altitude_m < ENTRY_ALTITUDE_MIN_M && self.streak == 0 {
            self.enter(Phase::Braking, now.t_s);
            return;
        }
        if self.holds(is_entering && braking(now) > THRUST_M_S2, BURN_MOMENTS) {
            let start = self.streak_start();
            if let Some(start) = start {
                tell(EventKind::EntryBurnStart, start, out);
            }
            self.enter(Phase::EntryBurn, now.t_s);
        }
    }

    pub(super) fn brake_entry(&mut self, now: Motion, out: &mut Vec<Detected>) {
        let strongest = self.extreme.map_or(0.0, |(value, _)| value);
        if braking(now) > strongest {
            self.extreme = Some((braking(now), now));
        }
        let level = (ENTRY_END_SHARE * strongest).max(THRUST_M_S2);
        if self.holds(braking(now) < level, BURN_MOMENTS) {
            if let Some(end) = self.streak_start() {
                tell(EventKind::EntryBurnEnd, end, out);
            }
            self.enter(Phase::Braking, now.t_s);
        }
    }

    /// In dense air: braking over pressure falls with the Mach number until the engine adds to it.
    pub(super) fn brake(&mut self, now: Motion, out: &mut Vec<Detected>) {
        let can_burn = now.altitude_m < LANDING_ALTITUDE_MAX_M
            && now.mach < LANDING_MACH_MAX
            && now.pressure_pa > 1.0;
        if !can_burn {
            return;
        }
        let ratio = -self.felt_smoothed() / now.pressure_pa;
        let least = self.extreme.map_or(ratio, |(least, _)| least.min(ratio));
        if ratio <= LANDING_LEAST * least {
            let middle = self.history.len().saturating_sub(1 + SMOOTHED_MOMENTS / 2);
            self.extreme = Some((least, self.history[middle]));
            self.streak = 0;
            return;
        }
        let Some((least, start)) = self.extreme else {
            return;
        };
        if self.holds(ratio > LANDING_CERTAIN * least.max(1e-6), BURN_MOMENTS) {
            if !self.is_beside_silence(start.t_s) && start.t_s > self.since_s + 1.0 {
                tell(EventKind::LandingBurnStart, start, out);
            }
            self.enter(Phase::LandingBurn, now.t_s);
        }
    }

    pub(super) fn land(&mut self, now: Motion, out: &mut Vec<Detected>) {
        let is_down = now.speed_m_s < LANDED_SPEED_M_S && now.altitude_m < LANDED_ALTITUDE_M;
        if self.holds(is_down, LANDED_MOMENTS) {
            if let Some(touched) = self.streak_start() {
                tell(EventKind::Landed, touched, out);
            }
            self.enter(Phase::Landed, now.t_s);
        }
    }

    /// The telemetry ended with this reading.
    pub(in crate::detect) fn end(&mut self, last: Reading, out: &mut Vec<Detected>) {
        let is_down = matches!(self.phase, Phase::LandingBurn | Phase::Braking)
            && last.speed_m_s < LANDED_SPEED_M_S
            && last.altitude_m < LANDED_ALTITUDE_M;
        if let (true, Some(now)) = (is_down, self.history.back().copied()) {
            self.enter(Phase::Landed, now.t_s);
            let mut touched = now;
            touched.t_s = last.t_s;
            tell(EventKind::Landed, touched, out);
        }
    }

    fn felt_smoothed(&self) -> f64 {
        let moments = self.history.len().min(SMOOTHED_MOMENTS);
        let last = self.history.iter().rev().take(moments);
        last.map(|m| m.felt_m_s2).sum::<f64>() / moments as f64
    }
}

/// Braking beyond what drag can explain.
pub(super) fn braking(motion: Motion) -> f64 {
    -motion.felt_m_s2 - DRAG_MAX_PER_PA * motion.pressure_pa
}
