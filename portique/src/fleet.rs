//! The fleet: pools of workers that are processes of this hub, as many as their queues need.
//!
//! ```text
//!  jobs port --> Observer --> Autoscaler --> Pool --> babysitters, one for each process
//!                                |             ^          | socket: beats; pipes: lines for the logs
//!    people --> mode --> ........'             '----------' started, beat, ended
//!                                |
//!                                '--> scribe --> facts on the bus, decisions in the records
//! ```
//!
//! Each pool has a runner of its own, which looks at its queue [`runner::LOOK_EVERY`], and decides by the state
//! machines of `kernel/fleet`. What was decided is done at once and written down beside it: scaling waits for no
//! disk. Who decides (the backlog, nobody, a person) is durable before it is answered.
//!
//! # Invariants
//! - What cannot be read is not zero: the number of workers stays.
//! - No worker outlives its hub: each holds a socket whose other end goes with the hub, however that ends; and what a
//!   worker that was killed has left running is ended by the hub.
//! - A worker is asked to end (SIGTERM) and is killed only past the pool's drain deadline, or when the hub ends.
//!
//! Not here: programs that are named over the API. Pools are in the configuration only.

mod babysitter;
mod desk;
mod error;
mod facts;
mod figures;
mod history;
mod machine;
mod modes;
mod observe;
mod runner;
mod scribe;
mod view;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use portique_bus::Bus;
use portique_clock::{Clock, Seeded, Timestamp};
use portique_fleet::Mode;
use portique_jobs::Jobs;
use portique_records::Records;
use tokio_util::sync::CancellationToken;

use crate::config::PoolConfig;
use crate::http::Ask;
use crate::logs::Logs;
use desk::Desk;
pub(crate) use error::Error;
use history::History;
use machine::Machine;
use modes::Modes;
use runner::Runner;
use scribe::Scribe;
pub(crate) use view::{DecisionView, PoolView};

/// The first token of the facts' subjects.
pub(crate) const SUBJECTS: &str = "fleet";

/// What a fleet stands on.
pub(crate) struct Parts {
    pub(crate) pools: Vec<PoolConfig>,
    pub(crate) jobs: Arc<dyn Jobs>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) records: Arc<dyn Records>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Seeded,
    /// The `portique` program that workers are processes of.
    pub(crate) executable: PathBuf,
    /// The hub's data folder, where workers find its address and token.
    pub(crate) data: PathBuf,
    /// Where the hub serves HTTP; for programs.
    pub(crate) hub: String,
    /// Where what workers print is kept.
    pub(crate) logs: Logs,
    /// How long workers may take to end what they have in hand when the hub stops.
    pub(crate) grace: Duration,
}

/// The fleet, for whoever looks at it or steers it.
#[derive(Clone)]
pub(crate) struct Fleet(Arc<Shared>);

struct Shared {
    desks: BTreeMap<String, Arc<Desk>>,
    modes: Modes,
    history: History,
    clock: Arc<dyn Clock>,
}

/// What runs the pools.
pub(crate) struct FleetWorker {
    fleet: Fleet,
    runners: Vec<Runner>,
    scribe: Scribe,
}

impl FleetWorker {
    /// Takes up every pool where it was before a restart; nothing runs yet.
    ///
    /// # Errors
    /// Those of the records and the bus, and a policy that cannot be followed.
    pub(crate) async fn open(parts: Parts) -> Result<Self, Error> {
        let history = History::open(parts.records.clone(), parts.bus.clone()).await?;
        let modes = Modes::open(parts.records.clone()).await?;
        let (scribe, facts) = Scribe::new(
            parts.bus.clone(),
            history.clone(),
            parts.clock.clone(),
            parts.random.clone(),
        );
        let machine = Arc::new(Machine::new(parts.clock.clone()));
        let launch = Arc::new(babysitter::Launch {
            executable: std::path::absolute(&parts.executable).unwrap_or(parts.executable),
            data: std::path::absolute(&parts.data).unwrap_or(parts.data),
            hub: parts.hub,
            logs: parts.logs,
        });
        let (mut desks, mut runners) = (BTreeMap::new(), Vec::new());
        for pool in parts.pools {
            let mode = modes.find(&pool.name).await?;
            let last = history.last(&pool.name).await?;
            let name = pool.name.clone();
            let desk = Arc::new(Desk::new(pool, mode));
            let runner = Runner::new(runner::Parts {
                desk: desk.clone(),
                jobs: parts.jobs.clone(),
                clock: parts.clock.clone(),
                machine: machine.clone(),
                facts: facts.clone(),
                launch: launch.clone(),
                last,
                grace: parts.grace,
            });
            runners.push(runner?);
            desks.insert(name, desk);
        }
        let shared = Shared {
            desks,
            modes,
            history,
            clock: parts.clock,
        };
        Ok(Self {
            fleet: Fleet(Arc::new(shared)),
            runners,
            scribe,
        })
    }

    /// For whoever looks at it or steers it.
    pub(crate) fn fleet(&self) -> Fleet {
        self.fleet.clone()
    }

    /// Looks after the pools until `stop`, then asks all workers to end and waits for them.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let runs = self
            .runners
            .into_iter()
            .map(|runner| runner.run(stop.clone()));
        let running = async {
            if self.fleet.0.desks.is_empty() {
                stop.cancelled().await;
            }
            join_all(runs).await
        };
        // The scribe ends when the last runner is gone, with the last fact.
        tokio::join!(running, self.scribe.run());
    }
}

impl Fleet {
    /// Every pool, by name.
    pub(crate) fn pools(&self) -> Vec<PoolView> {
        self.0.desks.values().map(|desk| desk.view()).collect()
    }

    /// One pool.
    ///
    /// # Errors
    /// [`Error::UnknownPool`].
    pub(crate) fn pool(&self, name: &str) -> Result<PoolView, Error> {
        self.desk(name).map(|desk| desk.view())
    }

    /// Lets somebody else decide from now on; durable on return.
    ///
    /// # Errors
    /// [`Error::UnknownPool`]; [`Error::TooMany`] for more workers than the pool may have; those of the records.
    pub(crate) async fn decide_by(&self, name: &str, mode: Mode) -> Result<PoolView, Error> {
        let desk = self.desk(name)?;
        let max = desk.config.policy.max;
        if let Mode::Manual(workers) = mode
            && workers > max
        {
            let pool = name.to_owned();
            return Err(Error::TooMany { pool, workers, max });
        }
        self.0.modes.keep(name, mode, self.0.clock.now()).await?;
        desk.decide_by(mode);
        Ok(desk.view())
    }

    /// Decisions that changed a pool's number of workers, newest first; those until `until`, if that is said.
    ///
    /// # Errors
    /// [`Error::UnknownPool`]; those of the records.
    pub(crate) async fn decisions(
        &self,
        name: &str,
        until: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<DecisionView>, Error> {
        self.desk(name)?;
        self.0.history.decisions(name, until, limit).await
    }

    /// What it counts, for `/metrics`.
    pub(crate) fn ask_figures(&self) -> Ask {
        let fleet = self.clone();
        Box::new(move || {
            let desks: Vec<Arc<Desk>> = fleet.0.desks.values().cloned().collect();
            Box::pin(async move { figures::of(&desks) })
        })
    }

    fn desk(&self, name: &str) -> Result<&Arc<Desk>, Error> {
        self.0.desks.get(name).ok_or_else(|| Error::UnknownPool {
            name: name.to_owned(),
            known: self.0.desks.keys().cloned().collect::<Vec<_>>().join(", "),
        })
    }
}

#[cfg(test)]
mod tests;
