//! The connections that read, each lent to one blocking task at a time.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::failure::Failure;
use crate::Error;

/// A connection that one thread at a time uses; a database in memory has only one, which reads and
/// writes.
pub(super) type SharedConnection = Arc<Mutex<Connection>>;

/// The readers of one database.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    /// One permit for each idle connection.
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<SharedConnection>>>,
    connections: u32,
}

impl Readers {
    pub(super) fn new(path: &Path, connections: Vec<SharedConnection>) -> Self {
        let count = u32::try_from(connections.len()).expect("a handful of connections");
        Self {
            path: path.to_owned(),
            permits: Arc::new(Semaphore::new(connections.len())),
            idle: Arc::new(Mutex::new(connections)),
            connections: count,
        }
    }

    /// Runs `work` on a connection of its own, off the async threads.
    ///
    /// # Cancel safety
    /// Work that has begun runs to its end; its result is dropped.
    pub(super) async fn run<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let permit = self
            .permits
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| Error::Closed)?;
        let loan = Loan::new(self.idle.clone(), permit);
        let result = tokio::task::spawn_blocking(move || work(&lock(&loan.connection))).await;
        match result {
            Ok(result) => result.map_err(|failure| failure.at(&self.path)),
            Err(panic) if panic.is_panic() => std::panic::resume_unwind(panic.into_panic()),
            Err(_) => Err(Error::Closed),
        }
    }

    /// Waits for the reads under way, refuses later ones and closes the connections.
    pub(super) async fn close(&self) {
        if let Ok(all) = self.permits.acquire_many(self.connections).await {
            self.permits.close();
            all.forget();
            lock(&self.idle).clear();
        }
    }
}

/// A connection on loan; it goes back even when the work panics.
struct Loan {
    connection: SharedConnection,
    idle: Arc<Mutex<Vec<SharedConnection>>>,
    _permit: OwnedSemaphorePermit,
}

impl Loan {
    fn new(idle: Arc<Mutex<Vec<SharedConnection>>>, permit: OwnedSemaphorePermit) -> Self {
        let connection = lock(&idle)
            .pop()
            .expect("each permit stands for an idle connection");
        Self {
            connection,
            idle,
            _permit: permit,
        }
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        lock(&self.idle).push(self.connection.clone());
    }
}

/// Locks, also after a panic: SQLite keeps its own state whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
