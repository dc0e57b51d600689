//! The phases of a flight as the ground sees them, and the events between them.
//!
//! Each phase asks one question of each moment of motion; the rooms below hold the questions.

mod ascent;
mod booster;
mod burns;
mod join;
mod tell;

use std::collections::VecDeque;

use portique_flight::EventKind;

use super::Detected;
use super::track::Motion;

/// How much motion is kept to look back at.
const HISTORY: usize = 200;
/// An event inside a longer silence than this is not told: its time is not known.
const SILENCE_MAX_S: f64 = 4.5;
/// After a longer silence than this the flight may be in any phase, and is joined anew.
const REJOIN_AFTER_S: f64 = 10.0;

/// Felt acceleration that only an engine gives.
const THRUST_M_S2: f64 = 3.0;
/// Faster than this, a burn is the second stage's.
const STAGE2_SPEED_M_S: f64 = 3_500.0;
/// Moments of thrust that make a burn certain.
const BURN_MOMENTS: usize = 12;

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
        // A booster on its way back has only one way to go on.
        let is_open = matches!(
            self.phase,
            Phase::Joining | Phase::Pad | Phase::Ascent | Phase::Coast | Phase::SecondBurn
        );
        if is_open && now.t_s - last_s > REJOIN_AFTER_S {
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
            Phase::SecondBurn => self.burn_second(now, out),
            Phase::Falling => self.fall(now, out),
            Phase::EntryBurn => self.brake_entry(now, out),
            Phase::Braking => self.brake(now, out),
            Phase::LandingBurn => self.land(now, out),
            Phase::Orbit | Phase::Landed => {}
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

    /// Whether a long silence begins or ends at this moment.
    fn is_beside_silence(&self, t_s: f64) -> bool {
        let mut pairs = self.history.iter().zip(self.history.iter().skip(1));
        pairs.any(|(a, b)| b.t_s - a.t_s > SILENCE_MAX_S && (a.t_s == t_s || b.t_s == t_s))
    }

    fn before(&self) -> Option<Motion> {
        self.history
            .len()
            .checked_sub(2)
            .map(|index| self.history[index])
    }
}
