//! What every engine of the records port must do, as a suite over any engine.
//!
//! An engine's crate implements [`Engine`] and calls [`run`] in a test; a broken promise panics with
//! what was expected. Each case starts with an empty engine.

mod definitions;
mod inserts;
mod lasting;
mod pages;
mod queries;
mod text;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    Collection, Comparison, Condition, Cursor, Document, Error, FieldKind, Index, OnConflict,
    Order, Query, Records,
};

/// How the suite starts an engine.
#[async_trait]
pub trait Engine: Send + Sync {
    /// A new engine that holds nothing.
    async fn start(&self) -> Arc<dyn Records>;

    /// Ends an engine that [`start`](Self::start) gave and opens what it kept; `None` when it keeps
    /// nothing by design.
    async fn reopen(&self, records: Arc<dyn Records>) -> Option<Arc<dyn Records>>;
}

/// Runs every case.
///
/// # Panics
/// When the engine breaks a promise of the port.
pub async fn run(engine: &dyn Engine) {
    definitions::run(engine).await;
    inserts::run(engine).await;
    queries::run(engine).await;
    pages::run(engine).await;
    text::run(engine).await;
    lasting::run(engine).await;
}

/// Every document that a query selects, read page by page.
///
/// # Errors
/// What the engine reports for any of the pages.
///
/// # Panics
/// When a page is over its limit, or an empty page promises more.
pub async fn read_all(
    records: &dyn Records,
    collection: &str,
    query: &Query,
) -> Result<Vec<Document>, Error> {
    let mut query = query.clone();
    let mut documents = Vec::new();
    loop {
        let page = records.query(collection, query.clone()).await?;
        assert!(page.documents.len() <= query.limit, "a page over its limit");
        assert!(
            page.next.is_none() || !page.documents.is_empty(),
            "an empty page promises more"
        );
        documents.extend(page.documents);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(documents),
        }
    }
}

/// The collection that most cases use: one field of each kind, one of them nested, and two of text.
fn log() -> Collection {
    let index = |field: &str, kind| Index {
        field: field.to_owned(),
        kind,
    };
    Collection {
        name: "mission_log".to_owned(),
        indexes: vec![
            index("kind", FieldKind::Text),
            index("sequence", FieldKind::Integer),
            index("vehicle.altitude_m", FieldKind::Real),
            index("critical", FieldKind::Boolean),
        ],
        full_text: vec!["message".to_owned(), "vehicle.note".to_owned()],
    }
}

const LOG: &str = "mission_log";

/// An empty engine with the collection [`log`].
async fn start(engine: &dyn Engine) -> Arc<dyn Records> {
    let records = engine.start().await;
    records
        .define(log())
        .await
        .expect("a valid definition is accepted");
    records
}

async fn insert(records: &dyn Records, documents: impl IntoIterator<Item = (&str, Value)>) {
    let documents = documents
        .into_iter()
        .map(|(id, body)| document(id, body))
        .collect();
    records
        .insert(LOG, documents, OnConflict::Fail)
        .await
        .expect("valid documents are accepted");
}

fn document(id: &str, body: Value) -> Document {
    Document {
        id: id.to_owned(),
        body,
    }
}

fn condition(field: &str, comparison: Comparison, value: impl Into<Value>) -> Condition {
    Condition {
        field: field.to_owned(),
        comparison,
        value: value.into(),
    }
}

fn by(field: Option<&str>, descending: bool) -> Option<Order> {
    Some(Order {
        field: field.map(str::to_owned),
        descending,
    })
}

fn everything() -> Query {
    Query {
        limit: 1000,
        ..Query::default()
    }
}

/// The ids of the one page that holds all that a query selects.
async fn ids(records: &dyn Records, query: Query) -> Vec<String> {
    let page = records
        .query(LOG, query)
        .await
        .expect("a valid query is answered");
    assert_eq!(page.next, None, "all fit on one page");
    page.documents
        .into_iter()
        .map(|document| document.id)
        .collect()
}

async fn refusal(records: &dyn Records, query: Query) -> Error {
    records
        .query(LOG, query)
        .await
        .expect_err("the query is refused")
}

fn after(cursor: &str) -> Query {
    Query {
        after: Some(Cursor(cursor.to_owned())),
        ..everything()
    }
}
