//! The life of a pool's workers: who is started, watched, drained and replaced.
//!
//! ```text
//!   Start --> starting --ready--> ready --Drain--> draining --> gone
//!                |                  |                  |
//!                '- too late        '- silent, stuck   '- past the deadline     --> End --> gone
//! ```

mod worker;

use std::collections::BTreeMap;
use std::time::Duration;

use portique_clock::Timestamp;

use crate::Workforce;

pub use worker::{Ended, Generation, Heartbeat, Why, Worker, WorkerId, WorkerState};

/// What a start took is an average of about so many.
const START_OVER: u32 = 4;

/// How long a pool waits for what.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolOptions {
    /// From the start of a worker until it is ready; default 30 s.
    pub start_max: Duration,
    /// Without a heartbeat, after which a worker is given up; default 15 s.
    pub silence_max: Duration,
    /// A worker that could have worked and took nothing for so long is connected but dead; default 1 min.
    pub hunger_max: Duration,
    /// From being asked to drain until a worker is ended with what it has in hand; default 5 min.
    pub drain_max: Duration,
    /// Before the start after a first crash; doubled by each crash that follows; default 1 s.
    pub backoff_min: Duration,
    /// Longest wait before a start; default 1 min.
    pub backoff_max: Duration,
    /// A worker that lived for so long was well: the next crash is a first one; default 1 min.
    pub well_after: Duration,
    /// Crashes in a row from which on it is called a crash loop; default 5.
    pub loop_crashes: u32,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            start_max: Duration::from_secs(30),
            silence_max: Duration::from_secs(15),
            hunger_max: Duration::from_mins(1),
            drain_max: Duration::from_mins(5),
            backoff_min: Duration::from_secs(1),
            backoff_max: Duration::from_mins(1),
            well_after: Duration::from_mins(1),
            loop_crashes: 5,
        }
    }
}

/// What whoever runs workers is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Start one under this id.
    Start(WorkerId, Generation),
    /// Ask it to take nothing more, to end what it has in hand, and to go.
    Drain(WorkerId),
    /// End it now.
    End(WorkerId, Why),
}

/// What an operator should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolEvent {
    /// A worker ended without being asked.
    Crashed(WorkerId, Ended),
    /// So many crashed in a row.
    Looping(u32),
    /// A worker is ended.
    GivenUp(WorkerId, Why),
    /// All workers are of the newest generation.
    Replaced(Generation),
}

/// What is to be done and known after a look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ticked {
    /// In this order.
    pub commands: Vec<Command>,
    /// In the order in which they happened.
    pub events: Vec<PoolEvent>,
}

/// The workers of one pool.
#[derive(Debug, Clone)]
pub struct Pool {
    options: PoolOptions,
    target: u32,
    generation: Generation,
    workers: BTreeMap<WorkerId, Worker>,
    next: u64,
    crashed: u64,
    /// Crashes since a worker was well.
    streak: u32,
    start_after: Timestamp,
    start_time: Option<Duration>,
    events: Vec<PoolEvent>,
}

impl Pool {
    /// A pool without workers.
    pub fn new(options: PoolOptions) -> Self {
        Self {
            options,
            target: 0,
            generation: Generation(1),
            workers: BTreeMap::new(),
            next: 1,
            crashed: 0,
            streak: 0,
            start_after: Timestamp::EPOCH,
            start_time: None,
            events: Vec::new(),
        }
    }

    /// How many there are to be from now on.
    pub fn want(&mut self, target: u32) {
        self.target = target;
    }

    /// Has every worker replaced by a new one, one after the other: there is another version of what they run.
    pub fn replace(&mut self) -> Generation {
        self.generation.0 += 1;
        self.generation
    }

    /// A worker is connected and takes work.
    pub fn ready(&mut self, id: WorkerId, at: Timestamp) {
        let Some(worker) = self.workers.get_mut(&id) else {
            return;
        };
        if worker.state != WorkerState::Starting {
            return;
        }
        let took = at.since(worker.since);
        let known = self.start_time.unwrap_or(took);
        self.start_time = Some((known * (START_OVER - 1) + took) / START_OVER);
        worker.enter(WorkerState::Ready, at);
    }

    /// A worker says how it is; one that was starting is ready by it.
    pub fn beat(&mut self, id: WorkerId, beat: Heartbeat, at: Timestamp) {
        self.ready(id, at);
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.beat(beat, at);
        }
    }

    /// A worker is gone. Unless it was asked to go, that is a crash, and the next start waits.
    pub fn ended(&mut self, id: WorkerId, ended: Ended, at: Timestamp) {
        let Some(worker) = self.workers.remove(&id) else {
            return;
        };
        let was_asked = matches!(worker.state, WorkerState::Draining | WorkerState::Ending);
        if was_asked && !worker.failed {
            return;
        }
        if !was_asked {
            self.events.push(PoolEvent::Crashed(id, ended));
        }
        if worker.state == WorkerState::Ready && at.since(worker.since) >= self.options.well_after {
            self.streak = 0;
        }
        self.crashed += 1;
        self.streak += 1;
        let doublings = (self.streak - 1).min(u32::BITS - 1);
        let backoff = self.options.backoff_min.saturating_mul(1 << doublings);
        self.start_after = at.plus(backoff.min(self.options.backoff_max));
        if self.streak == self.options.loop_crashes {
            self.events.push(PoolEvent::Looping(self.streak));
        }
    }

    /// Looks after the workers; `has_work` is whether jobs wait that a worker could claim.
    pub fn tick(&mut self, at: Timestamp, has_work: bool) -> Ticked {
        let mut commands = Vec::new();
        // A clock that was set back must not hold starts up for as long as it was ahead.
        self.start_after = self.start_after.min(at.plus(self.options.backoff_max));
        self.give_up(at, has_work, &mut commands);
        self.start(at, &mut commands);
        self.drain(at, &mut commands);
        Ticked {
            commands,
            events: std::mem::take(&mut self.events),
        }
    }

    /// Every worker, by id.
    pub fn workers(&self) -> impl Iterator<Item = &Worker> {
        self.workers.values()
    }

    /// Whether workers crash again and again.
    pub fn is_looping(&self) -> bool {
        self.streak >= self.options.loop_crashes
    }

    /// Who is there, for the [`Autoscaler`](crate::Autoscaler).
    pub fn workforce(&self) -> Workforce {
        let count = |is: fn(&Worker) -> bool| {
            let count = self.workers.values().filter(|worker| is(worker)).count();
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        Workforce {
            present: count(Worker::stays),
            starting: count(|worker| worker.state == WorkerState::Starting),
            draining: count(|worker| worker.state == WorkerState::Draining),
            crashed: self.crashed,
            start_time: self.start_time,
        }
    }

    fn give_up(&mut self, at: Timestamp, has_work: bool, commands: &mut Vec<Command>) {
        for worker in self.workers.values_mut() {
            if worker.state == WorkerState::Ready
                && at.since(worker.since) >= self.options.well_after
            {
                self.streak = 0;
            }
            let Some(why) = worker.fault(at, has_work, &self.options) else {
                continue;
            };
            worker.failed = why != Why::Overdue;
            worker.enter(WorkerState::Ending, at);
            commands.push(Command::End(worker.id, why));
            self.events.push(PoolEvent::GivenUp(worker.id, why));
        }
    }

    fn start(&mut self, at: Timestamp, commands: &mut Vec<Command>) {
        if at < self.start_after {
            return;
        }
        let workforce = self.workforce();
        let mut missing = self.target.saturating_sub(workforce.present);
        if workforce.present == self.target && self.is_replacing() && workforce.starting == 0 {
            // One more than wanted, until it is ready and an old one can go.
            missing = 1;
        }
        if self.streak > 0 {
            // One tries whether it goes well now.
            missing = missing.min(1_u32.saturating_sub(workforce.starting));
        }
        for _ in 0..missing {
            let id = WorkerId(self.next);
            self.next += 1;
            self.workers
                .insert(id, Worker::new(id, self.generation, at));
            commands.push(Command::Start(id, self.generation));
        }
    }

    fn drain(&mut self, at: Timestamp, commands: &mut Vec<Command>) {
        let was_replacing = self.is_replacing();
        let workforce = self.workforce();
        let newest = self.generation;
        let is_trying = was_replacing
            && self
                .workers
                .values()
                .any(|worker| worker.state == WorkerState::Starting && worker.generation == newest);
        let allowed = self
            .target
            .saturating_add(u32::from(is_trying && self.target > 0));
        let excess = workforce.present.saturating_sub(allowed);
        let mut staying: Vec<&mut Worker> = self
            .workers
            .values_mut()
            .filter(|worker| worker.stays())
            .collect();
        // Old ones first, then who has nothing in hand, then who has least.
        staying.sort_by_key(|worker| {
            let is_ready = worker.state == WorkerState::Ready;
            (worker.generation, worker.leased, is_ready, worker.id)
        });
        for worker in staying.into_iter().take(excess as usize) {
            worker.enter(WorkerState::Draining, at);
            commands.push(Command::Drain(worker.id));
        }
        if was_replacing && !self.is_replacing() {
            self.events.push(PoolEvent::Replaced(newest));
        }
    }

    /// Whether somebody of an older generation is to stay otherwise.
    fn is_replacing(&self) -> bool {
        let mut workers = self.workers.values();
        workers.any(|worker| worker.stays() && worker.generation < self.generation)
    }
}

#[cfg(test)]
mod tests;
