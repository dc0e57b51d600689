use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use portique_fleet::{Decision, Mode, Move, Worker, WorkerId};
use tokio::sync::Notify;

use super::view::{DecisionView, ModeView, PoolView, WorkerView};
use crate::config::{PoolConfig, PoolWork};

/// What a pool without a program of its own is shown to run.
const BUILT_IN_RUNS: &str = "built in";

/// What is known of one pool; its runner writes it, everybody else reads it.
pub(super) struct Desk {
    pub(super) config: PoolConfig,
    state: Mutex<State>,
    /// Somebody else is to decide.
    pub(super) changed: Notify,
}

/// A pool at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) mode: Mode,
    pub(super) workers: Vec<Seen>,
    pub(super) decision: Option<Decision>,
    pub(super) is_looping: bool,
    /// What the last worker that died wrote last.
    pub(super) last_death: Option<String>,
    pub(super) counts: Counts,
}

/// A worker and its process.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) worker: Worker,
    pub(super) pid: Option<u32>,
}

/// Counted since the hub's start.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    pub(super) starts: u64,
    pub(super) drains: u64,
    /// By how they ended: `exit`, `signal`, `not_started`, `given_up`.
    pub(super) deaths: BTreeMap<&'static str, u64>,
    /// Changes of the number of workers, by direction.
    pub(super) decisions: BTreeMap<&'static str, u64>,
    pub(super) lines_left_out: u64,
    /// Facts that could not be written.
    pub(super) facts_lost: u64,
    /// Looks at the queue that told nothing.
    pub(super) looks_failed: u64,
}

impl Counts {
    pub(super) fn decided(&mut self, way: Move) {
        *self.decisions.entry(word(way)).or_default() += 1;
    }
}

pub(super) fn word(way: Move) -> &'static str {
    match way {
        Move::Up => "up",
        Move::Down => "down",
        Move::Stay => "stay",
    }
}

impl Desk {
    pub(super) fn new(config: PoolConfig, mode: Mode) -> Self {
        let state = State {
            mode,
            ..State::default()
        };
        Self {
            config,
            state: Mutex::new(state),
            changed: Notify::new(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn decide_by(&self, mode: Mode) {
        self.state().mode = mode;
        self.changed.notify_one();
    }

    /// The name that a worker has in logs, leases and views.
    pub(super) fn worker_name(&self, worker: WorkerId) -> String {
        format!("{}-{worker}", self.config.name)
    }

    pub(super) fn view(&self) -> PoolView {
        let state = self.state().clone();
        let policy = &self.config.policy;
        let workers = state.workers.iter().map(|seen| WorkerView {
            name: self.worker_name(seen.worker.id),
            state: seen.worker.state.into(),
            since: seen.worker.since.to_string(),
            pid: seen.pid,
            leased: seen.worker.leased,
            finished: seen.worker.finished,
        });
        PoolView {
            name: self.config.name.clone(),
            queue: self.config.queue.to_string(),
            runs: match &self.config.work {
                PoolWork::Program(words) => words.first().cloned().unwrap_or_default(),
                PoolWork::BuiltIn => BUILT_IN_RUNS.to_owned(),
            },
            mode: ModeView::of(state.mode),
            manual: match state.mode {
                Mode::Manual(workers) => Some(workers),
                _ => None,
            },
            min: policy.min,
            max: policy.max,
            slots: policy.slots,
            drain_s: self.config.drain.as_secs_f64(),
            memory_bytes: self.config.memory_bytes,
            target: state.decision.as_ref().map(|decision| decision.target),
            workers: workers.collect(),
            is_crash_looping: state.is_looping,
            last_death: state.last_death,
            starts: state.counts.starts,
            deaths: state.counts.deaths.values().sum(),
            decision: state.decision.as_ref().map(DecisionView::of),
        }
    }
}
