//! From what SQLite reports to what a caller can act on.

use std::path::Path;
use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::{Error, Source};

/// Why work on a connection stopped, before the database's path is known.
#[derive(Debug)]
pub(super) enum Failure {
    /// SQLite reported it.
    Sqlite(rusqlite::Error),
    /// The input is refused, whatever the engine.
    Refused(Error),
    /// A stored document is not what was written.
    Damaged(String),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl Failure {
    /// The error for a caller, naming the database.
    pub(super) fn at(self, path: &Path) -> Error {
        match self {
            Self::Sqlite(error) => classify(error, path),
            Self::Refused(error) => error,
            Self::Damaged(detail) => Error::Damaged {
                path: path.to_owned(),
                detail,
                source: None,
            },
        }
    }
}

fn classify(error: rusqlite::Error, path: &Path) -> Error {
    let path = path.to_owned();
    let code = error.sqlite_error_code();
    let source: Source = Arc::new(error);
    match code {
        Some(ErrorCode::DatabaseCorrupt) => {
            let detail = "its structure is broken".to_owned();
            Error::Damaged {
                path,
                detail,
                source: Some(source),
            }
        }
        Some(ErrorCode::NotADatabase) => {
            let detail = "it is not a database".to_owned();
            Error::Damaged {
                path,
                detail,
                source: Some(source),
            }
        }
        Some(ErrorCode::DiskFull) => Error::DiskFull { path, source },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy { path, source },
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::OutOfMemory
            | ErrorCode::NoLargeFileSupport
            | ErrorCode::FileLockingProtocolFailed,
        ) => Error::Unavailable { path, source },
        _ => Error::Engine { path, source },
    }
}
