use std::collections::{BTreeMap, VecDeque};
use std::task::Waker;

use crate::catalog::Catalog;
use crate::waiters::Waiters;
use crate::{DiskFile, Error, Lane, Record, Sequence, State};

/// What the lock guards.
pub(crate) struct Inner {
    pub(crate) queue: VecDeque<Batch>,
    pub(crate) queued_bytes: usize,
    /// The sequence of the next record submitted.
    pub(super) next: u64,
    pub(super) durable: u64,
    pub(super) state: State,
    pub(crate) closing: bool,
    pub(super) waiters: Waiters,
    /// Who waits for room in the queue, by ticket.
    pub(super) room: BTreeMap<u64, Waker>,
    next_ticket: u64,
    pub(crate) catalog: Catalog,
    pub(super) floor: Sequence,
    /// Whether the next segment stands ready.
    pub(crate) spare_ready: bool,
    /// Its open file, until the writer takes it.
    pub(super) spare: Option<Box<dyn DiskFile>>,
    /// Whether accepted records wait for the next segment.
    pub(crate) starving: bool,
    /// Why there is no place even for those, if there is none.
    pub(super) starved: Option<String>,
    pub(crate) work_signal: bool,
    /// Whether a frame is on its way to the disk.
    pub(crate) is_writing: bool,
    /// Bytes of the records taken last: how busy it is.
    pub(crate) taken_bytes: usize,
    /// Whether the committer waits, and looks again by itself before long.
    pub(super) keeps_time: bool,
    pub(crate) upkeep_signal: bool,
}

/// The records of one call: they go into one frame or none.
pub(crate) struct Batch {
    pub(crate) records: Vec<Record>,
    /// With the header of each record.
    pub(crate) bytes: usize,
}

impl Inner {
    pub(super) fn new(catalog: Catalog, next: u64, state: State) -> Self {
        Self {
            queue: VecDeque::new(),
            queued_bytes: 0,
            next,
            durable: next - 1,
            state,
            closing: false,
            waiters: Waiters::default(),
            room: BTreeMap::new(),
            next_ticket: 0,
            floor: catalog.first(),
            catalog,
            spare_ready: false,
            spare: None,
            starving: false,
            starved: None,
            work_signal: false,
            is_writing: false,
            taken_bytes: 0,
            keeps_time: false,
            upkeep_signal: false,
        }
    }

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

    /// Whether records of so many bytes would be queued now.
    pub(super) fn admits(&self, lane: Lane, bytes: usize, max: usize) -> Result<(), Error> {
        if let Some(error) = self.ended() {
            return Err(error);
        }
        if self.closing {
            return Err(Error::Closed);
        }
        if let (
            &State::DrainOnly {
                free_bytes,
                reserve_bytes,
            },
            Lane::Work,
        ) = (&self.state, lane)
        {
            return Err(Error::DrainOnly {
                free_bytes,
                reserve_bytes,
            });
        }
        if let Some(reason) = &self.starved {
            let reason = reason.clone();
            return Err(Error::Starved { reason });
        }
        if self.queued_bytes + bytes > max {
            return Err(Error::Full {
                queued_bytes: self.queued_bytes,
                wanted_bytes: bytes,
                max,
            });
        }
        Ok(())
    }

    pub(super) fn new_ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }
}
