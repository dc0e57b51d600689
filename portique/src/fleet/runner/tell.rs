//! What a runner tells: facts, log lines, and what everybody sees of its pool.

use portique_fleet::{Ended, PoolEvent, Why};

use super::super::desk::Seen;
use super::super::facts::{FleetFact, What};
use super::Runner;

impl Runner {
    pub(super) fn happened(&mut self, event: PoolEvent) {
        let pool = self.desk.config.name.clone();
        let last = self.last_line.clone();
        match event {
            PoolEvent::Crashed(worker, ended) => {
                let name = self.desk.worker_name(worker);
                tracing::warn!(pool, worker = name, last, "a worker died: {ended}");
                let mut state = self.desk.state();
                *state.counts.deaths.entry(death(ended)).or_default() += 1;
                state.last_death = Some(match last.is_empty() {
                    true => ended.to_string(),
                    false => format!("{ended}: {last}"),
                });
                drop(state);
                self.say(What::Died {
                    worker,
                    ended,
                    last,
                });
            }
            PoolEvent::Looping(crashes) => {
                tracing::error!(
                    pool,
                    crashes,
                    last,
                    "its workers die again and again: a crash loop; starts are further and further apart"
                );
                self.say(What::Looping { crashes, last });
            }
            PoolEvent::GivenUp(worker, why) => {
                let name = self.desk.worker_name(worker);
                tracing::warn!(pool, worker = name, "a worker is ended: {why}");
                if why != Why::Overdue {
                    let mut state = self.desk.state();
                    *state.counts.deaths.entry("given_up").or_default() += 1;
                    state.last_death = Some(why.to_string());
                }
                self.say(What::GivenUp { worker, why });
            }
            PoolEvent::Replaced(_) => {}
        }
    }

    pub(super) fn say(&self, what: What) {
        self.facts.say(FleetFact {
            pool: self.desk.config.name.clone(),
            at: self.clock.now(),
            what,
        });
    }

    /// Puts what there is where others see it.
    pub(super) fn show(&self) {
        let workers = self.pool.workers().map(|worker| Seen {
            worker: worker.clone(),
            pid: self
                .processes
                .get(&worker.id)
                .and_then(|process| process.pid),
        });
        let workers = workers.collect();
        let mut state = self.desk.state();
        state.workers = workers;
        state.is_looping = self.pool.is_looping();
        state.counts.facts_lost = self.facts.lost();
    }
}

fn death(ended: Ended) -> &'static str {
    match ended {
        Ended::Exit(_) => "exit",
        Ended::Signal(_) => "signal",
        Ended::NotStarted => "not_started",
    }
}
