use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Error;

/// More workers than that are not one pool.
const WORKERS_MAX: u32 = 10_000;
/// More jobs at once than that are not one worker.
const SLOTS_MAX: u32 = 10_000;
/// Longest time that a policy may name.
const TIME_MAX: Duration = Duration::from_hours(24);
/// A worker that is never idle has a queue that never ends; below a tenth the pool is mostly idle.
const UTILISATION: std::ops::RangeInclusive<f64> = 0.1..=1.0;

/// How many workers a pool is to have, as its owner wants it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Fewest workers; default 0, at most `max`.
    pub min: u32,
    /// Most workers; default 8, range 1 to 10,000.
    pub max: u32,
    /// Jobs that a worker works on at once; default 1, range 1 to 10,000.
    pub slots: u32,
    /// In what time a backlog is to be caught up with; default 5 s, range 0.1 s to a day.
    pub catch_up: Duration,
    /// How long a job may wait: when the oldest comes near to it, up to twice as many workers are wanted. None by
    /// default; range 1 ms to a day.
    pub wait_objective: Option<Duration>,
    /// Share of a worker's time that is work; default 0.9, range 0.1 to 1. The rest takes what comes unevenly.
    pub utilisation: f64,
    /// For how long the highest wish counts before workers go. By default three times what a start takes, at least
    /// 15 s; range 1 s to a day.
    pub stabilisation: Option<Duration>,
    /// For how long nothing waits and nobody works before the last worker goes; default 60 s, at most a day.
    pub cooldown: Duration,
    /// What a job takes, until some were measured; default 1 s, range 1 us to a day.
    pub service_prior: Duration,
    /// What the start of a worker takes, until one was measured; default 0.5 s, at most a day.
    pub start_prior: Duration,
    /// Workers while nothing is known of the backlog for long; at most `max`. By default `min`.
    pub blind: Option<u32>,
    /// Jobs a second that what stands behind the workers can take: more workers than feed it are not wanted. None by
    /// default.
    pub downstream_jobs_per_second: Option<f64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            min: 0,
            max: 8,
            slots: 1,
            catch_up: Duration::from_secs(5),
            wait_objective: None,
            utilisation: 0.9,
            stabilisation: None,
            cooldown: Duration::from_mins(1),
            service_prior: Duration::from_secs(1),
            start_prior: Duration::from_millis(500),
            blind: None,
            downstream_jobs_per_second: None,
        }
    }
}

impl Policy {
    /// Whether it can be followed.
    ///
    /// # Errors
    /// [`Error::Policy`] with the first value that is out of its range.
    pub fn check(&self) -> Result<(), Error> {
        let most = 1..=WORKERS_MAX;
        within(
            "max",
            &self.max,
            most.contains(&self.max),
            "write 1 to 10000",
        )?;
        let rule = "write at most max";
        within("min", &self.min, self.min <= self.max, rule)?;
        let blind = self.blind.unwrap_or_default();
        within("blind", &blind, blind <= self.max, rule)?;
        let slots = (1..=SLOTS_MAX).contains(&self.slots);
        within("slots", &self.slots, slots, "write 1 to 10000")?;
        let share = UTILISATION.contains(&self.utilisation);
        within("utilisation", &self.utilisation, share, "write 0.1 to 1")?;
        let millis = Duration::from_millis;
        time(
            "catch_up",
            self.catch_up,
            millis(100),
            "write 0.1 s to a day",
        )?;
        if let Some(objective) = self.wait_objective {
            time(
                "wait_objective",
                objective,
                millis(1),
                "write 1 ms to a day",
            )?;
        }
        if let Some(stabilisation) = self.stabilisation {
            time(
                "stabilisation",
                stabilisation,
                millis(1_000),
                "write 1 s to a day",
            )?;
        }
        time(
            "cooldown",
            self.cooldown,
            Duration::ZERO,
            "write at most a day",
        )?;
        let micro = Duration::from_micros(1);
        time(
            "service_prior",
            self.service_prior,
            micro,
            "write 1 us to a day",
        )?;
        time(
            "start_prior",
            self.start_prior,
            Duration::ZERO,
            "write at most a day",
        )?;
        let downstream = self.downstream_jobs_per_second;
        let is_rate = downstream.is_none_or(|rate| rate.is_finite() && rate > 0.0);
        let given = downstream.unwrap_or_default();
        within(
            "downstream_jobs_per_second",
            &given,
            is_rate,
            "write more than 0",
        )
    }
}

fn within(
    name: &'static str,
    given: &dyn std::fmt::Display,
    holds: bool,
    rule: &'static str,
) -> Result<(), Error> {
    if holds {
        return Ok(());
    }
    Err(Error::Policy {
        name,
        given: given.to_string(),
        rule,
    })
}

fn time(
    name: &'static str,
    given: Duration,
    least: Duration,
    rule: &'static str,
) -> Result<(), Error> {
    let holds = (least..=TIME_MAX).contains(&given);
    within(name, &format!("{given:?}"), holds, rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(change: impl FnOnce(&mut Policy)) -> String {
        let mut policy = Policy::default();
        change(&mut policy);
        policy.check().unwrap_err().to_string()
    }

    #[test]
    fn a_policy_names_what_is_wrong() {
        assert_eq!(Policy::default().check(), Ok(()));
        assert_eq!(complaint(|p| p.min = 9), "min is 9: write at most max");
        assert_eq!(complaint(|p| p.max = 0), "max is 0: write 1 to 10000");
        assert_eq!(complaint(|p| p.slots = 0), "slots is 0: write 1 to 10000");
        assert_eq!(
            complaint(|p| p.blind = Some(9)),
            "blind is 9: write at most max"
        );
        let share = complaint(|p| p.utilisation = f64::NAN);
        assert_eq!(share, "utilisation is NaN: write 0.1 to 1");
        let catch_up = complaint(|p| p.catch_up = Duration::ZERO);
        assert_eq!(catch_up, "catch_up is 0ns: write 0.1 s to a day");
        let rate = complaint(|p| p.downstream_jobs_per_second = Some(-1.0));
        assert_eq!(rate, "downstream_jobs_per_second is -1: write more than 0");
    }

    #[test]
    fn a_policy_is_read_with_its_defaults() {
        let read: Policy = serde_json::from_str(r#"{"max": 3}"#).unwrap();
        assert_eq!(
            read,
            Policy {
                max: 3,
                ..Policy::default()
            }
        );
        assert!(serde_json::from_str::<Policy>(r#"{"maximum": 3}"#).is_err());
    }
}
