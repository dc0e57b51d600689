//! Jobs made by the clock.

use super::*;
use crate::{MissedTicks, Overlap, ScheduleName};

impl Script {
    /// `schedule NAME QUEUE MISSED OVERLAP CRON`; a name after `!` is that of a paused one.
    pub(super) fn schedule(&mut self, command: &str) -> String {
        let words: Vec<&str> = command.splitn(6, ' ').collect();
        let schedule = Schedule {
            name: ScheduleName::new(words[1].trim_start_matches('!')).unwrap(),
            cron: words[5].into(),
            zone: "UTC".into(),
            job: self.new_job("tick", words[2], &[]),
            missed: match words[3] {
                "skip" => MissedTicks::Skip,
                "last" => MissedTicks::Last,
                _ => MissedTicks::All,
            },
            overlap: match words[4] {
                "skip" => Overlap::Skip,
                "replace" => Overlap::Replace,
                _ => Overlap::Queue,
            },
            is_paused: words[1].starts_with('!'),
        };
        match self.machine.decide_define_schedule(schedule, self.now) {
            Ok(fact) => self.write(fact.into_iter().collect()),
            Err(error) => return first_words(&error.to_string()),
        }
        String::new()
    }

    pub(super) fn last(&mut self, name: &str) -> String {
        let states = self.machine.schedule_states();
        let state = states
            .iter()
            .find(|state| state.schedule.name.as_str() == name);
        let state = state.unwrap();
        let since = |at: Timestamp| at.since(START).as_secs();
        let last = state.last.map(|(at, job)| (since(at), job));
        if let Some((_, Some(job))) = last {
            let name = format!("t{}", self.names.len());
            if !self.names.values().any(|known| *known == job) {
                self.names.insert(name, job);
            }
        }
        let job = |(at, job): (u64, Option<JobId>)| {
            format!(
                "{at}s {}",
                job.map_or("nothing".into(), |job| self.name(job))
            )
        };
        format!(
            "{}, next {}s",
            last.map_or("never".into(), job),
            state.next.map_or(0, since)
        )
    }
}

#[test]
fn every_tick_makes_a_job() {
    check(
        "
        queue mail lease=3600s
        schedule s mail last queue */5 * * * *
        last s => never, next 300s
        pass 299s
        last s => never, next 300s
        pass 1s
        last s => 300s t0, next 600s
        claim mail w1 => t0
        pass 300s
        last s => 600s t1, next 900s
        count mail => waiting=1 active=1
        schedule s mail last queue nonsense => cron is \"nonsense\": Invalid
        ",
    );
}

#[test]
fn a_paused_schedule_leaves_its_ticks_out() {
    check(
        "
        schedule s mail all queue * * * * *
        pass 60s
        schedule !s mail all queue * * * * *
        pass 300s
        last s => 60s t0, next 0s
        schedule s mail all queue * * * * *
        pass 60s
        last s => 420s t1, next 480s
        count mail => waiting=2
        ",
    );
}

#[test]
fn missed_ticks_come_to_what_was_asked_for() {
    check(
        "
        schedule skip a skip queue * * * * *
        schedule last b last queue * * * * *
        schedule all c all queue * * * * *
        pass 330s
        count b => waiting=1
        count c => waiting=5
        last skip => 300s nothing, next 360s
        last last => 300s t0, next 360s
        pass 30s
        count a => waiting=1
        count b => waiting=2
        count c => waiting=6
        restart
        pass 1s
        count c => waiting=6
        ",
    );
}

#[test]
fn ticks_meet_jobs_that_are_not_finished() {
    check(
        "
        queue a lease=3600s
        queue b lease=3600s
        schedule s a last skip * * * * *
        schedule r b last replace * * * * *
        pass 60s
        last s => 60s t0, next 120s
        last r => 60s t1, next 120s
        claim b w1 => t1
        pass 60s
        last s => 120s nothing, next 180s
        state t1 => cancelled
        count b => waiting=1 finished=1
        claim a w1 => t0
        complete t0 => done
        pass 60s
        count a => waiting=1 finished=1
        ",
    );
}
