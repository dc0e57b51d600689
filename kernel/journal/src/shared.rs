//! What a journal's handles, its committer and its readers share.

mod inner;
mod lonely;
mod space;

pub(crate) use inner::{Batch, Inner};
use lonely::Lonely;
pub(crate) use space::warn_of_drain_only;

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use portique_clock::Clock;

use crate::catalog::Catalog;
use crate::frame::RECORD_HEADER_BYTES;
use crate::store::Store;
use crate::walk::Position;
use crate::{Config, Disk, Error, Lane, Record, Scheduling, Sequence, State, StoreId};

/// What the handles, the committer and the readers share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) id: StoreId,
    /// Tells the frames of this life from those of earlier ones.
    pub(crate) epoch: u64,
    pub(crate) scheduling: OnceLock<Scheduling>,
    lonely: Lonely,
    /// Never locked while `inner` is.
    store: Mutex<Store>,
    /// A copy of `Inner::durable`, so that a resolved wait takes no lock.
    durable: AtomicU64,
    inner: Mutex<Inner>,
    /// Tells the writer that there is something to do.
    work: Condvar,
    /// Tells the upkeep that there is something to do.
    upkeep: Condvar,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("durable", &self.durable)
            .finish_non_exhaustive()
    }
}

/// What a journal begins with when it is opened.
pub(crate) struct Birth {
    pub(crate) config: Config,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) id: StoreId,
    pub(crate) epoch: u64,
    pub(crate) store: Store,
    pub(crate) catalog: Catalog,
    /// The sequence of the next record.
    pub(crate) next: u64,
    pub(crate) state: State,
}

/// What became of records that were queued.
pub(crate) struct Accepted {
    pub(crate) sequences: RangeInclusive<Sequence>,
    /// Of the waker that waits for the last of them.
    pub(crate) ticket: Option<u64>,
    /// Whether the committer was not told: who waits for them writes them, or tells it.
    pub(crate) is_left: bool,
}

impl Shared {
    pub(crate) fn new(birth: Birth) -> Self {
        let inner = Inner::new(birth.catalog, birth.next, birth.state);
        Self {
            config: birth.config,
            disk: birth.disk,
            clock: birth.clock,
            id: birth.id,
            epoch: birth.epoch,
            scheduling: OnceLock::new(),
            lonely: Lonely::default(),
            store: Mutex::new(birth.store),
            durable: AtomicU64::new(inner.durable),
            inner: Mutex::new(inner),
            work: Condvar::new(),
            upkeep: Condvar::new(),
        }
    }

    /// Every change under this lock is whole before anything that could panic.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    pub(crate) fn state(&self) -> State {
        self.lock().state.clone()
    }

    /// The bytes the records take in a frame, or why they cannot be in one.
    pub(crate) fn measure(&self, records: &[Record]) -> Result<usize, Error> {
        let refuse = |given, max, unit| Err(Error::TooLarge { given, max, unit });
        if records.is_empty() {
            return Err(Error::Empty);
        }
        if records.len() > self.config.frame_records_max {
            return refuse(records.len(), self.config.frame_records_max, "records");
        }
        let longest = records
            .iter()
            .map(|record| record.body.len())
            .max()
            .unwrap_or(0);
        if longest > self.config.record_bytes_max() {
            return refuse(
                longest,
                self.config.record_bytes_max(),
                "bytes in one record",
            );
        }
        let bytes = records
            .iter()
            .map(|record| RECORD_HEADER_BYTES + record.body.len())
            .sum();
        if bytes > self.config.body_bytes_max() {
            return refuse(bytes, self.config.body_bytes_max(), "bytes");
        }
        Ok(bytes)
    }

    /// Queues the records, or leaves them where they are. The waker, if there is one, is woken when
    /// they are durable.
    pub(crate) fn accept(
        &self,
        records: &mut Vec<Record>,
        bytes: usize,
        lane: Lane,
        waker: Option<&Waker>,
    ) -> Result<Accepted, Error> {
        let mut inner = self.lock();
        inner.admits(lane, bytes, self.config.queue_bytes_max)?;
        let is_left = self.is_lonely(&inner, bytes);
        let first = inner.next;
        inner.next += records.len() as u64;
        let last = inner.next - 1;
        let ticket = waker.map(|waker| inner.waiters.add(last, waker.clone()));
        inner.queued_bytes += bytes;
        let wake = !inner.work_signal && !is_left;
        inner.work_signal |= wake;
        inner.queue.push_back(Batch {
            records: std::mem::take(records),
            bytes,
        });
        drop(inner);
        if wake {
            self.work.notify_one();
        }
        Ok(Accepted {
            sequences: Sequence(first)..=Sequence(last),
            ticket,
            is_left,
        })
    }

    /// Whether the queue takes so many bytes now, or never will; if neither, `waker` is woken when it
    /// is worth another look.
    pub(crate) fn poll_room(
        &self,
        lane: Lane,
        bytes: usize,
        ticket: &mut Option<u64>,
        waker: &Waker,
    ) -> Poll<Result<(), Error>> {
        let mut inner = self.lock();
        match inner.admits(lane, bytes, self.config.queue_bytes_max) {
            Err(Error::Full { .. }) => {
                let ticket = *ticket.get_or_insert_with(|| inner.new_ticket());
                inner.room.insert(ticket, waker.clone());
                // What fills the queue may be left to somebody who waits for room here.
                inner.work_signal |= !inner.queue.is_empty();
                drop(inner);
                self.work.notify_one();
                Poll::Pending
            }
            verdict => Poll::Ready(verdict),
        }
    }

    pub(crate) fn forget_room(&self, ticket: u64) {
        self.lock().room.remove(&ticket);
    }

    pub(crate) fn poll_durable(
        &self,
        sequence: u64,
        ticket: &mut Option<u64>,
        waker: &Waker,
    ) -> Poll<Result<(), Error>> {
        if self.durable() >= sequence {
            return Poll::Ready(Ok(()));
        }
        let mut inner = self.lock();
        if inner.durable >= sequence {
            return Poll::Ready(Ok(()));
        }
        if let Some(error) = inner.ended() {
            return Poll::Ready(Err(error));
        }
        match *ticket {
            Some(ticket) => inner.waiters.replace(sequence, ticket, waker),
            None => *ticket = Some(inner.waiters.add(sequence, waker.clone())),
        }
        Poll::Pending
    }

    pub(crate) fn forget_waiter(&self, sequence: u64, ticket: u64) {
        // A waiter that was reached is gone already.
        if self.durable() < sequence {
            self.lock().waiters.remove(sequence, ticket);
        }
    }

    /// Everything before `position` is durable: moves the watermark and wakes whom it reached.
    pub(crate) fn advance(&self, position: Position) {
        let durable = position.sequence - 1;
        let reached = {
            let mut inner = self.lock();
            inner.catalog.mark(position);
            inner.durable = durable;
            inner.is_writing = false;
            self.durable.store(durable, Ordering::Release);
            inner.waiters.reached(durable)
        };
        reached.into_values().for_each(Waker::wake);
    }

    /// The writer has taken records out of the queue.
    pub(crate) fn wake_for_room(&self, mut inner: MutexGuard<'_, Inner>) {
        let room = std::mem::take(&mut inner.room);
        drop(inner);
        room.into_values().for_each(Waker::wake);
    }

    pub(crate) fn trim(&self, before: Sequence) -> Result<(), Error> {
        let mut inner = self.lock();
        if let Some(error) = inner.ended() {
            return Err(error);
        }
        inner.floor = inner.floor.max(before);
        inner.upkeep_signal = true;
        drop(inner);
        self.upkeep.notify_one();
        Ok(())
    }

    pub(crate) fn hold(&self, from: Sequence) {
        let mut inner = self.lock();
        inner.floor = inner.floor.min(from);
    }

    pub(crate) fn floor(&self) -> Sequence {
        self.lock().floor
    }

    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closing = true;
        inner.work_signal = true;
        let room = std::mem::take(&mut inner.room);
        drop(inner);
        self.work.notify_one();
        room.into_values().for_each(Waker::wake);
    }

    /// Ends the journal and wakes everybody; the first end stays.
    pub(crate) fn end(&self, state: State) {
        let (waiters, room) = {
            let mut inner = self.lock();
            if inner.ended().is_none() {
                if let State::Poisoned { reason } = &state {
                    tracing::error!(reason, "the journal stopped");
                }
                inner.state = state;
            }
            inner.queue.clear();
            inner.queued_bytes = 0;
            inner.work_signal = true;
            inner.upkeep_signal = true;
            (inner.waiters.all(), std::mem::take(&mut inner.room))
        };
        self.work.notify_one();
        self.upkeep.notify_one();
        let room = room.into_values();
        waiters.into_values().chain(room).for_each(Waker::wake);
    }

    /// Blocks the writer until something is to be done, at most for `limit`.
    pub(crate) fn wait_for_work(&self, limit: Option<Duration>) {
        let mut inner = self.lock();
        inner.keeps_time = limit.is_some();
        wait(&self.work, inner, limit, |inner| inner.work_signal);
        self.lock().keeps_time = false;
    }

    /// Notes whether the committer, driven step by step, would look again by itself before long.
    pub(crate) fn keep_time(&self, keeps: bool) {
        self.lock().keeps_time = keeps;
    }

    /// Blocks the upkeep until something is to be done, at most for `limit`.
    pub(crate) fn wait_for_upkeep(&self, limit: Option<Duration>) {
        wait(&self.upkeep, self.lock(), limit, |inner| {
            inner.upkeep_signal
        });
    }
}

fn wait(
    signal: &Condvar,
    inner: MutexGuard<'_, Inner>,
    limit: Option<Duration>,
    ready: impl Fn(&Inner) -> bool,
) {
    match limit {
        Some(limit) => drop(signal.wait_timeout_while(inner, limit, |inner| !ready(inner))),
        None => drop(signal.wait_while(inner, |inner| !ready(inner))),
    }
}
