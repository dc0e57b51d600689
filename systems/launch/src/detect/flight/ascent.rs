//! From the pad to the cut-off of the first stage: lift-off, Mach 1, Max Q, MECO.

use portique_flight::EventKind;

use super::tell::{between, tell};
use super::{Flight, Phase, SILENCE_MAX_S};
use crate::detect::Detected;
use crate::detect::track::Motion;

/// Lift-off is certain at this speed.
const LIFTOFF_SPEED_M_S: f64 = 8.0;

/// Max Q is certain when pressure has fallen to this share of its peak ...
const MAX_Q_CERTAIN: f64 = 0.8;
/// ... is a peak only if it was seen rising from at most this share ...
const MAX_Q_RISEN_FROM: f64 = 0.9;
/// ... and its time is the middle of the flat top above this share.
const MAX_Q_TOP: f64 = 0.99;
/// Slower than this it is no peak: the air is still dense, and what fell is the fit of a few rare samples.
const MAX_Q_MACH_MIN: f64 = 0.6;
/// Moments of a flat top that are kept: a minute.
const TOP_MOMENTS_MAX: usize = 600;

/// Felt acceleration of the stack before the cut-off, at least.
const CUTOFF_FROM_M_S2: f64 = 12.0;
/// First-stage engines are not cut lower than this on a flight that goes on.
const MECO_ALTITUDE_MIN_M: f64 = 20_000.0;

impl Flight {
    pub(super) fn on_pad(&mut self, now: Motion, out: &mut Vec<Detected>) {
        self.holds(now.speed_rate_m_s2 > 0.5 && now.speed_m_s > 0.3, usize::MAX);
        if now.speed_m_s < LIFTOFF_SPEED_M_S || self.streak == 0 {
            return;
        }
        let index = self.history.len().saturating_sub(self.streak + 1);
        let before = self.history[index];
        let first = self.history[(index + 1).min(self.history.len() - 1)];
        if first.t_s - before.t_s < SILENCE_MAX_S {
            // The first moving moment, carried back to speed zero.
            let back_s = (first.speed_m_s / first.speed_rate_m_s2.max(1.0)).clamp(0.0, 1.0);
            let mut start = first;
            start.t_s = first.t_s - back_s;
            tell(EventKind::Liftoff, start, out);
        }
        self.enter(Phase::Ascent, now.t_s);
        self.rose = true;
    }

    pub(super) fn ascend(&mut self, now: Motion, out: &mut Vec<Detected>) {
        self.watch_mach(now, out);
        self.watch_pressure(now, out);
        if now.altitude_m > MECO_ALTITUDE_MIN_M || self.streak > 0 {
            self.cut_off(now, CUTOFF_FROM_M_S2, EventKind::Meco, Phase::Coast, out);
        }
        if self.phase == Phase::Coast {
            self.tell_max_q(out);
            out.sort_by(|a, b| a.t_s.total_cmp(&b.t_s));
        }
    }

    fn watch_mach(&mut self, now: Motion, out: &mut Vec<Detected>) {
        let Some(before) = self.before() else { return };
        let crossed = before.mach < 1.0 && now.mach >= 1.0;
        if crossed && !self.is_mach_1_told {
            self.is_mach_1_told = true;
            if now.t_s - before.t_s <= SILENCE_MAX_S {
                tell(EventKind::Mach1, between(before, now, |m| m.mach, 1.0), out);
            }
        }
    }

    fn watch_pressure(&mut self, now: Motion, out: &mut Vec<Detected>) {
        if self.is_max_q_told {
            return;
        }
        if self.top.is_empty() {
            self.peak_pa = now.pressure_pa;
        }
        if now.pressure_pa > self.peak_pa {
            self.peak_pa = now.pressure_pa;
            let least = MAX_Q_TOP * self.peak_pa;
            let lost = self
                .top
                .iter()
                .any(|m| m.pressure_pa < least * MAX_Q_RISEN_FROM);
            self.rose |= lost;
            self.top.retain(|m| m.pressure_pa >= least);
        }
        let is_near = now.pressure_pa >= MAX_Q_TOP * self.peak_pa;
        if is_near && self.top.len() < TOP_MOMENTS_MAX {
            self.top.push(now);
        }
        let first_pa = self.history[0].pressure_pa;
        self.rose |= first_pa < MAX_Q_RISEN_FROM * self.peak_pa;
        let is_fast = self.top.iter().any(|m| m.mach >= MAX_Q_MACH_MIN);
        if is_fast && now.pressure_pa < MAX_Q_CERTAIN * self.peak_pa {
            self.tell_max_q(out);
        }
    }

    fn tell_max_q(&mut self, out: &mut Vec<Detected>) {
        if self.is_max_q_told {
            return;
        }
        self.is_max_q_told = true;
        let (Some(first), Some(last)) = (self.top.first(), self.top.last()) else {
            return;
        };
        let (first_s, last_s) = (first.t_s, last.t_s);
        let is_whole = self
            .top
            .windows(2)
            .all(|w| w[1].t_s - w[0].t_s <= SILENCE_MAX_S)
            && !self.is_beside_silence(first_s)
            && !self.is_beside_silence(last_s);
        if !self.rose || !is_whole {
            return;
        }
        let middle_s = self.top.iter().map(|m| m.t_s).sum::<f64>() / self.top.len() as f64;
        let nearest = self.top.iter().min_by(|a, b| {
            (a.t_s - middle_s)
                .abs()
                .total_cmp(&(b.t_s - middle_s).abs())
        });
        if let Some(middle) = nearest {
            tell(EventKind::MaxQ, *middle, out);
        }
    }
}
