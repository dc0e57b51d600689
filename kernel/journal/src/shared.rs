use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::task::{Poll, Waker};

use portique_clock::Clock;

use crate::frame::RECORD_HEADER_BYTES;
use crate::waiters::Waiters;
use crate::{Config, Disk, Entry, Error, Lane, Record, State};

/// What the handles, the committer and the readers share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Arc<dyn Clock>,
    /// A copy of `Inner::durable`, so that a resolved wait takes no lock.
    durable: AtomicU64,
    inner: Mutex<Inner>,
    /// Tells the committer that there is something to do.
    pub(crate) work: Condvar,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("durable", &self.durable).finish_non_exhaustive()
    }
}

pub(crate) struct Inner {
    pub(crate) queue: VecDeque<Batch>,
    pub(crate) queued_bytes: usize,
    /// The sequence of the next record submitted.
    pub(crate) next: u64,
    pub(crate) durable: u64,
    pub(crate) state: State,
    pub(crate) closing: bool,
    pub(crate) waiters: Waiters,
    room: Vec<Waker>,
    pub(crate) kept: Vec<Entry>,
}

/// The records of one call: they go into one frame or none.
pub(crate) struct Batch {
    pub(crate) first: u64,
    pub(crate) records: Vec<Record>,
    /// With the header of each record.
    pub(crate) bytes: usize,
}

impl Shared {
    pub(crate) fn new(config: Config, disk: Arc<dyn Disk>, clock: Arc<dyn Clock>) -> Self {
        let inner = Inner {
            queue: VecDeque::new(),
            queued_bytes: 0,
            next: 1,
            durable: 0,
            state: State::Open,
            closing: false,
            waiters: Waiters::default(),
            room: Vec::new(),
            kept: Vec::new(),
        };
        Self {
            config,
            disk,
            clock,
            durable: AtomicU64::new(0),
            inner: Mutex::new(inner),
            work: Condvar::new(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no code that holds the journal's lock panics")
    }

    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
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
        let longest = records.iter().map(|record| record.body.len()).max().unwrap_or(0);
        if longest > self.config.record_bytes_max() {
            return refuse(longest, self.config.record_bytes_max(), "bytes in one record");
        }
        let bytes = records.iter().map(|record| RECORD_HEADER_BYTES + record.body.len()).sum();
        if bytes > self.config.body_bytes_max() {
            return refuse(bytes, self.config.body_bytes_max(), "bytes");
        }
        Ok(bytes)
    }

    /// Queues the records, or leaves them where they are.
    pub(crate) fn accept(
        &self,
        records: &mut Vec<Record>,
        bytes: usize,
        lane: Lane,
        room: Option<&Waker>,
    ) -> Result<(u64, u64), Error> {
        let mut inner = self.lock();
        inner.admits(lane)?;
        if inner.queued_bytes + bytes > self.config.queue_bytes_max {
            inner.room.extend(room.cloned());
            let queued_bytes = inner.queued_bytes;
            return Err(Error::Full { queued_bytes, max: self.config.queue_bytes_max });
        }
        let first = inner.next;
        inner.next += records.len() as u64;
        let last = inner.next - 1;
        inner.queued_bytes += bytes;
        let wake = inner.queue.is_empty();
        inner.queue.push_back(Batch { first, records: std::mem::take(records), bytes });
        drop(inner);
        if wake {
            self.work.notify_one();
        }
        Ok((first, last))
    }

    pub(crate) fn poll_durable(
        &self,
        sequence: u64,
        ticket: &mut Option<u64>,
        waker: &Waker,
    ) -> Poll<Result<(), Error>> {
        if self.durable() >= sequence {
            *ticket = None;
            return Poll::Ready(Ok(()));
        }
        let mut inner = self.lock();
        if inner.durable >= sequence {
            *ticket = None;
            return Poll::Ready(Ok(()));
        }
        if let Some(error) = inner.ended() {
            *ticket = None;
            return Poll::Ready(Err(error));
        }
        match *ticket {
            Some(ticket) => inner.waiters.replace(sequence, ticket, waker),
            None => *ticket = Some(inner.waiters.add(sequence, waker.clone())),
        }
        Poll::Pending
    }

    pub(crate) fn forget_waiter(&self, sequence: u64, ticket: u64) {
        self.lock().waiters.remove(sequence, ticket);
    }

    /// Moves the watermark and wakes whom it reached.
    pub(crate) fn advance(&self, durable: u64) {
        let (reached, room) = {
            let mut inner = self.lock();
            inner.durable = durable;
            self.durable.store(durable, Ordering::Release);
            (inner.waiters.reached(durable), std::mem::take(&mut inner.room))
        };
        reached.into_values().chain(room).for_each(Waker::wake);
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
            (inner.waiters.all(), std::mem::take(&mut inner.room))
        };
        waiters.into_values().chain(room).for_each(Waker::wake);
    }
}

impl Inner {
    /// Why nothing more will become durable, if so.
    pub(crate) fn ended(&self) -> Option<Error> {
        match &self.state {
            State::Open | State::DrainOnly { .. } => None,
            State::Poisoned { reason } => Some(Error::Poisoned { reason: reason.clone() }),
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
            (&State::DrainOnly { free_bytes, reserve_bytes }, Lane::Work) => {
                Err(Error::DrainOnly { free_bytes, reserve_bytes })
            }
            _ => Ok(()),
        }
    }
}
