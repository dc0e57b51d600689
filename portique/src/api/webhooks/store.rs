use std::sync::Arc;

use portique_fault::Report;
use portique_records::{
    Collection, Comparison, Condition, Document, Error, FieldKind, Index, OnConflict, Query,
    Records,
};
use serde_json::Value;

use super::definition::Webhook;
use crate::api::refusal::{Refusal, Reply};

/// Where webhooks are kept.
const COLLECTION: &str = "webhooks";
/// Most webhooks: each holds a consumer and a connection or several.
pub(super) const WEBHOOKS_MAX: usize = 100;

/// Webhooks on disk.
#[derive(Clone)]
pub(super) struct Store(Arc<dyn Records>);

impl Store {
    pub(super) fn new(records: Arc<dyn Records>) -> Self {
        Self(records)
    }

    /// Makes the collection where there is none.
    ///
    /// # Errors
    /// Those of the records.
    pub(super) async fn open(&self) -> Result<(), Error> {
        let name = Index {
            field: "name".into(),
            kind: FieldKind::Text,
        };
        let collection = Collection {
            name: COLLECTION.into(),
            indexes: vec![name],
            full_text: Vec::new(),
        };
        self.0.define(collection).await
    }

    /// Every webhook, by name.
    pub(super) async fn all(&self) -> Reply<Vec<Webhook>> {
        let query = Query {
            limit: WEBHOOKS_MAX,
            ..Query::default()
        };
        let page = self.0.query(COLLECTION, query).await.map_err(refusal)?;
        page.documents.into_iter().map(decode).collect()
    }

    pub(super) async fn find(&self, name: &str) -> Reply<Option<Webhook>> {
        let found = self.0.find(COLLECTION, name).await.map_err(refusal)?;
        found.map(decode).transpose()
    }

    pub(super) async fn put(&self, webhook: &Webhook) -> Reply<()> {
        let body = serde_json::to_value(webhook).expect("a webhook is plain values");
        let document = Document {
            id: webhook.name.clone(),
            body,
        };
        let written = self
            .0
            .insert(COLLECTION, vec![document], OnConflict::Replace)
            .await;
        written.map(drop).map_err(refusal)
    }

    pub(super) async fn remove(&self, name: &str) -> Reply<()> {
        let is_it = Condition {
            field: "name".into(),
            comparison: Comparison::Equal,
            value: Value::String(name.into()),
        };
        let removed = self.0.remove(COLLECTION, vec![is_it]).await;
        removed.map(drop).map_err(refusal)
    }
}

fn decode(document: Document) -> Reply<Webhook> {
    serde_json::from_value(document.body).map_err(|error| {
        Refusal::internal(&format!("webhook {} is kept wrongly: {error}", document.id))
    })
}

fn refusal(error: Error) -> Refusal {
    Refusal::from(Report::from(&error))
}
