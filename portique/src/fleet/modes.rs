use std::sync::Arc;

use portique_clock::Timestamp;
use portique_fleet::Mode;
use portique_records::{Collection, Document, OnConflict, Records};
use serde_json::json;

use super::Error;

const COLLECTION: &str = "fleet_modes";

/// Who decides about each pool, kept over restarts.
#[derive(Clone)]
pub(super) struct Modes(Arc<dyn Records>);

impl Modes {
    pub(super) async fn open(records: Arc<dyn Records>) -> Result<Self, Error> {
        let collection = Collection {
            name: COLLECTION.into(),
            indexes: Vec::new(),
            full_text: Vec::new(),
        };
        records.define(collection).await.map_err(Error::Records)?;
        Ok(Self(records))
    }

    /// Who decided last; the backlog when nobody ever said, or what was kept is of another version.
    pub(super) async fn find(&self, pool: &str) -> Result<Mode, Error> {
        let found = self
            .0
            .find(COLLECTION, pool)
            .await
            .map_err(Error::Records)?;
        let Some(document) = found else {
            return Ok(Mode::default());
        };
        let mode = serde_json::from_value(document.body["mode"].clone());
        Ok(mode.unwrap_or_else(|error| {
            tracing::warn!(pool, %error, "who decides about this pool cannot be read: its backlog does");
            Mode::default()
        }))
    }

    /// Durable on return.
    pub(super) async fn keep(&self, pool: &str, mode: Mode, at: Timestamp) -> Result<(), Error> {
        let document = Document {
            id: pool.to_owned(),
            body: json!({ "mode": mode, "at": at }),
        };
        let kept = self
            .0
            .insert(COLLECTION, vec![document], OnConflict::Replace);
        kept.await.map(drop).map_err(Error::Records)
    }
}
