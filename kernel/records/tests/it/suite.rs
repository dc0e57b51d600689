use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use portique_records::conformance::{Engine, run};
use portique_records::{Records, SqliteConfig, SqliteRecords};
use tempfile::TempDir;

struct InMemory;

#[async_trait]
impl Engine for InMemory {
    async fn start(&self) -> Arc<dyn Records> {
        Arc::new(SqliteRecords::open(SqliteConfig::in_memory()).unwrap())
    }

    async fn reopen(&self, _records: Arc<dyn Records>) -> Option<Arc<dyn Records>> {
        None
    }
}

/// A new file for each start; a reopen is of the last one.
struct InFile {
    folder: TempDir,
    started: AtomicUsize,
}

impl InFile {
    fn file(&self, number: usize) -> PathBuf {
        self.folder.path().join(format!("records-{number}.sqlite"))
    }
}

#[async_trait]
impl Engine for InFile {
    async fn start(&self) -> Arc<dyn Records> {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        Arc::new(SqliteRecords::open(SqliteConfig::file(self.file(number))).unwrap())
    }

    async fn reopen(&self, records: Arc<dyn Records>) -> Option<Arc<dyn Records>> {
        drop(records);
        let last = self.started.load(Ordering::Relaxed) - 1;
        let records = SqliteRecords::open(SqliteConfig::file(self.file(last))).unwrap();
        Some(Arc::new(records))
    }
}

#[tokio::test]
async fn a_database_in_memory_keeps_the_ports_promises() {
    run(&InMemory).await;
}

#[tokio::test]
async fn a_database_file_keeps_the_ports_promises() {
    let folder = tempfile::tempdir().unwrap();
    run(&InFile {
        folder,
        started: AtomicUsize::new(0),
    })
    .await;
}
