//! The count: steps bound to T, driven by a clock that can be held.
//!
//! A [`Plan`] is data (a TOML file); a [`Count`] is where one rocket stands in it. The count never
//! skips a step: when time has passed several, they become due one by one, in order.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Error, Station};

/// Steps of one count: a full launch procedure has dozens.
const STEPS_MAX: usize = 200;
/// Longest name of a count or a step, in bytes: each becomes a line of the mission log.
const NAME_BYTES_MAX: usize = 200;
/// Longest count file: 200 steps with long names stay below.
const FILE_BYTES_MAX: usize = 64 * 1024;
/// Earliest start of a count: three days.
const START_S_MIN: f64 = -3.0 * 86_400.0;
/// Slowest and fastest clock: real time is 1, a rehearsal may run faster.
const RATE_MIN: f64 = 0.1;
const RATE_MAX: f64 = 1_000.0;

/// What the count does by itself at a step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Nothing: the step marks a time for people.
    #[default]
    Mark,
    /// Hold here until somebody resumes.
    Hold,
    /// Fill the tanks, from the step's time on, full at `until_s`.
    LoadPropellant {
        /// When the tanks are full, seconds from T-0.
        until_s: f64,
    },
    /// Check that the poll stands at go; hold if it does not.
    FinalGo,
    /// Order every module to internal power.
    InternalPower,
    /// Order every module to start its launch programme.
    Startup,
    /// Order the first stage to start its engines.
    StartEngines,
    /// Check the engines and let the rocket go.
    Release,
}

impl Action {
    /// Whether it powers up, starts or lights the vehicle.
    pub fn is_arming(&self) -> bool {
        matches!(
            self,
            Self::InternalPower | Self::Startup | Self::StartEngines
        )
    }
}

/// A point of the count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Seconds from T-0, negative before.
    pub t_s: f64,
    /// What people call it.
    pub name: String,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Station>,
    /// What happens by itself.
    #[serde(default)]
    pub action: Action,
}

/// A count as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// Where the clock starts, seconds from T-0.
    pub start_s: f64,
    /// Where the count goes back to when it stops too late to be held.
    pub recycle_s: f64,
    /// The steps by time.
    #[serde(rename = "step")]
    pub steps: Vec<Step>,
}

impl Plan {
    /// Reads a count file.
    ///
    /// # Errors
    /// [`Error::Input`] with the place and what would be right.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > FILE_BYTES_MAX {
            return Err(invalid(format!(
                "is {} bytes long; it may have {FILE_BYTES_MAX}",
                text.len()
            )));
        }
        let plan: Self =
            toml::from_str(text).map_err(|error| invalid(error.to_string().trim_end()))?;
        plan.check()?;
        Ok(plan)
    }

    /// A count that ships with the system: `short` or `full`.
    ///
    /// # Errors
    /// [`Error::Unknown`] for another name.
    pub fn named(name: &str) -> Result<Self, Error> {
        let text = match name {
            "short" => include_str!("../counts/short.toml"),
            "full" => include_str!("../counts/full.toml"),
            _ => {
                return Err(Error::Unknown {
                    what: "count",
                    name: name.into(),
                    known: "short, full".into(),
                });
            }
        };
        Self::parse(text)
    }

    fn check(&self) -> Result<(), Error> {
        if self.steps.is_empty() || self.steps.len() > STEPS_MAX {
            return Err(invalid(format!("needs 1 to {STEPS_MAX} steps")));
        }
        if !(START_S_MIN..0.0).contains(&self.start_s) {
            return Err(invalid(format!(
                "start_s must be within {START_S_MIN} and 0"
            )));
        }
        if !(self.start_s..0.0).contains(&self.recycle_s) {
            return Err(invalid("recycle_s must be within start_s and 0"));
        }
        for name in std::iter::once(&self.name).chain(self.steps.iter().map(|step| &step.name)) {
            check_name(name)?;
        }
        let mut arming = self.steps.iter().filter(|step| step.action.is_arming());
        if arming.next().is_some_and(|step| step.t_s < self.recycle_s) {
            return Err(invalid(
                "recycle_s must not be after internal_power, startup or start_engines: \
                 a recycled vehicle is safe and needs them again",
            ));
        }
        let mut earliest_s = self.start_s;
        for step in &self.steps {
            if !(earliest_s..=0.0).contains(&step.t_s) {
                return Err(invalid(format!(
                    "step {:?} is at {} s: steps are in order of time, from start_s to 0",
                    step.name, step.t_s
                )));
            }
            earliest_s = step.t_s;
        }
        let releases = self
            .steps
            .iter()
            .filter(|step| step.action == Action::Release)
            .count();
        let ends_in_release = self
            .steps
            .last()
            .is_some_and(|s| s.action == Action::Release);
        if releases != 1 || !ends_in_release {
            return Err(invalid(
                "the last step, and only it, has the action release",
            ));
        }
        Ok(())
    }
}

fn invalid(problem: impl Into<String>) -> Error {
    Error::Input {
        what: "count file",
        problem: problem.into(),
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    let is_fine =
        !name.trim().is_empty() && name.len() <= NAME_BYTES_MAX && !name.contains(char::is_control);
    if is_fine {
        return Ok(());
    }
    Err(invalid(format!(
        "has the name {name:?}: needs 1 to {NAME_BYTES_MAX} bytes without control characters"
    )))
}

/// Checks a clock rate, in seconds of count per second.
///
/// # Errors
/// [`Error::Input`] outside 0.1 to 1000.
pub fn check_rate(rate: f64) -> Result<(), Error> {
    if (RATE_MIN..=RATE_MAX).contains(&rate) {
        return Ok(());
    }
    let problem = format!("{rate} is outside {RATE_MIN} to {RATE_MAX}");
    Err(Error::Input {
        what: "time_factor",
        problem,
    })
}

/// What the clock of a count does.
#[derive(Debug, Clone, PartialEq)]
enum Clock {
    Running { since: Duration, from_s: f64 },
    Held { t_s: f64, reason: String },
}

/// Where one rocket stands in its count. Times are on the monotonic clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Count {
    plan: Plan,
    rate: f64,
    clock: Clock,
    done: usize,
}

impl Count {
    /// A count that runs from its start.
    pub fn start(plan: Plan, rate: f64, now: Duration) -> Self {
        let clock = Clock::Running {
            since: now,
            from_s: plan.start_s,
        };
        Self {
            plan,
            rate,
            clock,
            done: 0,
        }
    }

    /// The plan it follows.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Seconds from T-0.
    pub fn t_s(&self, now: Duration) -> f64 {
        match &self.clock {
            Clock::Running { since, from_s } => {
                from_s + now.saturating_sub(*since).as_secs_f64() * self.rate
            }
            Clock::Held { t_s, .. } => *t_s,
        }
    }

    /// Seconds of count per second: zero while held.
    pub fn rate(&self) -> f64 {
        if self.hold_reason().is_some() {
            0.0
        } else {
            self.rate
        }
    }

    /// Why it is held, if it is.
    pub fn hold_reason(&self) -> Option<&str> {
        match &self.clock {
            Clock::Held { reason, .. } => Some(reason),
            Clock::Running { .. } => None,
        }
    }

    /// The next step that is not done.
    pub fn next(&self) -> Option<&Step> {
        self.plan.steps.get(self.done)
    }

    /// How many steps are done.
    pub fn steps_done(&self) -> usize {
        self.done
    }

    /// The next step, if its time has come and the clock runs.
    pub fn due(&self, now: Duration) -> Option<&Step> {
        let step = self.next()?;
        (self.hold_reason().is_none() && step.t_s <= self.t_s(now)).then_some(step)
    }

    /// How long until the next step is due; `None` while held or at the end.
    pub fn until_due(&self, now: Duration) -> Option<Duration> {
        let step = self.next().filter(|_| self.hold_reason().is_none())?;
        let seconds = (step.t_s - self.t_s(now)) / self.rate;
        Some(Duration::from_secs_f64(seconds.max(0.0)))
    }

    /// The share of propellant loaded, 0 to 1.
    pub fn propellant(&self, now: Duration) -> f64 {
        let t_s = self.t_s(now);
        let loading = self.plan.steps.iter().find_map(|step| match step.action {
            Action::LoadPropellant { until_s } => Some((step.t_s, until_s)),
            _ => None,
        });
        match loading {
            None => 1.0,
            Some((from_s, until_s)) if until_s <= from_s => f64::from(u8::from(t_s >= until_s)),
            Some((from_s, until_s)) => ((t_s - from_s) / (until_s - from_s)).clamp(0.0, 1.0),
        }
    }

    /// Marks the next step done.
    pub fn step_done(&mut self) {
        self.done = (self.done + 1).min(self.plan.steps.len());
    }

    /// Stops the clock at `t_s`.
    pub fn hold(&mut self, t_s: f64, reason: &str) {
        self.clock = Clock::Held {
            t_s,
            reason: reason.into(),
        };
    }

    /// Lets the clock run on.
    pub fn resume(&mut self, now: Duration) {
        let from_s = self.t_s(now);
        self.clock = Clock::Running { since: now, from_s };
    }

    /// Sets a running clock; one that is held stays where it is.
    pub fn correct(&mut self, t_s: f64, now: Duration) {
        if self.hold_reason().is_none() {
            self.clock = Clock::Running {
                since: now,
                from_s: t_s,
            };
        }
    }

    /// Goes back to the recycle point, held there: its steps are to be done again.
    pub fn recycle(&mut self, reason: &str) {
        let back_to_s = self.plan.recycle_s;
        self.done = self
            .plan
            .steps
            .iter()
            .take_while(|step| step.t_s < back_to_s)
            .count();
        self.hold(back_to_s, reason);
    }

    /// Whether engines may be running: too late to hold without shutting them down.
    pub fn is_past_engine_start(&self) -> bool {
        self.plan.steps[..self.done]
            .iter()
            .any(|step| step.action == Action::StartEngines)
    }

    /// Whether the vehicle was powered up, started or lit by a step of this count.
    pub fn has_armed(&self) -> bool {
        self.plan.steps[..self.done]
            .iter()
            .any(|step| step.action.is_arming())
    }
}

#[cfg(test)]
mod tests;
