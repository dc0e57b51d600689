use std::collections::VecDeque;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use portique_clock::Clock;

use crate::catalog::{Catalog, CatalogEntry};
use crate::frame::RECORD_HEADER_BYTES;
use crate::store::Store;
use crate::waiters::Waiters;
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
}

pub(crate) struct Inner {
    pub(crate) queue: VecDeque<Batch>,
    pub(crate) queued_bytes: usize,
    /// The sequence of the next record submitted.
    next: u64,
    durable: u64,
    state: State,
    pub(crate) closing: bool,
    waiters: Waiters,
    room: Vec<Waker>,
    pub(crate) catalog: Catalog,
    floor: Sequence,
    /// Whether the next segment stands ready.
    pub(crate) spare_ready: bool,
    /// Whether accepted records wait for the next segment.
    pub(crate) starving: bool,
    /// Whether there was no space even for those.
    starved_out: bool,
    pub(crate) work_signal: bool,
    pub(crate) upkeep_signal: bool,
}

/// The records of one call: they go into one frame or none.
pub(crate) struct Batch {
    pub(crate) records: Vec<Record>,
    /// With the header of each record.
    pub(crate) bytes: usize,
}

/// What became of records that were queued.
pub(crate) struct Accepted {
    pub(crate) sequences: RangeInclusive<Sequence>,
    /// Of the waker that waits for the last of them.
    pub(crate) ticket: Option<u64>,
}

impl Shared {
    pub(crate) fn new(birth: Birth) -> Self {
        let inner = Inner {
            queue: VecDeque::new(),
            queued_bytes: 0,
            next: birth.next,
            durable: birth.next - 1,
            state: State::Open,
            closing: false,
            waiters: Waiters::default(),
            room: Vec::new(),
            floor: birth.catalog.first(),
            catalog: birth.catalog,
            spare_ready: false,
            starving: false,
            starved_out: false,
            work_signal: false,
            upkeep_signal: false,
        };
        Self {
            config: birth.config,
            disk: birth.disk,
            clock: birth.clock,
            id: birth.id,
            epoch: birth.epoch,
            scheduling: OnceLock::new(),
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
    /// they are durable, or when there is room for them.
    pub(crate) fn accept(
        &self,
        records: &mut Vec<Record>,
        bytes: usize,
        lane: Lane,
        waker: Option<&Waker>,
    ) -> Result<Accepted, Error> {
        let mut inner = self.lock();
        inner.admits(lane)?;
        if inner.queued_bytes + bytes > self.config.queue_bytes_max {
            inner.room.extend(waker.cloned());
            let queued_bytes = inner.queued_bytes;
            return Err(Error::Full {
                queued_bytes,
                max: self.config.queue_bytes_max,
            });
        }
        let first = inner.next;
        inner.next += records.len() as u64;
        let last = inner.next - 1;
        let ticket = waker.map(|waker| inner.waiters.add(last, waker.clone()));
        inner.queued_bytes += bytes;
        let wake = !inner.work_signal;
        inner.work_signal = true;
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
        })
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
        let (reached, room) = {
            let mut inner = self.lock();
            inner.catalog.mark(position);
            inner.durable = durable;
            self.durable.store(durable, Ordering::Release);
            (
                inner.waiters.reached(durable),
                std::mem::take(&mut inner.room),
            )
        };
        reached.into_values().chain(room).for_each(Waker::wake);
    }

    /// The spare became the active segment.
    pub(crate) fn begin_segment(&self, entry: CatalogEntry) {
        let mut inner = self.lock();
        inner.catalog.push(entry);
        inner.spare_ready = false;
        inner.starving = false;
        inner.upkeep_signal = true;
        drop(inner);
        self.upkeep.notify_one();
    }

    pub(crate) fn spare_ready(&self) -> bool {
        self.lock().spare_ready
    }

    /// The next segment is needed now; with `starving`, for records that were accepted.
    pub(crate) fn want_spare(&self, starving: bool) {
        let mut inner = self.lock();
        inner.upkeep_signal |= starving && !inner.starving;
        inner.starving = starving;
        drop(inner);
        self.upkeep.notify_one();
    }

    /// The next segment stands ready.
    pub(crate) fn offer_spare(&self, from_reserve: bool) {
        let mut inner = self.lock();
        inner.spare_ready = true;
        inner.starved_out = false;
        inner.work_signal = true;
        if !from_reserve && matches!(inner.state, State::DrainOnly { .. }) {
            inner.state = State::Open;
        }
        drop(inner);
        self.work.notify_one();
    }

    /// The disk is nearly full: takes only draining work from now on.
    pub(crate) fn drain_only(&self, free_bytes: u64) {
        let reserve_bytes = self.config.reserve_bytes;
        let mut inner = self.lock();
        if inner.ended().is_none() {
            inner.state = State::DrainOnly {
                free_bytes,
                reserve_bytes,
            };
        }
    }

    /// Records that were accepted have no place to go for now.
    pub(crate) fn starve_out(&self) {
        let mut inner = self.lock();
        inner.starved_out = inner.starving;
        inner.work_signal |= inner.starving && inner.closing;
        drop(inner);
        self.work.notify_one();
    }

    pub(crate) fn starves_for_good(&self) -> bool {
        self.lock().starved_out
    }

    /// Takes the first segment out of the catalogue if retention says so.
    pub(crate) fn drop_first(&self) -> Option<CatalogEntry> {
        let now = self.clock.now();
        let mut inner = self.lock();
        let floor = inner.floor;
        inner.catalog.drop_first(&self.config.retention, floor, now)
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
        room.into_iter().for_each(Waker::wake);
    }

    /// Ends the journal and wakes everybody; the first end stays.
    pub(crate) fn end(&self, state: State) {
        let (waiters, room) = {
            let mut inner = self.lock();
            if inner.ended().is_none() {
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
        waiters.into_values().chain(room).for_each(Waker::wake);
    }

    /// Blocks the writer until something is to be done, at most for `limit`.
    pub(crate) fn wait_for_work(&self, limit: Option<Duration>) {
        wait(&self.work, self.lock(), limit, |inner| inner.work_signal);
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

impl Inner {
    /// Why nothing more will become durable, if so.
    pub(crate) fn ended(&self) -> Option<Error> {
        match &self.state {
            State::Open | State::DrainOnly { .. } => None,
            State::Poisoned { reason } => Some(Error::Poisoned {
                reason: reason.clone(),
            }),
            State::Closed => Some(Error::Closed),
        }
    }

    fn admits(&self, lane: Lane) -> Result<(), Error> {
        if let Some(error) = self.ended() {
            return Err(error);
        }
        if self.closing {
            return Err(Error::Closed);
        }
        match (&self.state, lane) {
            (
                &State::DrainOnly {
                    free_bytes,
                    reserve_bytes,
                },
                Lane::Work,
            ) => Err(Error::DrainOnly {
                free_bytes,
                reserve_bytes,
            }),
            _ => Ok(()),
        }
    }
}
