//! The autoscaler and the pool that the hub runs, on the simulated world.

use std::time::Duration;

use portique_clock::Timestamp;
use portique_fleet::{
    Autoscaler, Backlog, Command, Ended, Heartbeat, Observation, Policy, Pool, PoolOptions,
    WorkerId,
};

use crate::trace::Trace;
use crate::world::{Scaler, World};

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub(crate) struct Ours {
    autoscaler: Autoscaler,
    pool: Pool,
    room: u32,
}

impl Ours {
    pub(crate) fn new(trace: &Trace, window: Option<Duration>) -> anyhow::Result<Self> {
        let policy = Policy {
            min: trace.min,
            max: trace.max,
            catch_up: trace.catch_up,
            stabilisation: window,
            service_prior: trace.service,
            start_prior: trace.start,
            ..Policy::default()
        };
        let options = PoolOptions {
            drain_max: trace.horizon,
            ..PoolOptions::default()
        };
        Ok(Self {
            autoscaler: Autoscaler::new(policy)?,
            pool: Pool::new(options),
            room: trace.max,
        })
    }

    fn look(&mut self, world: &mut World<'_>) {
        let at = timestamp(world.now);
        self.hear(world, at);
        let seen = Observation {
            at,
            backlog: Some(backlog(world)),
            workforce: self.pool.workforce(),
            room: self.room,
        };
        let target = self.autoscaler.observe(&seen).target;
        if target != seen.workforce.present {
            world.changed();
        }
        self.pool.want(target);
        for command in self.pool.tick(at, !world.queue.is_empty()).commands {
            match command {
                Command::Start(id, _) => world.start(id.0),
                Command::Drain(id) | Command::End(id, _) => {
                    if world.drain(id.0, None) {
                        self.pool.ended(id, Ended::Exit(0), at);
                    }
                }
            }
        }
    }

    fn hear(&mut self, world: &World<'_>, at: Timestamp) {
        for (id, worker) in world.workers.iter().filter(|(_, worker)| worker.is_ready) {
            let beat = Heartbeat {
                leased: u32::from(worker.is_busy()),
                finished: world.finished,
            };
            self.pool.beat(WorkerId(*id), beat, at);
        }
    }
}

impl Scaler for Ours {
    fn first(&mut self, _world: &mut World<'_>) -> Duration {
        Duration::ZERO
    }

    fn wake(&mut self, world: &mut World<'_>) -> Duration {
        self.look(world);
        world.now + LOOK_EVERY
    }

    fn arrived(&mut self, world: &mut World<'_>) {
        if self.pool.workforce().present == 0 {
            self.look(world);
        }
    }

    fn ready(&mut self, worker: u64, at: Duration) {
        self.pool.ready(WorkerId(worker), timestamp(at));
    }

    fn gone(&mut self, worker: u64, at: Duration) {
        self.pool
            .ended(WorkerId(worker), Ended::Exit(0), timestamp(at));
    }
}

fn backlog(world: &World<'_>) -> Backlog {
    let oldest = world.queue.front().map(|came| world.now - *came);
    Backlog {
        ready: world.queue.len() as u64,
        leased: world.leased() as u64,
        oldest,
        arrived: world.arrived,
        finished: world.finished,
        busy: world.busy,
        ..Backlog::default()
    }
}

fn timestamp(at: Duration) -> Timestamp {
    Timestamp::EPOCH.plus(at)
}
