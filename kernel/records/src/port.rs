use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;

/// What the values of an indexed field are; a document whose field is another kind is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Text, compared by bytes.
    Text,
    /// A whole number within an i64.
    Integer,
    /// A finite number.
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
    /// Dotted path into the document, such as `actor.station`.
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
    /// Dotted paths of the text fields that full-text search reads.
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// An indexed field; `None` sorts by id.
    pub field: Option<String>,
    /// Largest first.
    pub descending: bool,
}

/// Where the next page begins; opaque, valid for the same query only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// A question to a collection: all conditions hold, and the text is found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// Conditions joined by and.
    pub conditions: Vec<Condition>,
    /// Words that must all occur in the full-text fields; quotes and operators are plain text.
    pub text: Option<String>,
    /// The order; by id when absent.
    pub order: Option<Order>,
    /// Documents per page, 1 to 1000.
    pub limit: usize,
    /// The page after this cursor.
    pub after: Option<Cursor>,
}

/// Some documents in order, and where the next page begins; none at the end.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The documents.
    pub documents: Vec<Document>,
    /// Present when there may be more.
    pub next: Option<Cursor>,
}

/// An engine that keeps documents. Writes are durable on return.
#[async_trait]
pub trait Records: Send + Sync + 'static {
    /// Creates a collection, or adds indexes to it; the same definition twice changes nothing.
    async fn define(&self, collection: Collection) -> Result<(), Error>;

    /// Writes all documents or none; returns how many were new or replaced.
    async fn insert(
        &self,
        collection: &str,
        documents: Vec<Document>,
        on_conflict: OnConflict,
    ) -> Result<usize, Error>;

    /// The document under this id.
    async fn find(&self, collection: &str, id: &str) -> Result<Option<Document>, Error>;

    /// One page of the documents that a query selects.
    async fn query(&self, collection: &str, query: Query) -> Result<Page, Error>;

    /// How many documents a query selects, all pages together.
    async fn count(&self, collection: &str, query: Query) -> Result<u64, Error>;

    /// Removes the documents that all conditions select; returns how many.
    async fn remove(&self, collection: &str, conditions: Vec<Condition>) -> Result<u64, Error>;
}
