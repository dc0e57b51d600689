use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, Waker};

use portique_clock::{Clock, Random, Timestamp};

use crate::catalog::Oldest;
use crate::pending::{Durable, Room};
use crate::shared::Shared;
use crate::{
    Committer, Config, Disk, Error, Lane, Pending, Reader, Record, Scheduling, Sequence, StoreId,
    read, recover,
};

/// A handle on an open journal; clones share it.
#[derive(Debug, Clone)]
pub struct Journal {
    shared: Arc<Shared>,
}

/// A journal just opened.
#[derive(Debug)]
pub struct Opened {
    /// The handle.
    pub journal: Journal,
    /// The loop that writes, to be put on a thread of its own: nothing becomes durable before.
    pub committer: Committer,
    /// What opening found and did.
    pub recovery: Recovery,
}

/// What opening a journal found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Whether the folder was empty, so that a journal was made.
    pub created: bool,
    /// Segments found.
    pub segments: usize,
    /// The first sequence kept.
    pub first: Sequence,
    /// The last durable sequence; one less than `first` when there is no record.
    pub last: Sequence,
    /// The unfinished, never acknowledged write that was cut off, if there was one.
    pub torn: Option<Torn>,
    /// Where in the store file a damaged slot was, in bytes: by a crash while it was written, or by
    /// later damage. The other one counted.
    pub damaged_slot: Option<u64>,
}

/// A write that a crash interrupted before it was durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The file.
    pub path: PathBuf,
    /// Where it began, in bytes.
    pub offset: u64,
    /// Bytes up to the last that was not zero; they are zero now.
    pub bytes: u64,
}

/// Whether a journal takes records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It does.
    Open,
    /// Only those of [`Lane::Drain`]: the disk is nearly full.
    DrainOnly {
        /// Bytes free when last looked at.
        free_bytes: u64,
        /// Bytes kept for draining.
        reserve_bytes: u64,
    },
    /// A write or sync failed, or a full disk did not take what had been accepted before it was
    /// closed; only opening it again helps.
    Poisoned {
        /// The failure.
        reason: String,
    },
    /// It was closed, and all it had accepted is durable.
    Closed,
}

impl Journal {
    /// Opens the journal on a disk, recovering it; makes one where there is none.
    ///
    /// Spawns nothing: see [`spawn`](crate::spawn). Two processes must not open the same folder.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Foreign`], [`Error::Version`] with the file concerned, nothing
    /// being changed; [`Error::Config`]; [`Error::Io`].
    pub fn open(
        config: Config,
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        random: &mut dyn Random,
    ) -> Result<Opened, Error> {
        recover::open(config, disk, clock, random)
    }

    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Gives the records to the committer, all for one frame, and their sequences at once: the
    /// order of calls is the order of sequences.
    ///
    /// # Errors
    /// Nothing was accepted: [`Error::Full`], [`Error::DrainOnly`], [`Error::Starved`],
    /// [`Error::TooLarge`], [`Error::Empty`], [`Error::Poisoned`], [`Error::Closed`].
    pub fn submit(&self, mut records: Vec<Record>, lane: Lane) -> Result<Pending, Error> {
        let bytes = self.shared.measure(&records)?;
        self.accept(&mut records, bytes, lane, None)
    }

    /// Appends the records in one frame, waiting for room, and returns when they are durable.
    ///
    /// # Errors
    /// As [`submit`](Self::submit), but never [`Error::Full`].
    ///
    /// # Cancel safety
    /// Not cancel safe: a call dropped while it waits may or may not have appended.
    pub async fn append(
        &self,
        mut records: Vec<Record>,
        lane: Lane,
    ) -> Result<RangeInclusive<Sequence>, Error> {
        let bytes = self.shared.measure(&records)?;
        let mut pending: Option<Pending> = None;
        let mut room = Room::new(self.shared.clone(), lane, bytes);
        std::future::poll_fn(|context| {
            if let Some(pending) = &mut pending {
                return Pin::new(pending).poll(context);
            }
            loop {
                match self.accept(&mut records, bytes, lane, Some(context.waker())) {
                    // Its waker waits already, so that an append locks the journal once.
                    Ok(accepted) => {
                        let accepted = pending.insert(accepted);
                        if accepted.is_left() {
                            return Pin::new(accepted).poll(context);
                        }
                    }
                    Err(Error::Full { .. }) => match Pin::new(&mut room).poll(context) {
                        // The queue was emptied in between.
                        Poll::Ready(Ok(())) => continue,
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                        Poll::Pending => {}
                    },
                    Err(error) => return Poll::Ready(Err(error)),
                }
                return Poll::Pending;
            }
        })
        .await
    }

    /// Waits until records of so many bytes, as [`Error::Full`] tells them, would be accepted. A
    /// change between that refusal and this call is not missed; another caller may still be
    /// faster, so that the records are refused once more.
    ///
    /// # Errors
    /// That of a refusal that no wait for the committer ends: [`Error::DrainOnly`],
    /// [`Error::Starved`], [`Error::Poisoned`], [`Error::Closed`].
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn room(&self, lane: Lane, wanted_bytes: usize) -> Result<(), Error> {
        Room::new(self.shared.clone(), lane, wanted_bytes).await
    }

    /// The watermark: this record and all before it are on stable storage.
    pub fn durable(&self) -> Sequence {
        Sequence(self.shared.durable())
    }

    /// Waits until a record is durable, which may not be appended yet.
    ///
    /// # Errors
    /// [`Error::Poisoned`] or [`Error::Closed`] when that will not happen.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn wait_durable(&self, at_least: Sequence) -> Result<(), Error> {
        Durable::new(self.shared.clone(), at_least).await
    }

    /// The first sequence kept; the next to be appended when there is none.
    pub fn first(&self) -> Sequence {
        self.shared.lock().catalog.first()
    }

    /// The first segment kept, and what retention says of it.
    pub fn oldest(&self) -> Oldest {
        self.shared.oldest()
    }

    /// The first sequence written at or after a time; the one after the last when there is none.
    ///
    /// # Errors
    /// [`Error::Corrupt`] or [`Error::Io`].
    pub fn sequence_at(&self, time: Timestamp) -> Result<Sequence, Error> {
        read::sequence_at(&self.shared, time)
    }

    /// Reads durable records in order, from this one on.
    ///
    /// # Errors
    /// [`Error::Trimmed`] when it is no longer kept.
    pub fn read(&self, from: Sequence) -> Result<Reader, Error> {
        if from < self.first() {
            return Err(Error::Trimmed {
                requested: from,
                first: self.first(),
            });
        }
        Ok(Reader::new(self.shared.clone(), from))
    }

    /// Releases everything before a sequence to retention, which then drops whole segments of it
    /// when they are too old or too many. The active segment always stays. Nothing is released
    /// until this is called, and a release is not taken back by a lower sequence.
    ///
    /// # Errors
    /// [`Error::Poisoned`] or [`Error::Closed`].
    pub fn trim(&self, before: Sequence) -> Result<(), Error> {
        self.shared.trim(before)
    }

    /// Takes back the release of what lies from a sequence on and is not dropped yet.
    pub fn hold(&self, from: Sequence) {
        self.shared.hold(from);
    }

    /// The sequence before which retention may drop segments.
    pub fn trim_floor(&self) -> Sequence {
        self.shared.floor()
    }

    /// Whether it takes records.
    pub fn state(&self) -> State {
        self.shared.state()
    }

    /// How the committer's thread is scheduled; `None` until it runs on one.
    pub fn scheduling(&self) -> Option<Scheduling> {
        self.shared.scheduling.get().copied()
    }

    /// The journal's identity, which its folder keeps.
    pub fn id(&self) -> StoreId {
        self.shared.id
    }

    /// Stops taking records; the committer makes durable what was accepted, and ends.
    pub fn close(&self) {
        self.shared.close();
    }

    fn accept(
        &self,
        records: &mut Vec<Record>,
        bytes: usize,
        lane: Lane,
        waker: Option<&Waker>,
    ) -> Result<Pending, Error> {
        let accepted = self.shared.accept(records, bytes, lane, waker)?;
        Ok(Pending::new(self.shared.clone(), accepted))
    }
}
