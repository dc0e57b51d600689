use std::fmt;
use std::time::Duration;

use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Backlog, Workforce};

/// How many workers there are to be, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// When it was made.
    pub at: Timestamp,
    /// Workers that there are to be.
    pub target: u32,
    /// Workers that the backlog needs, within the bounds of policy and machine.
    pub wanted: u32,
    /// What made the target another number than what is wanted, if it is one.
    pub hold: Option<Hold>,
    /// Whether the pool went up and down so often that it now waits longer before it goes down.
    pub is_flapping: bool,
    /// What the wish is made of; none while nothing is known of the backlog.
    pub terms: Option<Terms>,
    /// What it was made from.
    pub inputs: Inputs,
}

/// What a [`Decision`] was made from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// What waited; none when it could not be read.
    pub backlog: Option<Backlog>,
    /// Who was there to work.
    pub workforce: Workforce,
    /// Workers that the machine had room for.
    pub room: u32,
    /// Jobs that became ready a second, as it was learnt.
    pub jobs_per_second: f64,
    /// What a job takes, as it was learnt.
    pub service: Duration,
    /// What the start of a worker takes.
    pub start_time: Duration,
}

/// Slots that the parts of the formula ask for; a slot works on one job at a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// For what arrives.
    pub arrivals: f64,
    /// For catching up with what waits or is due soon.
    pub backlog: f64,
    /// By how much both grow because a job has waited for long; 1 to 2.
    pub urgency: f64,
    /// More hands than jobs are of no use.
    pub hands_max: f64,
    /// What is in work.
    pub busy: f64,
}

impl Terms {
    /// Slots that are needed.
    pub fn slots(&self) -> f64 {
        let needed = (self.arrivals + self.backlog) * self.urgency;
        needed.min(self.hands_max).max(self.busy)
    }
}

/// Why the target is not what the backlog needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// The backlog could not be read.
    Unknown,
    /// It could not be read for long: the number for that case.
    Blind,
    /// More was needed a short while ago.
    Window,
    /// At most half of the workers go at a time, and some seconds apart.
    Step,
    /// The difference is not worth a move.
    Small,
    /// Something was to do a short while ago, or is soon: the last worker stays.
    Cooldown,
    /// Workers die faster than they finish jobs.
    Crashing,
    /// A person said so.
    Manual,
    /// Scaling is paused.
    Paused,
    /// It only says what it would do.
    DryRun,
}

impl Hold {
    fn words(self) -> &'static str {
        match self {
            Self::Unknown => "the backlog is unknown, which is not zero",
            Self::Blind => "the backlog is unknown for long",
            Self::Window => "more were needed a short while ago",
            Self::Step => "at most half go at a time",
            Self::Small => "the difference is not worth a move",
            Self::Cooldown => "something was or will be to do",
            Self::Crashing => "workers die faster than they finish jobs",
            Self::Manual => "a person said so",
            Self::Paused => "scaling is paused",
            Self::DryRun => "this is a dry run",
        }
    }
}

/// Which way a [`Decision`] goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// More workers.
    Up,
    /// Fewer workers.
    Down,
    /// As many as there are.
    Stay,
}

impl Decision {
    /// Which way it goes.
    pub fn movement(&self) -> Move {
        match self.target.cmp(&self.inputs.workforce.present) {
            std::cmp::Ordering::Greater => Move::Up,
            std::cmp::Ordering::Less => Move::Down,
            std::cmp::Ordering::Equal => Move::Stay,
        }
    }
}

impl fmt::Display for Decision {
    /// One sentence that an operator understands.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let present = self.inputs.workforce.present;
        match self.movement() {
            Move::Stay => write!(f, "stays at {present}")?,
            Move::Up => write!(f, "goes from {present} up to {}", self.target)?,
            Move::Down => write!(f, "goes from {present} down to {}", self.target)?,
        }
        if let Some(backlog) = &self.inputs.backlog {
            let Backlog { ready, leased, .. } = backlog;
            let (rate, service) = (self.inputs.jobs_per_second, self.inputs.service);
            write!(
                f,
                ": {ready} jobs wait, {leased} are in work, {rate:.1} come a second, each takes {service:.1?}"
            )?;
            if let Some(age) = backlog.oldest {
                write!(f, ", the oldest waits for {age:.1?}")?;
            }
        }
        if let Some(terms) = &self.terms {
            write!(
                f,
                "; {:.1} slots, so {} workers are wanted",
                terms.slots(),
                self.wanted
            )?;
        }
        if let Some(hold) = self.hold {
            write!(f, "; {}", hold.words())?;
        }
        if self.is_flapping {
            f.write_str("; it went up and down often, so it waits longer")?;
        }
        Ok(())
    }
}
