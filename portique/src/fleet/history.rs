//! Decisions in the records, so that "why did it scale at 03:12" is one question: a projection of the bus.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use portique_bus::{Bus, Sequence, Start};
use portique_clock::Timestamp;
use portique_event::{Data, Filter};
use portique_fleet::Decision;
use portique_records::{
    Collection, Comparison, Condition, Document, FieldKind, Index, OnConflict, Order, Query,
    Records,
};
use serde_json::{Value, json};

use super::facts::DECIDED;
use super::view::DecisionView;
use super::{Error, SUBJECTS};

const COLLECTION: &str = "fleet_decisions";
/// Decisions that are kept of all pools together; on the bus they are kept as its retention says.
const DECISIONS_MAX: u64 = 100_000;
/// Looks whether there are too many after so many more, and drops as many at a time.
const TRIM_EVERY: u64 = 1_000;
/// Events read back in one go.
const PAGE_EVENTS: usize = 1_000;

/// What was decided.
#[derive(Clone)]
pub(super) struct History {
    records: Arc<dyn Records>,
    added: Arc<AtomicU64>,
}

impl History {
    /// Takes over what was decided and is not in the records yet.
    pub(super) async fn open(records: Arc<dyn Records>, bus: Arc<dyn Bus>) -> Result<Self, Error> {
        let index = |field: &str, kind| Index {
            field: field.into(),
            kind,
        };
        let collection = Collection {
            name: COLLECTION.into(),
            indexes: vec![
                index("pool", FieldKind::Text),
                index("at_ms", FieldKind::Integer),
                index("sequence", FieldKind::Integer),
            ],
            full_text: Vec::new(),
        };
        records.define(collection).await.map_err(Error::Records)?;
        let history = Self {
            records,
            added: Arc::new(AtomicU64::new(0)),
        };
        history.catch_up(bus.as_ref()).await?;
        Ok(history)
    }

    /// The last decision about a pool.
    pub(super) async fn last(&self, pool: &str) -> Result<Option<Decision>, Error> {
        let found = self.find(vec![of_pool(pool)], "at_ms", 1).await?;
        let decision = found.first().map(|body| body["decision"].clone());
        Ok(decision.and_then(|decision| serde_json::from_value(decision).ok()))
    }

    /// Decisions about a pool, newest first.
    pub(super) async fn decisions(
        &self,
        pool: &str,
        until: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<DecisionView>, Error> {
        let mut conditions = vec![of_pool(pool)];
        conditions.extend(until.map(|until| Condition {
            field: "at_ms".into(),
            comparison: Comparison::AtMost,
            value: json!(until.as_millis()),
        }));
        let found = self.find(conditions, "at_ms", limit).await?;
        let decisions = found.into_iter().filter_map(|mut body| {
            let decision: Decision = serde_json::from_value(body["decision"].take()).ok()?;
            Some(DecisionView::of(&decision))
        });
        Ok(decisions.collect())
    }

    /// Adds decisions that are on the bus; what the records do not take now is taken over at the next start.
    pub(super) async fn add<'a>(
        &self,
        decided: impl Iterator<Item = (&'a str, Sequence, &'a Decision)>,
    ) {
        let documents: Vec<Document> = decided
            .map(|(pool, sequence, decision)| {
                document(pool, sequence, json!(decision), decision.at)
            })
            .collect();
        if let Err(error) = self.insert(documents).await {
            let problem = portique_fault::chain(&error);
            tracing::warn!(problem, "decisions about pools are on the bus only");
        }
    }

    async fn insert(&self, documents: Vec<Document>) -> Result<(), Error> {
        if documents.is_empty() {
            return Ok(());
        }
        let count = documents.len() as u64;
        let inserted = self
            .records
            .insert(COLLECTION, documents, OnConflict::Replace);
        inserted.await.map_err(Error::Records)?;
        let before = self.added.fetch_add(count, Ordering::Relaxed);
        match before / TRIM_EVERY == (before + count) / TRIM_EVERY {
            true => Ok(()),
            false => self.trim().await,
        }
    }

    /// Drops the oldest when there are too many.
    async fn trim(&self) -> Result<(), Error> {
        let count = self.records.count(COLLECTION, Query::default()).await;
        if count.map_err(Error::Records)? <= DECISIONS_MAX {
            return Ok(());
        }
        let oldest = Query {
            order: Some(Order {
                field: Some("sequence".into()),
                descending: false,
            }),
            limit: TRIM_EVERY as usize,
            ..Query::default()
        };
        let oldest = self.records.query(COLLECTION, oldest).await;
        let oldest = oldest.map_err(Error::Records)?.documents;
        let Some(last) = oldest.last() else {
            return Ok(());
        };
        let condition = Condition {
            field: "sequence".into(),
            comparison: Comparison::AtMost,
            value: last.body["sequence"].clone(),
        };
        let removed = self.records.remove(COLLECTION, vec![condition]).await;
        removed.map(drop).map_err(Error::Records)
    }

    async fn catch_up(&self, bus: &dyn Bus) -> Result<(), Error> {
        let newest = self.find(Vec::new(), "sequence", 1).await?;
        let newest = newest.first().and_then(|body| body["sequence"].as_u64());
        let filter = Filter::new(format!("{SUBJECTS}.*.{DECIDED}")).expect("names are tokens");
        let mut start = newest.map_or(Start::First, |last| Start::Sequence(Sequence(last + 1)));
        loop {
            let page = bus.read_back(&filter, start, PAGE_EVENTS).await;
            let page = page.map_err(Error::Bus)?;
            if page.events.is_empty() {
                return Ok(());
            }
            let documents = page.events.iter().filter_map(|delivered| {
                let Some(Data::Json(data)) = delivered.event.data() else {
                    return None;
                };
                let decision: Decision = serde_json::from_value(data["decision"].clone()).ok()?;
                let pool = data["pool"].as_str()?;
                Some(document(
                    pool,
                    delivered.sequence,
                    json!(decision),
                    decision.at,
                ))
            });
            self.insert(documents.collect()).await?;
            start = Start::Sequence(page.next);
        }
    }

    /// The bodies of the documents with the largest values of a field, largest first.
    async fn find(
        &self,
        conditions: Vec<Condition>,
        by: &str,
        limit: usize,
    ) -> Result<Vec<Value>, Error> {
        let query = Query {
            conditions,
            order: Some(Order {
                field: Some(by.into()),
                descending: true,
            }),
            limit,
            ..Query::default()
        };
        let page = self
            .records
            .query(COLLECTION, query)
            .await
            .map_err(Error::Records)?;
        let documents = page.documents.into_iter();
        Ok(documents.map(|document| document.body).collect())
    }
}

fn document(pool: &str, sequence: Sequence, decision: Value, at: Timestamp) -> Document {
    Document {
        // Of equal length, so that ties of time are broken by it.
        id: format!("{:020}", sequence.0),
        body: json!({
            "pool": pool,
            "at_ms": at.as_millis(),
            "sequence": sequence.0,
            "decision": decision,
        }),
    }
}

fn of_pool(pool: &str) -> Condition {
    Condition {
        field: "pool".into(),
        comparison: Comparison::Equal,
        value: json!(pool),
    }
}
