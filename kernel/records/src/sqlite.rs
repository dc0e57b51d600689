//! The embedded engine: one SQLite database, one thread that writes, a few connections that read.
//!
//! A call's documents go through a bounded queue to the writer, which commits what waits together and
//! answers when the disk has it. Each collection is a table with a column and an index for each
//! declared field, and a search table for full text, all changed in the same transaction.

mod connect;
mod define;
mod document;
mod failure;
mod layout;
mod read;
mod readers;
mod selection;
#[cfg(test)]
mod tests;
mod write;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use self::document::Rendered;
use self::failure::Failure;
use self::layout::{Catalog, Layout};
use self::readers::{Readers, SharedConnection, lock};
use self::writer::{Request, Work, Write, Writer};
use crate::definition;
use crate::limits::{BYTES_PER_CALL_MAX, DOCUMENTS_PER_CALL_MAX};
use crate::{Collection, Condition, Document, Error, OnConflict, Page, Query, Records};

/// What errors call a database that has no file.
const IN_MEMORY: &str = ":memory:";

/// Connections that read: as many blocking threads as a small machine has use for.
const READERS: usize = 4;

/// Calls that may wait for the writer; past it callers are told to come back.
const QUEUE_CALLS_MAX: usize = 1024;

/// Ids and bodies that may wait for the writer, in KiB of JSON; a burst takes a few times that in
/// memory.
const QUEUE_KIB_MAX: usize = 64 << 10;

/// Where the embedded engine keeps its documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteConfig {
    /// The database file, created when missing in a folder that exists; `None` keeps everything in
    /// memory, gone on close.
    pub path: Option<PathBuf>,
}

impl SqliteConfig {
    /// Documents in this file, such as `portique-data/records.sqlite`.
    pub fn file(path: impl AsRef<Path>) -> Self {
        Self {
            path: Some(path.as_ref().to_owned()),
        }
    }

    /// Documents in memory only.
    pub fn in_memory() -> Self {
        Self { path: None }
    }
}

/// The embedded engine of the records port: a SQLite database.
///
/// Its methods need a tokio runtime, for blocking work.
#[derive(Debug)]
pub struct SqliteRecords {
    catalog: Arc<RwLock<Catalog>>,
    requests: mpsc::Sender<Request>,
    /// KiB of bodies that may still enter the queue.
    queue_kib: Arc<Semaphore>,
    readers: Readers,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl SqliteRecords {
    /// Opens the database, or creates it, and starts its writer thread.
    ///
    /// A write-ahead log left by a crash is replayed. Blocks on the disk.
    ///
    /// # Errors
    /// [`Error::Incompatible`] for a newer schema or another program's file, [`Error::Damaged`] for a
    /// file that is no database, [`Error::Unavailable`] when it cannot be opened.
    pub fn open(config: SqliteConfig) -> Result<Self, Error> {
        let path = config
            .path
            .clone()
            .unwrap_or_else(|| PathBuf::from(IN_MEMORY));
        Self::build(config.path.as_deref(), &path).map_err(|failure| failure.at(&path))
    }

    fn build(file: Option<&Path>, path: &Path) -> Result<Self, Failure> {
        let connection = connect::writer(file)?;
        let catalog = Arc::new(RwLock::new(layout::load(&connection)?));
        let connection: SharedConnection = Arc::new(Mutex::new(connection));
        let connections = match file {
            Some(file) => open_readers(file)?,
            None => vec![connection.clone()],
        };
        let (requests, received) = mpsc::channel(QUEUE_CALLS_MAX);
        let writer = Writer {
            path: path.to_owned(),
            connection,
            catalog: catalog.clone(),
            requests: received,
        };
        let thread = std::thread::Builder::new()
            .name("records-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| Error::Unavailable {
                path: path.to_owned(),
                source: Arc::new(error),
            })?;
        Ok(Self {
            catalog,
            requests,
            queue_kib: Arc::new(Semaphore::new(QUEUE_KIB_MAX)),
            readers: Readers::new(path, connections),
            writer: Mutex::new(Some(thread)),
        })
    }

    /// Whether it serves: one small read by a reader's connection, and a writer that takes calls. For
    /// readiness; it writes nothing.
    ///
    /// # Errors
    /// [`Error::Closed`] once it was closed or its writer has ended, [`Error::Damaged`] or
    /// [`Error::Unavailable`] when the file cannot be read.
    pub async fn check(&self) -> Result<(), Error> {
        if self.requests.is_closed() {
            return Err(Error::Closed);
        }
        self.readers.run(read::catalog_size).await.map(drop)
    }

    /// Finishes the writes that wait, moves the write-ahead log into the database and closes it.
    ///
    /// Every later call fails with [`Error::Closed`]; a later close does nothing.
    ///
    /// # Errors
    /// What the disk reported when the log was moved; acknowledged writes are in the log then, and
    /// the next open finds them.
    pub async fn close(&self) -> Result<(), Error> {
        self.readers.close().await;
        let (reply, closed) = oneshot::channel();
        if self.requests.send(Request::Close(reply)).await.is_err() {
            return Ok(());
        }
        let result = closed.await.unwrap_or(Err(Error::Closed));
        if let Some(thread) = lock(&self.writer).take() {
            // It has answered with its last words, so this does not wait.
            let _ = thread.join();
        }
        result
    }

    fn layout(&self, collection: &str) -> Result<Arc<Layout>, Error> {
        find_layout(&self.catalog, collection)
    }

    async fn write(&self, work: Work) -> Result<u64, Error> {
        let (reply, written) = oneshot::channel();
        self.requests
            .try_send(Request::Write(Write { work, reply }))
            .map_err(|refused| match refused {
                mpsc::error::TrySendError::Full(_) => Error::QueueFull,
                mpsc::error::TrySendError::Closed(_) => Error::Closed,
            })?;
        written.await.unwrap_or(Err(Error::Closed))
    }

    fn admit(&self, documents: &[Rendered]) -> Result<OwnedSemaphorePermit, Error> {
        let bytes: usize = documents.iter().map(Rendered::bytes).sum();
        if bytes > BYTES_PER_CALL_MAX {
            let unit = "bytes of documents";
            return Err(Error::TooLarge {
                found: bytes,
                limit: BYTES_PER_CALL_MAX,
                unit,
            });
        }
        let kib = u32::try_from(bytes.div_ceil(1024)).expect("the limit of a call fits");
        self.queue_kib
            .clone()
            .try_acquire_many_owned(kib)
            .map_err(|_| Error::QueueFull)
    }
}

#[async_trait]
impl Records for SqliteRecords {
    async fn define(&self, collection: Collection) -> Result<(), Error> {
        definition::check(&collection)?;
        self.write(Work::Define(collection)).await.map(drop)
    }

    /// # Cancel safety
    /// A call dropped while it waits may or may not have been written, wholly either way.
    async fn insert(
        &self,
        collection: &str,
        documents: Vec<Document>,
        on_conflict: OnConflict,
    ) -> Result<usize, Error> {
        self.layout(collection)?;
        if documents.len() > DOCUMENTS_PER_CALL_MAX {
            let (found, limit) = (documents.len(), DOCUMENTS_PER_CALL_MAX);
            return Err(Error::TooLarge {
                found,
                limit,
                unit: "documents",
            });
        }
        let documents = render(documents).await?;
        let permit = self.admit(&documents)?;
        let collection = collection.to_owned();
        let work = Work::Insert {
            collection,
            documents,
            on_conflict,
            _permit: permit,
        };
        let written = self.write(work).await?;
        Ok(usize::try_from(written).expect("no more than were sent"))
    }

    async fn find(&self, collection: &str, id: &str) -> Result<Option<Document>, Error> {
        let layout = self.layout(collection)?;
        let id = id.to_owned();
        self.readers
            .run(move |connection| read::find(connection, &layout, &id))
            .await
    }

    async fn query(&self, collection: &str, query: Query) -> Result<Page, Error> {
        let layout = self.layout(collection)?;
        self.readers
            .run(move |connection| read::page(connection, &layout, &query))
            .await
    }

    async fn count(&self, collection: &str, query: Query) -> Result<u64, Error> {
        let layout = self.layout(collection)?;
        self.readers
            .run(move |connection| read::count(connection, &layout, &query))
            .await
    }

    async fn remove(&self, collection: &str, conditions: Vec<Condition>) -> Result<u64, Error> {
        self.layout(collection)?;
        self.write(Work::Remove {
            collection: collection.to_owned(),
            conditions,
        })
        .await
    }
}

fn open_readers(file: &Path) -> Result<Vec<SharedConnection>, Failure> {
    (0..READERS)
        .map(|_| Ok(Arc::new(Mutex::new(connect::reader(file)?))))
        .collect()
}

fn find_layout(catalog: &RwLock<Catalog>, collection: &str) -> Result<Arc<Layout>, Error> {
    let catalog = catalog.read().unwrap_or_else(PoisonError::into_inner);
    catalog
        .get(collection)
        .cloned()
        .ok_or_else(|| Error::NoCollection {
            collection: definition::excerpt(collection),
        })
}

/// Checks the documents and writes their JSON, off the async threads: it may be megabytes.
async fn render(documents: Vec<Document>) -> Result<Vec<Rendered>, Error> {
    let render = move || documents.into_iter().map(Rendered::new).collect();
    tokio::task::spawn_blocking(render)
        .await
        .unwrap_or(Err(Error::Closed))
}
