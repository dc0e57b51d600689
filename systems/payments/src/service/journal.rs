//! The journal: every posted batch as one document, found by its words, its time and its largest amount.
//!
//! What is searched for is found in two steps. [Filters](filters) name the batches that may have all words of it; those are
//! read, and their transactions are looked at one by one.

mod filters;
mod matching;
mod search;
mod verify;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use portique_records::{
    Collection, Comparison, Condition, FieldKind, Index, Order, Query, Records,
};
use serde_json::json;

pub use search::{FoundTransaction, Search, SearchPage};
pub use verify::Verified;

pub(super) use filters::{Filter, Filters};
pub(super) use matching::Wanted;
pub(super) use writer::{ENTRIES_MAX, Entry, Writer};

use super::Parts;
use super::open::blocking;
use super::shared::{Journalled, Shared};
use crate::Error;
use crate::batch::PostedBatch;

/// Batches read in one go at a start.
const PAGE_BATCHES: usize = 100;
/// After a failure.
const RETRY: Duration = Duration::from_secs(1);
/// The collection that holds it.
pub(super) const COLLECTION: &str = "payments_journal";

/// Makes the collection, or finds it.
pub(super) async fn define(records: &dyn Records) -> Result<(), Error> {
    let number = Index {
        field: "number".into(),
        kind: FieldKind::Integer,
    };
    let collection = Collection {
        name: COLLECTION.into(),
        indexes: vec![number],
        full_text: Vec::new(),
    };
    Ok(records.define(collection).await?)
}

/// The id of a batch's document: they sort by number.
pub(super) fn id(number: u64) -> String {
    format!("{number:020}")
}

/// One batch.
pub(super) async fn batch(records: &dyn Records, number: u64) -> Result<PostedBatch, Error> {
    let found = records.find(COLLECTION, &id(number)).await?;
    let place = format!("batch {number} of the journal");
    let found = found.ok_or_else(|| Error::damaged(&place, "it is not there"))?;
    PostedBatch::from_value(found.body).map_err(|error| Error::damaged(&place, error))
}

/// Reads the filters of all batches back, which is the whole journal: searches wait for it, and nothing else.
pub(super) async fn run_filters(parts: Parts, shared: Arc<Shared>) {
    while let Err(error) = read_filters(parts.records.as_ref(), &shared.filters).await {
        tracing::warn!(%error, "the journal cannot be read for searches: trying again");
        tokio::time::sleep(RETRY).await;
    }
    shared.filters_are_read();
}

async fn read_filters(records: &dyn Records, filters: &Filters) -> Result<(), Error> {
    let mut query = Query {
        limit: PAGE_BATCHES,
        ..Query::default()
    };
    loop {
        let page = records.query(COLLECTION, query.clone()).await?;
        let read = blocking(move || {
            let read = page.documents.into_iter().map(|document| {
                let place = format!("batch {} of the journal", document.id);
                // What cannot be read is found by `verify`, and keeps nothing else from being searched.
                let batch = PostedBatch::from_value(document.body);
                let warn = |error| tracing::error!(place, %error, "left out of searches");
                let batch = batch.map_err(warn).ok()?;
                Some((batch.number, Filter::of(&batch)))
            });
            Ok((read.collect::<Vec<_>>(), page.next))
        });
        let (read, next) = read.await?;
        for (number, filter) in read.into_iter().flatten() {
            filters.add(number, filter);
        }
        query.after = next;
        if query.after.is_none() {
            return Ok(());
        }
    }
}

/// What is in the journal.
pub(super) async fn position(records: &dyn Records) -> Result<Journalled, Error> {
    let last = Query {
        order: Some(Order {
            field: Some("number".into()),
            descending: true,
        }),
        limit: 1,
        ..Query::default()
    };
    let page = records.query(COLLECTION, last).await?;
    let newest = page.documents.first();
    let newest = newest.and_then(|document| document.body["number"].as_u64());
    let newest = newest.unwrap_or_default();
    // The largest number up to which none is missing lies between these; `through` is always right.
    let (mut through, mut beyond) = (0, newest + 1);
    while beyond - through > 1 {
        let middle = through + (beyond - through) / 2;
        match count_through(records, middle).await? == middle {
            true => through = middle,
            false => beyond = middle,
        }
    }
    let mut journalled = Journalled {
        through,
        ..Journalled::default()
    };
    if through > 0 {
        journalled.transactions = batch(records, through).await?.totals.all();
    }
    for number in through + 1..=newest {
        if records.find(COLLECTION, &id(number)).await?.is_some() {
            let counted = batch(records, number).await?.counted();
            journalled.ahead.insert(number, counted.all());
        }
    }
    Ok(journalled)
}

async fn count_through(records: &dyn Records, number: u64) -> Result<u64, Error> {
    let condition = Condition {
        field: "number".into(),
        comparison: Comparison::AtMost,
        value: json!(number),
    };
    let query = Query {
        conditions: vec![condition],
        limit: 1,
        ..Query::default()
    };
    Ok(records.count(COLLECTION, query).await?)
}
