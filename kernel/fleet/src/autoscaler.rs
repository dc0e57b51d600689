//! From a look at a pool to the number of its workers.
//!
//! Up at once and straight to what is needed; down only when less was needed for a whole window, in steps, the last
//! worker after a cooldown. What is in work, what is about to come and what cannot be read all keep workers.

mod history;

use std::time::Duration;

use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decision::{Decision, Hold, Inputs, Move, Terms};
use crate::estimate::Estimate;
use crate::{Backlog, Error, Observation, Policy};
use history::{Deaths, Turns, Wishes};

/// Readings that fail in a row before the number for that case counts.
const UNKNOWN_MAX: u32 = 3;
/// The window is this many starts long: shorter, and what was stopped is started again.
const WINDOW_STARTS: u32 = 3;
/// Shortest window when a policy names none.
const WINDOW_MIN: Duration = Duration::from_secs(15);
/// Time between two steps down: enough to see what the first did.
const STEP_EVERY: Duration = Duration::from_secs(5);
/// A move down of less than one in so many workers is not made.
const SMALL_SHARE: u32 = 20;
/// Looks this far past a start for what is due: the pool is not looked at in every instant.
const LOOK_AHEAD_SLACK: Duration = Duration::from_secs(1);
/// The oldest job's age makes both terms at most so much larger.
const URGENCY_MAX: f64 = 2.0;

/// Who decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The backlog.
    #[default]
    Automatic,
    /// Nobody: the number stays.
    Paused,
    /// A person: so many workers, as far as policy and machine allow.
    Manual(u32),
    /// Nobody; what the backlog would do is said.
    DryRun,
}

/// The state of one pool's scaling.
#[derive(Debug, Clone)]
pub struct Autoscaler {
    policy: Policy,
    mode: Mode,
    estimate: Estimate,
    wishes: Wishes,
    turns: Turns,
    deaths: Deaths,
    unknown: u32,
    idle_since: Option<Timestamp>,
    stepped_at: Option<Timestamp>,
    start_time: Duration,
}

impl Autoscaler {
    /// One that has seen nothing.
    ///
    /// # Errors
    /// [`Error::Policy`] when the policy cannot be followed.
    pub fn new(policy: Policy) -> Result<Self, Error> {
        policy.check()?;
        Ok(Self {
            estimate: Estimate::new(&policy),
            start_time: policy.start_prior,
            policy,
            mode: Mode::default(),
            wishes: Wishes::default(),
            turns: Turns::default(),
            deaths: Deaths::default(),
            unknown: 0,
            idle_since: None,
            stepped_at: None,
        })
    }

    /// The policy that is followed.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Who decides.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Another policy from now on; what was learnt stays.
    ///
    /// # Errors
    /// [`Error::Policy`] when it cannot be followed; then nothing changes.
    pub fn follow(&mut self, policy: Policy) -> Result<(), Error> {
        policy.check()?;
        self.policy = policy;
        Ok(())
    }

    /// Lets somebody else decide.
    pub fn decide_by(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// Goes on from the last decision before a restart: what was wanted then counts as before.
    pub fn resume(&mut self, last: &Decision) {
        self.wishes.note(last.at, last.target);
    }

    /// How far ahead due jobs are to be counted: whoever is started now is ready by then.
    pub fn look_ahead(&self) -> Duration {
        self.start_time + LOOK_AHEAD_SLACK
    }

    /// Decides. To be called every second or so, and when the first job comes to a pool without workers.
    pub fn observe(&mut self, seen: &Observation) -> Decision {
        if let Some(start_time) = seen.workforce.start_time {
            self.start_time = start_time;
        }
        let finished = seen.backlog.map(|backlog| backlog.finished);
        self.deaths.note(seen.at, seen.workforce.crashed, finished);
        let mut decision = match &seen.backlog {
            Some(backlog) => self.decide(seen, backlog),
            None => self.hold_unknown(seen),
        };
        let moved = decision.movement();
        if moved == Move::Down {
            self.stepped_at = Some(seen.at);
        }
        self.turns.note(seen.at, moved);
        decision.is_flapping = self.turns.is_flapping();
        decision
    }

    fn hold_unknown(&mut self, seen: &Observation) -> Decision {
        self.unknown = self.unknown.saturating_add(1);
        self.idle_since = None;
        let present = seen.workforce.present;
        let blind = self.policy.blind.unwrap_or(self.policy.min);
        let (mut target, mut hold) = match self.unknown {
            ..UNKNOWN_MAX => (present, Hold::Unknown),
            _ => (present.max(blind), Hold::Blind),
        };
        match self.mode {
            Mode::Automatic => {}
            Mode::Manual(count) => (target, hold) = (count, Hold::Manual),
            Mode::Paused => (target, hold) = (present, Hold::Paused),
            Mode::DryRun => (target, hold) = (present, Hold::DryRun),
        }
        let target = target.min(self.most(seen));
        // The window begins when it can be read again.
        self.wishes.note(seen.at, target);
        Decision {
            target,
            wanted: present,
            hold: Some(hold),
            terms: None,
            ..self.blank(seen)
        }
    }

    fn decide(&mut self, seen: &Observation, backlog: &Backlog) -> Decision {
        self.unknown = 0;
        self.estimate.observe(seen.at, backlog);
        let is_idle = backlog.ready + backlog.leased + backlog.due_soon == 0;
        self.idle_since = match is_idle {
            true => self.idle_since.or(Some(seen.at)),
            false => None,
        };
        let terms = self.terms(seen.at, backlog);
        let wanted = self.wanted(&terms, is_idle).min(self.most(seen));
        self.wishes.note(seen.at, wanted);
        let present = seen.workforce.present;
        let (target, hold) = match self.mode {
            Mode::Automatic => self.automatic(seen, backlog, wanted),
            Mode::Manual(count) => (count.min(self.most(seen)), Some(Hold::Manual)),
            Mode::Paused => (present, Some(Hold::Paused)),
            Mode::DryRun => (present, Some(Hold::DryRun)),
        };
        Decision {
            target,
            wanted,
            hold: hold.filter(|_| target != wanted),
            terms: Some(terms),
            ..self.blank(seen)
        }
    }

    fn terms(&self, at: Timestamp, backlog: &Backlog) -> Terms {
        let policy = &self.policy;
        let (rate, service_s) = (self.estimate.rate(), self.estimate.service_s());
        let waiting = (backlog.ready + backlog.due_soon) as f64;
        let urgency = match (policy.wait_objective, backlog.oldest) {
            (Some(objective), Some(oldest)) => {
                let share = oldest.as_secs_f64() / objective.as_secs_f64();
                share.clamp(1.0, URGENCY_MAX)
            }
            _ => 1.0,
        };
        let busy = backlog.leased as f64;
        let mut for_arrivals = rate * service_s / policy.utilisation;
        let mut for_waiting = waiting * service_s / policy.catch_up.as_secs_f64();
        if self.estimate.silence(at) > policy.catch_up {
            // Whoever is busy will not catch up in time, whatever jobs took before: what waits needs hands of its own.
            for_arrivals = for_arrivals.max(busy);
            for_waiting = for_waiting.max(waiting);
        }
        Terms {
            arrivals: for_arrivals,
            backlog: for_waiting,
            urgency,
            hands_max: busy + waiting + rate * self.start_time.as_secs_f64() + 1.0,
            busy,
        }
    }

    /// Workers that the slots are, without the bounds of the machine.
    fn wanted(&self, terms: &Terms, is_idle: bool) -> u32 {
        // Less than one slot is needed of a pool that has nothing to do now: that is none.
        if is_idle && terms.slots() < 1.0 {
            return self.policy.min;
        }
        let workers = (terms.slots() / f64::from(self.policy.slots)).ceil();
        // A float goes to the nearest whole number of its type, which is what is wanted of a huge one.
        (workers as u32).max(self.policy.min)
    }

    /// Most workers that policy, machine and what stands behind allow.
    fn most(&self, seen: &Observation) -> u32 {
        let fed = self.policy.downstream_jobs_per_second.map(|rate| {
            let slots = rate * self.estimate.service_s();
            ((slots / f64::from(self.policy.slots)).ceil() as u32).max(1)
        });
        self.policy.max.min(seen.room).min(fed.unwrap_or(u32::MAX))
    }

    fn automatic(&self, seen: &Observation, backlog: &Backlog, wanted: u32) -> (u32, Option<Hold>) {
        let present = seen.workforce.present;
        if wanted > present {
            return match self.deaths.outweigh() {
                true => (present, Some(Hold::Crashing)),
                false => (wanted, None),
            };
        }
        if wanted == present {
            return (wanted, None);
        }
        let most = self.most(seen);
        if present > most {
            // More than is allowed: these go, whatever was needed.
            return (most, None);
        }
        let needed = self.wishes.highest(seen.at, self.window()).min(present);
        if needed == present {
            return (present, Some(Hold::Window));
        }
        if wanted == 0 && needed == 0 && !self.may_end(seen.at, backlog) {
            let last = self.step(seen, 1);
            return (last, Some(Hold::Cooldown));
        }
        let target = self.step(seen, needed);
        let hold = match target {
            _ if target == present && needed < present => Hold::Step,
            _ if target > needed => Hold::Step,
            _ => Hold::Window,
        };
        let is_small = present - target < (present / SMALL_SHARE).max(1);
        match is_small && target > 0 && target < present {
            true => (present, Some(Hold::Small)),
            false => (target, Some(hold)),
        }
    }

    /// The next number on the way down to `needed`.
    fn step(&self, seen: &Observation, needed: u32) -> u32 {
        let present = seen.workforce.present;
        let stepped = self.stepped_at.filter(|at| *at <= seen.at);
        if stepped.is_some_and(|at| seen.at.since(at) < STEP_EVERY) {
            return present;
        }
        needed.max(present / 2).min(present)
    }

    /// Whether the last worker may go.
    fn may_end(&self, at: Timestamp, backlog: &Backlog) -> bool {
        let cooldown = self.policy.cooldown;
        let is_cool = self
            .idle_since
            .is_some_and(|since| at.since(since) >= cooldown);
        let soon = at.plus(self.start_time * 2).plus(cooldown);
        is_cool && backlog.next_due.is_none_or(|due| due > soon)
    }

    /// For how long the highest wish counts.
    fn window(&self) -> Duration {
        let usual = (self.start_time * WINDOW_STARTS).max(WINDOW_MIN);
        let window = self.policy.stabilisation.unwrap_or(usual);
        match self.turns.is_flapping() {
            true => window * 2,
            false => window,
        }
    }

    fn blank(&self, seen: &Observation) -> Decision {
        Decision {
            at: seen.at,
            target: 0,
            wanted: 0,
            hold: None,
            is_flapping: false,
            terms: None,
            inputs: Inputs {
                backlog: seen.backlog,
                workforce: seen.workforce,
                room: seen.room,
                jobs_per_second: self.estimate.rate(),
                service: Duration::try_from_secs_f64(self.estimate.service_s()).unwrap_or_default(),
                start_time: self.start_time,
            },
        }
    }
}

#[cfg(test)]
mod tests;
