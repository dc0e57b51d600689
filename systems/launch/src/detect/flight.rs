//! The phases of a flight as the ground sees them, and the events between them.

use std::collections::VecDeque;

use portique_flight::EventKind;

use super::Detected;
use super::track::{Motion, Reading};

/// How much motion is kept to look back at.
const HISTORY: usize = 200;
/// An event inside a longer silence than this is not told: its time is not known.
const SILENCE_MAX_S: f64 = 4.5;
/// After a longer silence than this the flight may be in any phase, and is joined anew.
const REJOIN_AFTER_S: f64 = 10.0;
/// Moments that settle in which phase a recording begins.
const MOMENTS_TO_JOIN: usize = 15;

/// Standing on the pad: slower and lower than this.
const PAD_SPEED_M_S: f64 = 5.0;
const PAD_ALTITUDE_M: f64 = 2_500.0;
/// Lift-off is certain at this speed.
const LIFTOFF_SPEED_M_S: f64 = 8.0;
/// Felt acceleration that only an engine gives.
const THRUST_M_S2: f64 = 3.0;
/// Thrust that counts as an ascent or a second-stage burn when a recording begins in it.
const THRUST_AT_JOIN_M_S2: f64 = 5.0;
/// Faster or higher than this, a burn is the second stage's.
const STAGE2_SPEED_M_S: f64 = 3_500.0;
const STAGE2_ALTITUDE_M: f64 = 110_000.0;

/// Max Q is certain when pressure has fallen to this share of its peak ...
const MAX_Q_CERTAIN: f64 = 0.8;
/// ... is a peak only if it was seen rising from at most this share ...
const MAX_Q_RISEN_FROM: f64 = 0.9;
/// ... and its time is the middle of the flat top above this share.
const MAX_Q_TOP: f64 = 0.99;
/// Moments of a flat top that are kept: a minute.
const TOP_MOMENTS_MAX: usize = 600;

/// Felt acceleration before a cut-off, at least.
const CUTOFF_FROM_M_S2: f64 = 12.0;
const CUTOFF_STAGE2_FROM_M_S2: f64 = 4.0;
/// First-stage engines are not cut lower than this on a flight that goes on.
const MECO_ALTITUDE_MIN_M: f64 = 20_000.0;
/// Moments without thrust that make a cut-off certain.
const CUTOFF_MOMENTS: usize = 15;
/// The boost-back and the first burn of the second stage begin on the way up, faster than this. Around the
/// apogee a display of altitude changes too rarely to tell thrust from gravity.
const CLIMB_MIN_M_S: f64 = 300.0;
/// Moments of thrust that make a burn certain.
const BURN_MOMENTS: usize = 12;
/// Moments without thrust that end a boost-back burn: half-way through it the thrust stands across the
/// track and does not show for a while ...
const BOOSTBACK_QUIET_MOMENTS: usize = 80;
/// ... and may show little for the rest of it. There is no air up there: whatever is felt is an engine.
const BOOSTBACK_THRUST_M_S2: f64 = 1.2;

/// Drag of a falling booster over dynamic pressure, m/s² per Pa, with a margin.
const DRAG_MAX_PER_PA: f64 = 0.000_75;
/// An entry burn starts between these altitudes.
const ENTRY_ALTITUDE_MIN_M: f64 = 28_000.0;
const ENTRY_ALTITUDE_MAX_M: f64 = 110_000.0;
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

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    /// The telemetry has just begun.
    #[default]
    Joining,
    Pad,
    Ascent,
    /// Engines off, going up or around.
    Coast,
    Boostback,
    SecondBurn,
    Orbit,
    /// Coming down, engines off, thin air.
    Falling,
    EntryBurn,
    /// Coming down in dense air.
    Braking,
    LandingBurn,
    Landed,
}

/// Where the flight stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Flight {
    phase: Phase,
    /// The last moments, oldest first.
    history: VecDeque<Motion>,
    /// Moments in a row for which the present phase's question was answered with yes.
    streak: usize,
    /// When the present phase began.
    since_s: f64,
    /// The greatest dynamic pressure of the ascent and the moments near it.
    peak_pa: f64,
    top: Vec<Motion>,
    /// Whether the peak was seen from both sides.
    rose: bool,
    is_max_q_told: bool,
    is_mach_1_told: bool,
    /// What was told: each event once, whatever the phases after a silence look like.
    told: Vec<EventKind>,
    /// The strongest braking of the entry burn, or the least braking over pressure in dense air.
    extreme: Option<(f64, Motion)>,
}

impl Flight {
    /// Takes in the next moment.
    pub(super) fn observe(&mut self, now: Motion, out: &mut Vec<Detected>) {
        let mut detected = Vec::new();
        self.follow(now, &mut detected);
        for event in detected {
            if !self.told.contains(&event.event) {
                self.told.push(event.event);
                out.push(event);
            }
        }
    }

    fn follow(&mut self, now: Motion, out: &mut Vec<Detected>) {
        let last_s = self.history.back().map_or(now.t_s, |last| last.t_s);
        if now.t_s - last_s > REJOIN_AFTER_S {
            self.leave();
        }
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(now);
        match self.phase {
            Phase::Joining => self.join(now),
            Phase::Pad => self.on_pad(now, out),
            Phase::Ascent => self.ascend(now, out),
            Phase::Coast => self.coast(now, out),
            Phase::Boostback => self.boost_back(now, out),
            Phase::SecondBurn => {
                self.cut_off(
                    now,
                    CUTOFF_STAGE2_FROM_M_S2,
                    EventKind::Seco1,
                    Phase::Orbit,
                    out,
                );
            }
            Phase::Falling => self.fall(now, out),
            Phase::EntryBurn => self.brake_entry(now, out),
            Phase::Braking => self.brake(now, out),
            Phase::LandingBurn => self.land(now, out),
            Phase::Orbit | Phase::Landed => {}
        }
    }

    /// The telemetry ended with this reading.
    pub(super) fn end(&mut self, last: Reading, out: &mut Vec<Detected>) {
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

    /// Forgets where the flight stood.
    fn leave(&mut self) {
        self.enter(Phase::Joining, 0.0);
        self.history.clear();
        self.top.clear();
        self.rose = false;
    }

    fn enter(&mut self, phase: Phase, t_s: f64) {
        self.phase = phase;
        self.since_s = t_s;
        self.streak = 0;
        self.extreme = None;
    }

    /// Counts moments in a row; true when there are enough.
    fn holds(&mut self, answer: bool, moments: usize) -> bool {
        self.streak = if answer { self.streak + 1 } else { 0 };
        self.streak >= moments
    }

    /// The first moment of the present streak, unless it follows a long silence.
    fn streak_start(&self) -> Option<Motion> {
        let index = self.history.len().checked_sub(self.streak)?;
        let start = *self.history.get(index)?;
        let silence_s = index
            .checked_sub(1)
            .map(|before| start.t_s - self.history[before].t_s);
        (silence_s? <= SILENCE_MAX_S).then_some(start)
    }

    fn join(&mut self, now: Motion) {
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

    fn on_pad(&mut self, now: Motion, out: &mut Vec<Detected>) {
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

    fn ascend(&mut self, now: Motion, out: &mut Vec<Detected>) {
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
        if now.pressure_pa < MAX_Q_CERTAIN * self.peak_pa {
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

    /// Whether a long silence begins or ends at this moment.
    fn is_beside_silence(&self, t_s: f64) -> bool {
        let mut pairs = self.history.iter().zip(self.history.iter().skip(1));
        pairs.any(|(a, b)| b.t_s - a.t_s > SILENCE_MAX_S && (a.t_s == t_s || b.t_s == t_s))
    }

    /// Watches for the end of a burn: the middle of the fall of felt acceleration.
    fn cut_off(
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

    fn coast(&mut self, now: Motion, out: &mut Vec<Detected>) {
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
        let start = self.streak_start();
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

    fn boost_back(&mut self, now: Motion, out: &mut Vec<Detected>) {
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

    fn fall(&mut self, now: Motion, out: &mut Vec<Detected>) {
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

    fn brake_entry(&mut self, now: Motion, out: &mut Vec<Detected>) {
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
    fn brake(&mut self, now: Motion, out: &mut Vec<Detected>) {
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

    fn land(&mut self, now: Motion, out: &mut Vec<Detected>) {
        let is_down = now.speed_m_s < LANDED_SPEED_M_S && now.altitude_m < LANDED_ALTITUDE_M;
        if self.holds(is_down, LANDED_MOMENTS) {
            if let Some(touched) = self.streak_start() {
                tell(EventKind::Landed, touched, out);
            }
            self.enter(Phase::Landed, now.t_s);
        }
    }

    fn before(&self) -> Option<Motion> {
        self.history
            .len()
            .checked_sub(2)
            .map(|index| self.history[index])
    }

    fn felt_smoothed(&self) -> f64 {
        let moments = self.history.len().min(SMOOTHED_MOMENTS);
        let last = self.history.iter().rev().take(moments);
        last.map(|m| m.felt_m_s2).sum::<f64>() / moments as f64
    }
}

/// Braking beyond what drag can explain.
fn braking(motion: Motion) -> f64 {
    -motion.felt_m_s2 - DRAG_MAX_PER_PA * motion.pressure_pa
}

/// The moment between two at which a quantity passes a level.
fn between(a: Motion, b: Motion, of: fn(&Motion) -> f64, level: f64) -> Motion {
    let (from, to) = (of(&a), of(&b));
    let part = if from == to {
        0.0
    } else {
        ((level - from) / (to - from)).clamp(0.0, 1.0)
    };
    let mix = |from: f64, to: f64| from + part * (to - from);
    Motion {
        t_s: mix(a.t_s, b.t_s),
        speed_m_s: mix(a.speed_m_s, b.speed_m_s),
        altitude_m: mix(a.altitude_m, b.altitude_m),
        vertical_speed_m_s: mix(a.vertical_speed_m_s, b.vertical_speed_m_s),
        speed_rate_m_s2: mix(a.speed_rate_m_s2, b.speed_rate_m_s2),
        felt_m_s2: mix(a.felt_m_s2, b.felt_m_s2),
        pressure_pa: mix(a.pressure_pa, b.pressure_pa),
        mach: mix(a.mach, b.mach),
    }
}

/// To hundredths: finer digits would be noise.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn tell(event: EventKind, at: Motion, out: &mut Vec<Detected>) {
    let values = [
        ("speed_m_s", at.speed_m_s),
        ("altitude_m", at.altitude_m),
        ("vertical_speed_m_s", at.vertical_speed_m_s),
        ("felt_accel_m_s2", at.felt_m_s2),
        ("dynamic_pressure_pa", at.pressure_pa),
        ("mach", at.mach),
    ];
    out.push(Detected {
        event,
        t_s: rounded(at.t_s),
        values: values
            .map(|(name, value)| (name.to_owned(), rounded(value)))
            .into(),
    });
}
