use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;

/// What the values of an indexed field are; a document whose field is another kind is refused.
///
/// A field that is missing, null, or below something that is no object is absent, whatever its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Text of at most 1024 bytes, compared by bytes.
    Text,
    /// A whole number within an i64, written without a fraction.
    Integer,
    /// A finite number, compared as an f64.
    Real,
    /// True or false.
    Boolean,
}

impl fmt::Display for FieldKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Text => "text",
            Self::Integer => "a whole number",
            Self::Real => "a finite number",
            Self::Boolean => "true or false",
        })
    }
}

/// A field that documents are filtered and sorted by. A document may lack it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Dotted path into the document, such as `actor.station`: at most 128 bytes, no part empty, no
    /// control characters.
    pub field: String,
    /// What its values are.
    pub kind: FieldKind,
}

/// A named set of documents and what can be asked of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    /// 1 to 48 of `a-z 0-9 _`, starting with a letter.
    pub name: String,
    /// At most 32.
    pub indexes: Vec<Index>,
    /// Dotted paths of the text fields that full-text search reads, at most 16.
    pub full_text: Vec<String>,
}

/// A JSON object under an id that is unique in its collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// 1 to 255 bytes.
    pub id: String,
    /// A JSON object of at most 1 MiB.
    pub body: Value,
}

/// What an insert does with an id that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// The whole call fails and nothing is written.
    Fail,
    /// The stored document stays.
    Keep,
    /// The stored document is replaced.
    Replace,
}

/// How a field is compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Equal.
    Equal,
    /// Different; a document without the field does not match.
    NotEqual,
    /// Less.
    Less,
    /// Less or equal.
    AtMost,
    /// Greater.
    Greater,
    /// Greater or equal.
    AtLeast,
}

/// One test on an indexed field.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// An indexed field of the collection.
    pub field: String,
    /// The comparison.
    pub comparison: Comparison,
    /// The value on the right.
    pub value: Value,
}

/// The order of a page; ties are broken by id in the same direction.
///
/// Documents without the field count as least: they come first, or last when descending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// An indexed field; `None` sorts by id.
    pub field: Option<String>,
    /// Largest first.
    pub descending: bool,
}

/// Where the next page begins; opaque, valid for the same query only, of which the limit may change.
///
/// It names a place in the order, so documents that come or go between pages disturb no others: each
/// that stays is seen once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// A question to a collection: all conditions hold, and the text is found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// Conditions joined by and, at most 64.
    pub conditions: Vec<Condition>,
    /// Words that must all occur in the full-text fields, whatever their case; at most 1024 bytes.
    ///
    /// Words are letters and digits; quotes and operators only separate them. Text without any word
    /// selects as if absent.
    pub text: Option<String>,
    /// The order; by id when absent.
    pub order: Option<Order>,
    /// Documents per page, 1 to 1000; a page of large documents may end earlier.
    pub limit: usize,
    /// The page after this cursor.
    pub after: Option<Cursor>,
}

/// Some documents in order, and where the next page begins; none at the end.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The documents.
    pub documents: Vec<Document>,
    /// Present when there may be more, and the only sign of it.
    pub next: Option<Cursor>,
}

/// An engine that keeps documents. Writes are durable on return.
///
/// Every method fails with [`Error::NoCollection`] for a collection that is not defined, with
/// [`Error::Closed`], [`Error::Unavailable`] or [`Error::Busy`] when the engine cannot be used, and
/// with [`Error::Damaged`] rather than return a document that is damaged. An engine need not notice
/// damage to its indexes, by which a document can be missed.
///
/// # Cancel safety
/// A write that is dropped while it waits may or may not happen, wholly either way.
#[async_trait]
pub trait Records: Send + Sync + 'static {
    /// Creates a collection, or adds indexes and full-text fields to it, for the documents that are
    /// there too; the same definition twice changes nothing, and an omitted index stays.
    ///
    /// # Errors
    /// [`Error::Definition`] for a malformed one, [`Error::KindChanged`] for an index that is there
    /// with another kind, [`Error::WrongKind`] for one that a stored document breaks.
    async fn define(&self, collection: Collection) -> Result<(), Error>;

    /// Writes all documents or none; returns how many were new or replaced.
    ///
    /// At most 100,000 documents and 32 MiB a call. An id that occurs twice in a call conflicts with
    /// itself.
    ///
    /// # Errors
    /// [`Error::Document`], [`Error::WrongKind`] and [`Error::Exists`] name the document;
    /// [`Error::TooLarge`], [`Error::QueueFull`] and [`Error::DiskFull`] a limit.
    async fn insert(
        &self,
        collection: &str,
        documents: Vec<Document>,
        on_conflict: OnConflict,
    ) -> Result<usize, Error>;

    /// The document under this id.
    async fn find(&self, collection: &str, id: &str) -> Result<Option<Document>, Error>;

    /// One page of the documents that a query selects.
    ///
    /// # Errors
    /// [`Error::NotIndexed`] for a field that is not declared, [`Error::Query`] for a value, text,
    /// limit or cursor that is refused.
    async fn query(&self, collection: &str, query: Query) -> Result<Page, Error>;

    /// How many documents a query selects, all pages together; its order, limit and cursor do not
    /// matter.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    async fn count(&self, collection: &str, query: Query) -> Result<u64, Error>;

    /// Removes the documents that all conditions select, every document when there are none; returns
    /// how many.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    async fn remove(&self, collection: &str, conditions: Vec<Condition>) -> Result<u64, Error>;
}
