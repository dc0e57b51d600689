use std::path::{Path, PathBuf};

use async_trait::async_trait;

use crate::{Collection, Condition, Document, Error, OnConflict, Page, Query, Records};

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
        Self { path: Some(path.as_ref().to_owned()) }
    }

    /// Documents in memory only.
    pub fn in_memory() -> Self {
        Self { path: None }
    }
}

/// The embedded engine: one SQLite database.
#[derive(Debug)]
pub struct SqliteRecords {}

impl SqliteRecords {
    /// Opens or creates the database.
    pub fn open(_config: SqliteConfig) -> Result<Self, Error> {
        Ok(Self {})
    }

    /// Finishes the writes that wait, moves the write-ahead log into the database and closes it.
    pub async fn close(&self) -> Result<(), Error> {
        Ok(())
    }
}

#[async_trait]
impl Records for SqliteRecords {
    async fn define(&self, _collection: Collection) -> Result<(), Error> {
        Err(Error::Closed)
    }

    async fn insert(
        &self,
        _collection: &str,
        _documents: Vec<Document>,
        _on_conflict: OnConflict,
    ) -> Result<usize, Error> {
        Err(Error::Closed)
    }

    async fn find(&self, _collection: &str, _id: &str) -> Result<Option<Document>, Error> {
        Err(Error::Closed)
    }

    async fn query(&self, _collection: &str, _query: Query) -> Result<Page, Error> {
        Err(Error::Closed)
    }

    async fn count(&self, _collection: &str, _query: Query) -> Result<u64, Error> {
        Err(Error::Closed)
    }

    async fn remove(&self, _collection: &str, _conditions: Vec<Condition>) -> Result<u64, Error> {
        Err(Error::Closed)
    }
}
