//! The one thread that writes: it takes whatever waits in its queue into one transaction, so that one
//! sync of the disk serves many callers.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::document::Rendered;
use super::failure::Failure;
use super::layout::{Catalog, Layout};
use super::readers::{SharedConnection, lock};
use super::{define, write};
use crate::{Collection, Condition, Error, OnConflict};

/// Calls that share a transaction at most: the first caller of a group waits for the last.
const GROUP_CALLS_MAX: usize = 256;

/// Documents after which a group takes no further call, for the same reason.
const GROUP_DOCUMENTS: usize = 10_000;

/// What the thread takes from its queue.
pub(super) enum Request {
    Write(Write),
    /// Answered when all that waited is written and the log is moved into the database.
    Close(oneshot::Sender<Result<(), Error>>),
}

/// One call, all or nothing.
pub(super) struct Write {
    pub(super) work: Work,
    pub(super) reply: oneshot::Sender<Result<u64, Error>>,
}

pub(super) enum Work {
    Define(Collection),
    Insert {
        collection: String,
        documents: Vec<Rendered>,
        on_conflict: OnConflict,
        /// Its share of the queue's bytes, given back when it is written.
        _permit: OwnedSemaphorePermit,
    },
    Remove {
        collection: String,
        conditions: Vec<Condition>,
    },
}

impl Work {
    fn documents(&self) -> usize {
        match self {
            Self::Insert { documents, .. } => documents.len(),
            Self::Define(_) | Self::Remove { .. } => 0,
        }
    }
}

/// Owns the writing connection.
pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) connection: SharedConnection,
    pub(super) catalog: Arc<RwLock<Catalog>>,
    pub(super) requests: mpsc::Receiver<Request>,
}

impl Writer {
    /// Serves requests until a close, or until every sender is gone.
    pub(super) fn run(mut self) {
        let mut closing = Vec::new();
        while let Some(request) = self.requests.blocking_recv() {
            let group = self.gather(request, &mut closing);
            self.commit(group);
            if !closing.is_empty() {
                // What is queued already is still written; nothing more gets in.
                self.requests.close();
            }
        }
        let result = self.checkpoint();
        drop(self);
        for reply in closing {
            // A caller that went away needs no answer, here and below.
            let _ = reply.send(result.clone());
        }
    }

    /// The calls that wait, up to the limits of a group.
    pub(super) fn gather(&mut self, first: Request, closing: &mut Vec<CloseReply>) -> Vec<Write> {
        let (mut group, mut documents) = (Vec::new(), 0);
        let mut next = Some(first);
        while let Some(request) = next {
            match request {
                Request::Write(write) => {
                    documents += write.work.documents();
                    group.push(write);
                }
                Request::Close(reply) => closing.push(reply),
            }
            let full = group.len() >= GROUP_CALLS_MAX || documents >= GROUP_DOCUMENTS;
            next = if full {
                None
            } else {
                self.requests.try_recv().ok()
            };
        }
        group
    }

    pub(super) fn commit(&self, group: Vec<Write>) {
        if group.is_empty() {
            return;
        }
        let (works, replies): (Vec<_>, Vec<_>) = group
            .into_iter()
            .map(|write| (write.work, write.reply))
            .unzip();
        let outcome = self.transact(&works);
        drop(works);
        match outcome {
            Ok(results) => {
                for (reply, result) in replies.into_iter().zip(results) {
                    let _ = reply.send(result);
                }
            }
            Err(failure) => {
                let error = failure.at(&self.path);
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "records not written"
                );
                for reply in replies {
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
    }

    /// Each call's result once all of them are on the disk; an error when none is.
    fn transact(&self, works: &[Work]) -> Result<Vec<Result<u64, Error>>, Failure> {
        let mut connection = lock(&self.connection);
        let mut transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut defined = HashMap::new();
        let mut results = Vec::with_capacity(works.len());
        for work in works {
            let savepoint = transaction.savepoint()?;
            match self.apply(&savepoint, work, &mut defined) {
                Ok(count) => {
                    savepoint.commit()?;
                    results.push(Ok(count));
                }
                // After some errors, such as a full disk, SQLite takes the whole transaction back.
                Err(failure) if savepoint.is_autocommit() => return Err(failure),
                Err(failure) => {
                    savepoint.finish()?;
                    results.push(Err(failure.at(&self.path)));
                }
            }
        }
        transaction.commit()?;
        // Readers learn of a column only now that they can see it.
        self.catalog
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .extend(defined);
        Ok(results)
    }

    fn apply(&self, connection: &Connection, work: &Work, defined: &mut Catalog) -> Applied {
        match work {
            Work::Define(collection) => {
                let existing = self.layout(defined, &collection.name).ok();
                let layout = define::define(connection, existing.as_deref(), collection)?;
                let changed = layout.is_some();
                if let Some(layout) = layout {
                    defined.insert(collection.name.clone(), Arc::new(layout));
                }
                Ok(u64::from(changed))
            }
            Work::Insert {
                collection,
                documents,
                on_conflict,
                ..
            } => {
                let layout = self.layout(defined, collection)?;
                write::insert(connection, &layout, documents, *on_conflict)
            }
            Work::Remove {
                collection,
                conditions,
            } => {
                let layout = self.layout(defined, collection)?;
                write::remove(connection, &layout, conditions)
            }
        }
    }

    /// A collection as this transaction sees it.
    fn layout(&self, defined: &Catalog, collection: &str) -> Result<Arc<Layout>, Error> {
        match defined.get(collection) {
            Some(layout) => Ok(layout.clone()),
            None => super::find_layout(&self.catalog, collection),
        }
    }

    fn checkpoint(&self) -> Result<(), Error> {
        let connection = lock(&self.connection);
        let checkpointed = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        checkpointed.map_err(|error| Failure::from(error).at(&self.path))
    }
}

pub(super) type CloseReply = oneshot::Sender<Result<(), Error>>;

type Applied = Result<u64, Failure>;
