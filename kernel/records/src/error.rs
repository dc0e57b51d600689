use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portique_fault::{Code, Fault, Retry};

use crate::FieldKind;

/// When a full queue or a busy database is worth another try: a few group commits on a slow disk.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// What an engine's own library reported; shared, because one failed commit fails several calls.
pub type Source = Arc<dyn std::error::Error + Send + Sync + 'static>;

/// Why a records operation failed; unless the variant says otherwise nothing was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A collection's definition is malformed or over a limit.
    #[error("collection `{collection}` cannot be defined: {reason}")]
    Definition {
        /// The name as given.
        collection: String,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// A field is defined already with another kind.
    #[error("field `{field}` of collection `{collection}` is {defined}, not {requested}")]
    KindChanged {
        /// The collection.
        collection: String,
        /// The dotted path.
        field: String,
        /// The kind on record.
        defined: FieldKind,
        /// The kind asked for.
        requested: FieldKind,
    },
    /// No collection has this name.
    #[error("no collection `{collection}` is defined")]
    NoCollection {
        /// The name as given.
        collection: String,
    },
    /// A document's id or body is malformed or over a limit.
    #[error("document `{id}` is refused: {reason}")]
    Document {
        /// The document's id, cut when over-long.
        id: String,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// A document's declared field holds a value of another kind.
    #[error("document `{id}`: field `{field}` must be {expected}, found {found}")]
    WrongKind {
        /// The document's id.
        id: String,
        /// The dotted path.
        field: String,
        /// What the field is declared as.
        expected: FieldKind,
        /// What is there.
        found: String,
    },
    /// An id is there already, or twice in one call, and the call said to fail.
    #[error("collection `{collection}` already holds a document `{id}`")]
    Exists {
        /// The collection.
        collection: String,
        /// The id.
        id: String,
    },
    /// A condition or order names a field that is not declared.
    #[error("field `{field}` of collection `{collection}` is not indexed; indexed are: {declared}")]
    NotIndexed {
        /// The collection.
        collection: String,
        /// The field as given.
        field: String,
        /// The declared fields, separated by commas, or `none`.
        declared: String,
    },
    /// A query's value, text, limit or cursor is refused.
    #[error("the query is refused: {reason}")]
    Query {
        /// What is wrong and what would be right.
        reason: String,
    },
    /// One call brings more than a call may.
    #[error("{found} {unit} in one call is over the limit of {limit}: split the call")]
    TooLarge {
        /// How many.
        found: usize,
        /// The most that is taken.
        limit: usize,
        /// Of what.
        unit: &'static str,
    },
    /// Too much waits to be written.
    #[error("the records write queue is full")]
    QueueFull,
    /// The disk has no room left.
    #[error("no room on the disk of {}", path.display())]
    DiskFull {
        /// The database.
        path: PathBuf,
        /// What the engine reported.
        #[source]
        source: Source,
    },
    /// Stored data is damaged.
    #[error("records are damaged in {}: {detail}", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// Where in it, as far as is known.
        detail: String,
        /// What the engine reported, if it was the one to notice.
        #[source]
        source: Option<Source>,
    },
    /// The file is of a newer schema, or of another program.
    #[error("{} cannot be used: {reason}", path.display())]
    Incompatible {
        /// The database.
        path: PathBuf,
        /// What was found and what is supported.
        reason: String,
    },
    /// Another connection holds the database longer than is waited for.
    #[error("{} is busy: another process is using it", path.display())]
    Busy {
        /// The database.
        path: PathBuf,
        /// What the engine reported.
        #[source]
        source: Source,
    },
    /// The engine cannot be reached, or its disk fails; a write may or may not have been kept.
    #[error("records are unavailable in {}", path.display())]
    Unavailable {
        /// The database.
        path: PathBuf,
        /// What the engine reported.
        #[source]
        source: Source,
    },
    /// The engine is closed, or its writer is gone.
    #[error("records are closed")]
    Closed,
    /// The engine refused what should have been checked before: a bug.
    #[error("records engine failure in {}", path.display())]
    Engine {
        /// The database.
        path: PathBuf,
        /// What the engine reported.
        #[source]
        source: Source,
    },
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::Definition { .. }
            | Self::Document { .. }
            | Self::WrongKind { .. }
            | Self::NotIndexed { .. }
            | Self::Query { .. }
            | Self::TooLarge { .. } => Code::InvalidArgument,
            Self::NoCollection { .. } => Code::NotFound,
            Self::KindChanged { .. } | Self::Exists { .. } => Code::Conflict,
            Self::QueueFull | Self::DiskFull { .. } => Code::ResourceExhausted,
            Self::Damaged { .. } => Code::DataLoss,
            Self::Incompatible { .. } => Code::FailedPrecondition,
            Self::Busy { .. } | Self::Unavailable { .. } | Self::Closed => Code::Unavailable,
            Self::Engine { .. } => Code::Internal,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::QueueFull | Self::Busy { .. } => Retry::After(RETRY_AFTER),
            _ => Retry::No,
        }
    }
}
