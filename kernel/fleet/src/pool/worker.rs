use std::fmt;
use std::time::Duration;

use portique_clock::Timestamp;
use serde::{Deserialize, Serialize};

use super::PoolOptions;

/// One worker of a pool; never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerId(pub u64);

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which version of a pool's program and settings a worker runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub u32);

/// Where a worker is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerState {
    /// Started, and not ready yet.
    Starting,
    /// Takes work.
    Ready,
    /// Ends what it has in hand.
    Draining,
    /// Is ended now.
    Ending,
}

/// What a worker says of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heartbeat {
    /// Jobs in hand.
    pub leased: u32,
    /// Jobs ended so far.
    pub finished: u64,
}

/// Why a worker is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It did not become ready in time.
    Late,
    /// It sends no heartbeat.
    Silent,
    /// It is connected, work waits, and it takes none.
    Stuck,
    /// It did not end what it had in hand in time.
    Overdue,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Late => "it did not become ready in time",
            Self::Silent => "it sent no heartbeat",
            Self::Stuck => "it took no work although some waited",
            Self::Overdue => "it did not end its work in time",
        })
    }
}

/// How a worker's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// By itself, with this code.
    Exit(i32),
    /// By a signal.
    Signal(i32),
    /// It could not be started.
    NotStarted,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(code) => write!(f, "it ended with code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal} ended it"),
            Self::NotStarted => f.write_str("it could not be started"),
        }
    }
}

/// One worker, as its pool knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// Who it is.
    pub id: WorkerId,
    /// What it runs.
    pub generation: Generation,
    /// Where it is in its life.
    pub state: WorkerState,
    /// Since when it is there.
    pub since: Timestamp,
    /// Jobs in hand, as it said last.
    pub leased: u32,
    /// Jobs ended, as it said last.
    pub finished: u64,
    /// When it was heard last.
    pub heard: Timestamp,
    /// When it last had work in hand, ended some, or none waited.
    fed: Timestamp,
    /// Whether it is ended because something is wrong with it.
    pub(super) failed: bool,
}

impl Worker {
    pub(super) fn new(id: WorkerId, generation: Generation, at: Timestamp) -> Self {
        Self {
            id,
            generation,
            state: WorkerState::Starting,
            since: at,
            leased: 0,
            finished: 0,
            heard: at,
            fed: at,
            failed: false,
        }
    }

    /// Whether it counts among those that are to be.
    pub(super) fn stays(&self) -> bool {
        matches!(self.state, WorkerState::Starting | WorkerState::Ready)
    }

    pub(super) fn enter(&mut self, state: WorkerState, at: Timestamp) {
        self.state = state;
        self.since = at;
        self.heard = at;
        self.fed = at;
    }

    pub(super) fn beat(&mut self, beat: Heartbeat, at: Timestamp) {
        if beat.leased > 0 || beat.finished != self.finished {
            self.fed = at;
        }
        self.leased = beat.leased;
        self.finished = beat.finished;
        self.heard = at;
    }

    /// What is wrong with it, if anything is.
    pub(super) fn fault(
        &mut self,
        at: Timestamp,
        has_work: bool,
        options: &PoolOptions,
    ) -> Option<Why> {
        let over = |from: Timestamp, max: Duration| at.since(from) > max;
        if !has_work {
            self.fed = at;
        }
        match self.state {
            WorkerState::Starting => over(self.since, options.start_max).then_some(Why::Late),
            WorkerState::Ready if over(self.heard, options.silence_max) => Some(Why::Silent),
            WorkerState::Ready => over(self.fed, options.hunger_max).then_some(Why::Stuck),
            WorkerState::Draining => over(self.since, options.drain_max).then_some(Why::Overdue),
            WorkerState::Ending => None,
        }
    }
}
