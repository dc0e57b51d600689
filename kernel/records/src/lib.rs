//! The records port: collections of JSON documents with declared indexes, filters, sorting, pages
//! and full-text search; and the embedded engine, SQLite.
//!
//! A system [defines](Records::define) its collections at start; what a document can be filtered or
//! sorted by is declared there, so that no engine ever scans by surprise. What every engine must do is
//! the `conformance` suite, under the feature of that name.

mod cursor;
mod definition;
mod error;
mod limits;
mod port;
mod scalar;
mod sqlite;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use error::{Error, Source};
pub use port::{
    Collection, Comparison, Condition, Cursor, Document, FieldKind, Index, OnConflict, Order, Page,
    Query, Records,
};
pub use sqlite::{SqliteConfig, SqliteRecords};
