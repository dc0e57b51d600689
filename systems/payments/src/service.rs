//! Payments at work: the shell around the ledger.
//!
//! ```text
//!  accept --> payments.inject --> payments.post --> desk: Ledger::post, one frame --> payments.journal --> records
//!                                                   event payments.posted, post job done, journal job there
//! ```
//!
//! The desk is one loop that owns the ledger and changes it one frame at a time: decide, commit, settle. A frame that
//! is not kept is rolled back, so that nothing is decided on what is not on disk. Workers have no state: whatever job
//! they are given, what it does is done in the frame that ends it.

mod accept;
mod checkpoint;
mod counts;
mod desk;
mod facts;
mod files;
mod inputs;
mod journal;
mod open;
mod queues;
mod requests;
mod shared;
mod statements;
mod tally;
mod work;
mod workers;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portique_bus::Bus;
use portique_clock::{Clock, Seeded};
use portique_event::EventId;
use portique_jobs::{Jobs, Transact};
use portique_records::Records;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use accept::Accepted;
pub use counts::{Counts, QueueBacklog};
pub use files::{FileFormat, FileState, FileTaken};
pub use journal::{FoundTransaction, Search, SearchPage, Verified};
pub use queues::ALL as QUEUES;
pub use shared::Shared;
pub use statements::DayRange;
pub use work::ClaimedJob;

use crate::{Account, AccountChange, Error, Iban, Ledger, REMEMBERED_MAX, Rejection};
use desk::Desk;
use inputs::{Input, PostWork};

/// Requests that may wait for the desk; more wait with their senders.
const INPUTS_MAX: usize = 256;
/// Bytes of requests that are read at once: four of the largest.
const BODIES_BYTES_MAX: usize = 64 << 20;

/// How payments behave.
#[derive(Debug, Clone)]
pub struct Config {
    /// Whether jobs are done inside, without other processes; by default they are.
    pub workers_inside: bool,
    /// How old the oldest job may be before more is refused; default 2 min.
    pub oldest_max: Duration,
    /// How many transactions the ledger remembers; default [`REMEMBERED_MAX`].
    pub remembered_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            workers_inside: true,
            oldest_max: Duration::from_mins(2),
            remembered_max: REMEMBERED_MAX,
        }
    }
}

/// What payments stand on.
#[derive(Clone)]
pub struct Parts {
    /// Where facts go and come back from.
    pub bus: Arc<dyn Bus>,
    /// Where work waits.
    pub jobs: Arc<dyn Jobs>,
    /// Makes facts and work true together.
    pub transact: Arc<dyn Transact>,
    /// Where the journal is kept.
    pub records: Arc<dyn Records>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Names what has no name.
    pub random: Arc<Mutex<Seeded>>,
    /// How they behave.
    pub config: Config,
}

/// A handle on payments.
#[derive(Clone)]
pub struct Payments {
    parts: Parts,
    inputs: mpsc::Sender<Input>,
    journalling: mpsc::Sender<journal::Entry>,
    shared: Arc<Shared>,
    bodies: Arc<tokio::sync::Semaphore>,
}

/// What runs payments; see [`Payments::open`].
pub struct Worker {
    payments: Payments,
    desk: Desk,
    journal: journal::Writer,
}

impl Payments {
    /// Brings the ledger back from its checkpoint and the facts since; the worker it returns must be run.
    ///
    /// # Errors
    /// [`Error::Damaged`] when a stored fact cannot be read, and what the ports fail with.
    pub async fn open(parts: Parts) -> Result<(Self, Worker), Error> {
        queues::define(parts.jobs.as_ref()).await?;
        workers::give_back(parts.jobs.as_ref()).await?;
        journal::define(parts.records.as_ref()).await?;
        files::define(parts.records.as_ref()).await?;
        let opened = open::open(&parts).await?;
        let journalled = journal::position(parts.records.as_ref()).await?;
        let shared = Shared::new(opened.book.head, opened.tally, journalled);
        let shared = Arc::new(shared);
        let (inputs, received) = mpsc::channel(INPUTS_MAX);
        let desk = Desk::new(parts.clone(), shared.clone(), received, opened);
        let (journalling, received) = mpsc::channel(journal::ENTRIES_MAX);
        let journal = journal::Writer {
            parts: parts.clone(),
            shared: shared.clone(),
            received,
        };
        let payments = Self {
            parts,
            inputs,
            journalling,
            shared,
            bodies: Arc::new(tokio::sync::Semaphore::new(BODIES_BYTES_MAX)),
        };
        let worker = Worker {
            payments: payments.clone(),
            desk,
            journal,
        };
        Ok((payments, worker))
    }

    /// What is seen of everything now.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// A name that nothing else has.
    fn new_id(&self) -> String {
        let random = self.parts.random.lock();
        let mut random = random.unwrap_or_else(PoisonError::into_inner);
        EventId::generate(self.parts.clock.now(), &mut *random).to_string()
    }

    /// Room for a body of so many bytes, until it is dropped.
    ///
    /// # Errors
    /// [`Error::Behind`] when there is none.
    pub(crate) fn room(&self, bytes: usize) -> Result<tokio::sync::OwnedSemaphorePermit, Error> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let room = self.bodies.clone().try_acquire_many_owned(bytes);
        room.map_err(|_| Error::Behind {
            reason: "as many bodies as there is room for are being read".into(),
            after: Duration::from_secs(1),
        })
    }

    /// Looks at the ledger, as it is on disk.
    ///
    /// # Errors
    /// [`Error::Stopping`].
    pub async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Ledger) -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.look_with_head(|ledger, _| look(ledger)).await
    }

    /// Looks at the ledger together with the newest batch that is in it.
    async fn look_with_head<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Ledger, u64) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let look = Box::new(move |ledger: &Ledger, number| drop(reply.send(look(ledger, number))));
        let sent = self.inputs.send(Input::Look(look)).await;
        sent.map_err(|_| Error::Stopping)?;
        answer.await.map_err(|_| Error::Stopping)
    }

    /// One account.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::Stopping`].
    pub async fn account(&self, iban: Iban) -> Result<Account, Error> {
        let account = self
            .look(move |ledger| ledger.account(&iban).cloned())
            .await?;
        account.ok_or_else(|| Error::Unknown {
            what: "account",
            name: iban.to_string(),
        })
    }

    /// Changes accounts, each by itself; durable on return. For each whether it made a difference, or why it was refused.
    ///
    /// # Errors
    /// What the bus fails with; then nothing was changed.
    pub async fn change_accounts(
        &self,
        changes: Vec<AccountChange>,
    ) -> Result<Vec<Result<bool, Rejection>>, Error> {
        let (reply, answer) = oneshot::channel();
        let sent = self.inputs.send(Input::Change(changes, reply)).await;
        sent.map_err(|_| Error::Stopping)?;
        answer.await.map_err(|_| Error::Stopping)?
    }

    /// Posts a claimed batch under its lease; durable on return.
    async fn post(&self, work: Vec<PostWork>) -> Result<(), Error> {
        let sent = self.inputs.send(Input::Post(work)).await;
        sent.map_err(|_| Error::Stopping)
    }
}

impl Worker {
    /// Runs payments until `stop`.
    ///
    /// # Errors
    /// When it cannot go on: what was committed may be there or not, and only a restart tells.
    pub async fn run(self, stop: CancellationToken) -> Result<(), String> {
        let Self {
            payments,
            desk,
            journal,
        } = self;
        let mut others = JoinSet::new();
        others.spawn(journal.run());
        others.spawn(tally::run(payments.parts.clone(), payments.shared.clone()));
        others.spawn(requests::run(payments.clone()));
        others.spawn(journal::run_filters(
            payments.parts.clone(),
            payments.shared.clone(),
        ));
        if payments.parts.config.workers_inside {
            workers::spawn(&mut others, &payments);
        }
        drop(payments);
        let ended = desk.run(stop).await;
        others.shutdown().await;
        ended.map_err(|error| portique_fault::chain(&error))
    }
}
