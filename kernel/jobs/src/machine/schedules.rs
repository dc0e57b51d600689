//! Jobs made by the clock.

use std::time::Duration;

use portique_clock::Timestamp;

use super::enqueue::PlannedJob;
use super::fact::{Decided, Fact, Ids, Named, ScheduleBody, Ticked};
use super::parts::Cron;
use super::{Machine, Now};
use crate::{Error, JobId, MissedTicks, Overlap, Schedule, ScheduleName, ScheduleState};

/// Most schedules: each is looked at whenever time has passed.
const SCHEDULES_MAX: usize = 10_000;
/// Most jobs for the ticks of one schedule that were missed.
const MISSED_JOBS_MAX: usize = 100;
/// A tick that nobody saw to for this long was missed; what is less late is a busy moment.
const MISSED_AFTER: Duration = Duration::from_secs(10);
/// Most ticks that one call sees to; the next call goes on.
const TICKS_MAX: usize = 1_024;

/// A schedule and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Scheduled {
    pub(super) schedule: Schedule,
    cron: Cron,
    /// Ticks up to this time are seen to.
    pub(super) seen_to: Timestamp,
    pub(super) next: Option<Timestamp>,
    pub(super) last: Option<(Timestamp, Option<JobId>)>,
    /// The job of the last tick that made one.
    pub(super) newest: Option<u64>,
}

impl Scheduled {
    /// A schedule whose ticks count after `seen_to`. None when its pattern, which was checked when it was
    /// decided, is not one for this version.
    pub(super) fn new(schedule: Schedule, seen_to: Timestamp) -> Option<Self> {
        let cron = Cron::parse(&schedule.cron, &schedule.zone).ok()?;
        Some(Self {
            next: match schedule.is_paused {
                true => None,
                false => cron.next_after(seen_to),
            },
            schedule,
            cron,
            seen_to,
            last: None,
            newest: None,
        })
    }
}

impl Machine {
    /// Makes a schedule, or changes it; none when it is so already.
    ///
    /// # Errors
    /// [`Error::InvalidOption`]; [`Error::Exhausted`] when there are too many.
    pub fn decide_define_schedule(
        &self,
        schedule: Schedule,
        now: Now,
    ) -> Result<Option<Fact>, Error> {
        check(&schedule)?;
        let existing = self.schedules.get(&schedule.name);
        if existing.is_some_and(|existing| existing.schedule == schedule) {
            return Ok(None);
        }
        if existing.is_none() && self.schedules.len() >= SCHEDULES_MAX {
            return Err(Error::Exhausted {
                resource: "schedules",
                remedy: format!("{SCHEDULES_MAX} exist: remove some that are not used"),
            });
        }
        let body = ScheduleBody::new(schedule, now.wall);
        Ok(Some(Fact(Decided::ScheduleDefined(body))))
    }

    /// Forgets a schedule; the jobs it made stay.
    ///
    /// # Errors
    /// [`Error::UnknownName`].
    pub fn decide_remove_schedule(&self, name: &ScheduleName) -> Result<Fact, Error> {
        if !self.schedules.contains_key(name) {
            return Err(Error::UnknownName {
                what: "schedule",
                name: name.to_string(),
            });
        }
        let name = name.to_string();
        Ok(Fact(Decided::ScheduleRemoved(Named { name })))
    }

    /// Every schedule, by name.
    pub fn schedule_states(&self) -> Vec<ScheduleState> {
        let schedules = self.schedules.values();
        let states = schedules.map(|scheduled| ScheduleState {
            schedule: scheduled.schedule.clone(),
            next: scheduled.next,
            last: scheduled.last,
        });
        states.collect()
    }

    pub(super) fn define_schedule(&mut self, body: &ScheduleBody) {
        let schedule = body
            .read()
            .expect("facts are checked when decided or decoded");
        let seen_to = Timestamp::from_nanos(body.at);
        let Some(mut scheduled) = Scheduled::new(schedule, seen_to) else {
            return;
        };
        let name = scheduled.schedule.name.clone();
        if let Some(old) = self.schedules.get(&name) {
            scheduled.last = old.last;
            scheduled.newest = old.newest;
        }
        self.schedules.insert(name, scheduled);
        self.plan_ticks();
    }

    pub(super) fn ticked(&mut self, sequence: u64, ticked: &Ticked) {
        let name = ScheduleName::new(ticked.schedule.as_str());
        let scheduled = name.ok().and_then(|name| self.schedules.get_mut(&name));
        let Some(scheduled) = scheduled else {
            return;
        };
        let tick = Timestamp::from_nanos(ticked.tick);
        let job = match (ticked.has_job, ticked.existing) {
            (true, _) => Some(sequence + 1),
            (false, 0) => None,
            (false, existing) => Some(existing),
        };
        scheduled.newest = job.or(scheduled.newest);
        scheduled.last = Some((tick, job.map(JobId)));
        scheduled.seen_to = tick;
        scheduled.next = scheduled.cron.next_after(tick);
        self.plan_ticks();
    }

    /// Facts for the ticks that are due.
    pub(super) fn decide_ticks(&self, now: Now) -> Vec<Fact> {
        let mut facts = Vec::new();
        for scheduled in self.schedules.values() {
            if scheduled.next.is_none_or(|next| next > now.wall) {
                continue;
            }
            let decided = self.decide_ticks_of(scheduled, now);
            let makes_queue = |fact: &Fact| matches!(fact.0, Decided::QueueDefined(_));
            let has_made_queue = decided.iter().any(makes_queue);
            facts.extend(decided);
            // The number of another new queue can only be told once this one is there.
            if has_made_queue || facts.len() >= TICKS_MAX {
                break;
            }
        }
        facts
    }

    fn decide_ticks_of(&self, scheduled: &Scheduled, now: Now) -> Vec<Fact> {
        let ticks = scheduled
            .cron
            .last_between(scheduled.seen_to, now.wall, MISSED_JOBS_MAX);
        let schedule = &scheduled.schedule;
        let Some(last) = ticks.last().copied() else {
            // Looking back and ahead may differ where clocks are set back: what is due is seen to.
            let next = scheduled.next.map(|next| tick_fact(schedule, next));
            return next.into_iter().collect();
        };
        let mut wanted = wanted(schedule, &ticks, now.wall);
        if schedule.overlap != Overlap::Queue {
            wanted = wanted.split_off(wanted.len().saturating_sub(1));
        }
        let busy = scheduled.newest.filter(|id| self.is_under_way(*id));
        if let (Some(id), false) = (busy, wanted.is_empty()) {
            match schedule.overlap {
                Overlap::Queue => {}
                Overlap::Skip => wanted.clear(),
                // The tick itself is for the next call, when the place is free.
                Overlap::Replace => {
                    return vec![Fact(Decided::Cancelled(Ids {
                        ids: vec![id],
                        at: now.wall.as_nanos(),
                    }))];
                }
            }
        }
        let mut facts = Vec::new();
        for tick in &wanted {
            let has_first = !facts.is_empty();
            facts.extend(self.decide_tick(schedule, *tick, now));
            // Its queue is there only once the facts are applied.
            if !has_first && matches!(facts[0].0, Decided::QueueDefined(_)) {
                return facts;
            }
        }
        if wanted.last() != Some(&last) {
            facts.push(tick_fact(schedule, last));
        }
        facts
    }

    fn decide_tick(&self, schedule: &Schedule, tick: Timestamp, now: Now) -> Vec<Fact> {
        // A queue that is full or being drained leaves the tick out.
        let Ok(plan) = self.decide_enqueue(vec![schedule.job.clone()], now) else {
            return vec![tick_fact(schedule, tick)];
        };
        let mut facts = plan.facts;
        let mut ticked = ticked(schedule, tick);
        let place = match plan.jobs[0] {
            PlannedJob::New(place) | PlannedJob::Same(place) => {
                ticked.has_job = true;
                place
            }
            PlannedJob::Existing(id) => {
                ticked.existing = id.0;
                0
            }
        };
        facts.insert(place, Fact(Decided::Ticked(ticked)));
        facts
    }

    fn is_under_way(&self, id: u64) -> bool {
        match self.entries.get(&id) {
            Some(entry) => !entry.is_dead(),
            None => self.waits_plainly(id).is_some(),
        }
    }
}

fn ticked(schedule: &Schedule, tick: Timestamp) -> Ticked {
    Ticked {
        schedule: schedule.name.to_string(),
        tick: tick.as_nanos(),
        has_job: false,
        existing: 0,
    }
}

/// A tick that made no job.
fn tick_fact(schedule: &Schedule, tick: Timestamp) -> Fact {
    Fact(Decided::Ticked(ticked(schedule, tick)))
}

/// Which ticks come to a job, by what is to become of those that were missed.
fn wanted(schedule: &Schedule, ticks: &[Timestamp], now: Timestamp) -> Vec<Timestamp> {
    let missed = ticks.partition_point(|tick| now.since(*tick) >= MISSED_AFTER);
    let first = match schedule.missed {
        MissedTicks::Skip => missed,
        MissedTicks::Last => missed.saturating_sub(1),
        MissedTicks::All => 0,
    };
    ticks[first..].to_vec()
}

fn check(schedule: &Schedule) -> Result<(), Error> {
    Cron::parse(&schedule.cron, &schedule.zone)?;
    let options = &schedule.job.options;
    let present = [
        ("run_at", options.run_at.is_some()),
        ("idempotency_key", options.idempotency_key.is_some()),
        ("after", !options.after.is_empty()),
    ];
    if let Some((name, _)) = present.iter().find(|(_, is_present)| *is_present) {
        return Err(Error::InvalidOption {
            name,
            problem: "set: a schedule's jobs cannot have it".into(),
        });
    }
    schedule.job.check()
}
