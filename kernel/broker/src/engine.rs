//! The shell around the state machine: owns the journal's handle and the clock.
//!
//! A change is decided, submitted to the journal and applied in one short locked section, so that
//! the order of facts is the order on disk; replies wait outside it until their frame is durable.

mod bus;
mod checkpoint;
mod commit;
mod compact;
mod fetch;
mod figures;
mod housekeeping;
mod jobs;
mod open;
mod publish;
mod replays;
mod retention;
mod scan;
mod transact;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portique_bus::Bus;
use portique_clock::Clock;
use portique_fault::{Code, Fault, chain};
use portique_jobs::{Jobs, Transact};
use portique_journal::Journal;
use tokio::sync::Notify;

use crate::state::State;
use crate::tail::Tail;
use crate::{Config, Error};

use checkpoint::Checkpointed;
use jobs::{JobsCore, JobsShared};
use replays::Replays;
use retention::Release;
use transact::Remembered;

pub use figures::BusFigures;
pub use retention::{KeptBy, Retained};

/// Longest wait for the checkpoint of a close: the next start is only longer without it, and a stop
/// has its own end to keep.
const CLOSE_WAIT_MAX: Duration = Duration::from_secs(5);

/// A handle on the open broker; clones share it.
#[derive(Clone)]
pub struct Broker {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    journal: Journal,
    clock: Arc<dyn Clock>,
    core: Mutex<Core>,
    /// Wakes whoever waits for deliveries: room was made, or something became due.
    changed: Notify,
    jobs: JobsShared,
    replays: Replays,
    closed: AtomicBool,
}

/// What the lock guards.
struct Core {
    state: State,
    tail: Tail,
    jobs: JobsCore,
    /// What transactions with a key came to.
    remembered: Remembered,
    /// The newest record submitted.
    last: u64,
    /// Bytes of records submitted in this life of the broker.
    written: u64,
    checkpoint: Checkpointed,
    /// Damaged records that consumers went on without, counted once for each of them.
    damaged: u64,
    /// Jobs that bindings did not make.
    jobs_missed: u64,
    /// What may go once the facts that say so are durable.
    release: Option<Release>,
}

impl Broker {
    /// Opens the broker on an open journal whose committer runs: replays the facts since the newest
    /// checkpoint, and returns when the start is durable.
    ///
    /// Nothing is spawned: [`run`](Self::run) is the caller's to spawn. The journal stays the
    /// caller's to close, after [`close`](Self::close).
    ///
    /// # Errors
    /// [`Error::Record`] and [`Error::NoCheckpoint`] when the journal is not the broker's or too
    /// new; [`Error::Exhausted`] when the start is not durable within 10 seconds;
    /// [`Error::Journal`].
    pub async fn open(
        config: Config,
        journal: Journal,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        open::open(config, journal, clock).await
    }

    /// The broker as its port.
    pub fn bus(&self) -> Arc<dyn Bus> {
        Arc::new(self.clone())
    }

    /// The broker as the port of jobs.
    pub fn jobs(&self) -> Arc<dyn Jobs> {
        Arc::new(self.clone())
    }

    /// The broker as the port of transactions.
    pub fn transact(&self) -> Arc<dyn Transact> {
        Arc::new(self.clone())
    }

    /// Housekeeping until the broker is closed: puts aside what was delivered often enough, wakes
    /// whoever waits for a redelivery, writes checkpoints, releases old segments to retention.
    pub async fn run(&self) {
        housekeeping::run(&self.shared).await;
    }

    /// One turn of the housekeeping, at the clock's time.
    ///
    /// # Errors
    /// [`Error::Journal`] when the journal no longer takes records; [`Error::Closed`].
    pub async fn tick(&self) -> Result<(), Error> {
        housekeeping::tick(&self.shared).await
    }

    /// Refuses everything from now on, ends [`run`](Self::run), and leaves a checkpoint so that the
    /// next start is short. A checkpoint that a full or slow disk does not take within 5 seconds
    /// is given up, which is logged.
    ///
    /// # Errors
    /// [`Error::Journal`] when the checkpoint is refused; nothing is lost by that.
    pub async fn close(&self) -> Result<(), Error> {
        if self.shared.closed.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        self.shared.changed.notify_waiters();
        self.shared.core().jobs.waiting.wake_all();
        self.shared.jobs.sooner.notify_one();
        let checkpoint = checkpoint::write(&self.shared);
        let written = tokio::time::timeout(CLOSE_WAIT_MAX, checkpoint).await;
        let problem = match written {
            Ok(Err(error)) if error.code() == Code::ResourceExhausted => chain(&error),
            Ok(written) => return written,
            Err(_) => format!("it is not durable after {CLOSE_WAIT_MAX:?}"),
        };
        tracing::warn!(
            problem,
            "the broker closes without a checkpoint: the next start takes longer"
        );
        Ok(())
    }
}

impl Shared {
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    fn durable(&self) -> u64 {
        self.journal.durable().0
    }
}
