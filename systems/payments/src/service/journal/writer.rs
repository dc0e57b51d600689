//! Writes the journal: whoever asked may have gone by then, and what was begun is ended all the same.

use std::sync::Arc;

use portique_jobs::{Completion, Lease, Settled};
use portique_records::{Document, OnConflict};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::{COLLECTION, Filter};
use crate::Error;
use crate::batch::Counted;
use crate::service::Parts;
use crate::service::shared::Shared;

/// Entries of one write.
const ENTRIES_AT_ONCE: usize = 24;
/// Entries that wait; more wait with their senders.
pub(in crate::service) const ENTRIES_MAX: usize = 2 * ENTRIES_AT_ONCE;
/// Writes at once: while the jobs of one are ended, the next is in the hands of the records.
const WRITES_MAX: usize = 2;

/// A posted batch, to be put into the journal under the lease of its job.
pub(in crate::service) struct Entry {
    pub(in crate::service) lease: Lease,
    pub(in crate::service) number: u64,
    pub(in crate::service) counted: Counted,
    pub(in crate::service) document: Document,
    pub(in crate::service) filter: Filter,
    pub(in crate::service) reply: oneshot::Sender<Result<Counted, Error>>,
}

/// Owns all writing of the journal.
pub(in crate::service) struct Writer {
    pub(in crate::service) parts: Parts,
    pub(in crate::service) shared: Arc<Shared>,
    pub(in crate::service) received: mpsc::Receiver<Entry>,
}

impl Writer {
    /// Runs until nobody can send any more.
    pub(in crate::service) async fn run(mut self) {
        let mut entries = Vec::new();
        let mut writes = JoinSet::new();
        loop {
            let has_room = writes.len() < WRITES_MAX;
            tokio::select! {
                Some(_) = writes.join_next() => {}
                count = self.received.recv_many(&mut entries, ENTRIES_AT_ONCE), if has_room => {
                    if count == 0 {
                        break;
                    }
                    let entries = std::mem::take(&mut entries);
                    writes.spawn(write(self.parts.clone(), self.shared.clone(), entries));
                }
            }
        }
        while writes.join_next().await.is_some() {}
    }
}

/// Writes entries, ends their jobs, and answers for each.
async fn write(parts: Parts, shared: Arc<Shared>, entries: Vec<Entry>) {
    let (mut documents, mut completions, mut asked) = (Vec::new(), Vec::new(), Vec::new());
    for entry in entries {
        documents.push(entry.document);
        completions.push(Completion {
            lease: entry.lease,
            result: None,
        });
        asked.push((
            entry.lease,
            entry.number,
            entry.counted,
            entry.filter,
            entry.reply,
        ));
    }
    let ended = keep(&parts, documents, completions).await;
    for (place, (lease, number, counted, filter, reply)) in asked.into_iter().enumerate() {
        let outcome = match &ended {
            Ok(settled) => {
                // Before anybody is told that it can be searched.
                shared.filters.add(number, filter);
                match settled.get(place) {
                    Some(Settled::Done) => {
                        shared.add_journalled(number, counted.all());
                        Ok(counted)
                    }
                    _ => Err(Error::StaleLease { job: lease.id.0 }),
                }
            }
            Err(error) => Err(error.clone()),
        };
        // Who does not wait any more needs no answer.
        let _ = reply.send(outcome);
    }
}

async fn keep(
    parts: &Parts,
    documents: Vec<Document>,
    completions: Vec<Completion>,
) -> Result<Vec<Settled>, Error> {
    let records = parts.records.as_ref();
    records
        .insert(COLLECTION, documents, OnConflict::Keep)
        .await?;
    Ok(parts.jobs.complete(completions).await?)
}
