//! Opening connections, and the schema that all collections share.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::failure::Failure;
use crate::Error;

/// Marks the file as ours in its header: "PQRC".
const APPLICATION_ID: i32 = 0x5051_5243;

/// The schema that this code reads and writes, in the file's header.
const SCHEMA_VERSION: i32 = 1;

/// SQLite's smallest page. It takes any shorter file for a new database and writes over it.
const PAGE_BYTES_MIN: u64 = 512;

/// How long a connection waits for another process's lock: longer than any group commit, short
/// enough that a caller is told.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Prepared statements kept per connection: a handful for each of some tens of collections.
const STATEMENTS_CACHED: usize = 128;

/// Size that the write-ahead log is cut back to after a checkpoint.
const LOG_BYTES_KEPT: i64 = 64 << 20;

/// Largest file whose pages are all looked at when it is opened: about half a second of a start.
const CHECKED_BYTES_MAX: u64 = 64 << 20;

/// The catalog. A collection's own tables are `documents_N` (seq, id, body, crc, and `fP` for the
/// indexed field at position P) and, for full text, `search_N`, whose rowid is `seq`.
const SCHEMA: &str = "
    CREATE TABLE collections (
        number INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        full_text TEXT NOT NULL
    ) STRICT;
    CREATE TABLE fields (
        collection INTEGER NOT NULL REFERENCES collections (number),
        position INTEGER NOT NULL,
        field TEXT NOT NULL,
        kind TEXT NOT NULL,
        PRIMARY KEY (collection, position),
        UNIQUE (collection, field)
    ) STRICT;
";

/// The connection that writes; creates the database when there is none.
pub(super) fn writer(path: Option<&Path>) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = match path {
        Some(path) => {
            refuse_stub(path)?;
            Connection::open_with_flags(path, flags)?
        }
        None => Connection::open_in_memory_with_flags(flags)?,
    };
    configure(&connection)?;
    create_or_check(&mut connection, path.unwrap_or(Path::new(super::IN_MEMORY)))?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    // FULL syncs the log at every commit: a write that returned is on the disk.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES_KEPT, |_| Ok(()))?;
    check_pages(&connection, path)?;
    Ok(connection)
}

/// Looks for damage to the structure of a small file; a large one is checked as it is read.
fn check_pages(connection: &Connection, path: Option<&Path>) -> Result<(), Failure> {
    let bytes = path
        .and_then(|path| std::fs::metadata(path).ok())
        .map_or(0, |file| file.len());
    if !(1..=CHECKED_BYTES_MAX).contains(&bytes) {
        return Ok(());
    }
    let found = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match found {
        Ok(found) if found == "ok" => Ok(()),
        Ok(found) => Err(Failure::Damaged(found)),
        Err(error) => Err(match error.sqlite_error_code() {
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::OutOfMemory
                | ErrorCode::SystemIoFailure,
            ) => Failure::from(error),
            _ => Failure::Damaged(format!("its pages cannot be checked: {error}")),
        }),
    }
}

/// A connection that reads a database which [`writer`] has opened.
pub(super) fn reader(path: &Path) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    configure(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Refuses what is left of a cut file; an empty one may be a database whose creation was cut short.
fn refuse_stub(path: &Path) -> Result<(), Failure> {
    match std::fs::metadata(path) {
        Ok(file) if (1..PAGE_BYTES_MIN).contains(&file.len()) => Err(Failure::Damaged(format!(
            "it is cut to {} bytes",
            file.len()
        ))),
        // A path that cannot be read is SQLite's to report.
        _ => Ok(()),
    }
}

fn configure(connection: &Connection) -> Result<(), Failure> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(())
}

fn create_or_check(connection: &mut Connection, path: &Path) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let header = |pragma: &str| -> Result<i32, rusqlite::Error> {
        transaction.pragma_query_value(None, pragma, |row| row.get(0))
    };
    let (application_id, version) = (header("application_id")?, header("user_version")?);
    let tables: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let incompatible = |reason: String| Error::Incompatible {
        path: path.to_owned(),
        reason,
    };
    if tables == 0 && application_id == 0 && version == 0 {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        transaction.commit()?;
        return Ok(());
    }
    if application_id != APPLICATION_ID {
        return Err(incompatible("it is a database of another program".to_owned()).into());
    }
    if version != SCHEMA_VERSION {
        let reason = format!(
            "its schema version is {version}, this program reads {SCHEMA_VERSION}: \
             use the program that wrote it, or a newer one"
        );
        return Err(incompatible(reason).into());
    }
    Ok(())
}
