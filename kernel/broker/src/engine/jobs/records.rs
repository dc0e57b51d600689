//! The records of jobs that left memory: read from the journal on a thread that may block.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use portique_fault::chain;
use portique_jobs::{Error, QueueName};
use portique_journal::{Entry, Error as JournalError, Journal, Reader, Sequence};

use crate::engine::Shared;
use crate::job_tail::Stored;

/// Readers kept where the last claim of a queue left off: each may hold a frame in memory.
const READERS_MAX: usize = 8;
/// Records a reader passes over rather than looking its place up anew, which begins up to a whole
/// segment before it.
const SEEK_MAX: u64 = 65_536;

/// A job's record, or why there will never be one.
pub(super) type Found = Result<Stored, String>;

/// Readers of the journal by queue, so that working off a backlog reads forward.
#[derive(Debug, Default)]
pub(crate) struct Readers(Mutex<VecDeque<(QueueName, Reader)>>);

impl Readers {
    fn take(&self, queue: &QueueName) -> Option<Reader> {
        let mut kept = self.lock();
        let index = kept.iter().position(|(of, _)| of == queue)?;
        kept.remove(index).map(|(_, reader)| reader)
    }

    fn put(&self, queue: QueueName, reader: Reader) {
        let mut kept = self.lock();
        kept.push_back((queue, reader));
        if kept.len() > READERS_MAX {
            kept.pop_front();
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(QueueName, Reader)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// The records at these places, which rise: from the first on, until there are `bytes_max` of
    /// them, but at least one. The reader is kept for those who work the queue off.
    pub(super) async fn read_records(
        &self,
        queue: Option<&QueueName>,
        places: Vec<u64>,
        bytes_max: usize,
    ) -> Result<Vec<(u64, Found)>, Error> {
        let journal = self.journal.clone();
        let mut reader = queue.and_then(|queue| self.jobs.readers.take(queue));
        let read = tokio::task::spawn_blocking(move || {
            let found = read_all(&journal, &mut reader, &places, bytes_max);
            (reader, found)
        });
        match read.await {
            Ok((reader, found)) => {
                if let (Some(queue), Some(reader)) = (queue, reader) {
                    self.jobs.readers.put(queue.clone(), reader);
                }
                found
            }
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(Error::Unavailable {
                reason: "the hub is stopping".into(),
            }),
        }
    }
}

fn read_all(
    journal: &Journal,
    reader: &mut Option<Reader>,
    places: &[u64],
    bytes_max: usize,
) -> Result<Vec<(u64, Found)>, Error> {
    let mut found = Vec::with_capacity(places.len());
    let mut bytes = 0;
    for place in places {
        if bytes > bytes_max {
            break;
        }
        let stored = read_one(journal, reader, Sequence(*place))?;
        bytes += stored.as_ref().map_or(0, |stored| stored.body.len());
        found.push((*place, stored));
    }
    Ok(found)
}

fn read_one(
    journal: &Journal,
    reader: &mut Option<Reader>,
    place: Sequence,
) -> Result<Found, Error> {
    match seek(journal, reader, place) {
        Ok(Some(entry)) => Ok(Ok(Stored {
            kind: entry.kind,
            body: entry.body,
        })),
        Ok(None) => Ok(Err(format!("record {place} of the journal is missing"))),
        Err(error @ (JournalError::Corrupt { .. } | JournalError::Trimmed { .. })) => {
            Ok(Err(chain(&error)))
        }
        Err(error) => Err(Error::Unavailable {
            reason: chain(&error),
        }),
    }
}

/// The record at a place, with the reader of the one before where that is near.
fn seek(
    journal: &Journal,
    reader: &mut Option<Reader>,
    place: Sequence,
) -> Result<Option<Entry>, JournalError> {
    let is_near =
        |reader: &Reader| place >= reader.sequence() && place.0 - reader.sequence().0 <= SEEK_MAX;
    let mut at = match reader.take().filter(is_near) {
        Some(reader) => reader,
        None => journal.read(place)?,
    };
    let entry = at.find(|entry| !matches!(entry, Ok(entry) if entry.sequence < place));
    let entry = entry.transpose();
    // A reader on its way here may have been where retention took something.
    let entry = match entry {
        Err(JournalError::Trimmed { first, .. }) if place >= first => {
            at = journal.read(place)?;
            at.next().transpose()?
        }
        entry => entry?,
    };
    *reader = Some(at);
    Ok(entry)
}
