//! Checkpoints: facts as text in documents, under a head that says which documents count.
//!
//! The head is written last, so that a checkpoint is there wholly or not at all.

use portique_records::{
    Collection, Comparison, Condition, Document, FieldKind, Index, OnConflict, Records,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Error, KeptFact};

const COLLECTION: &str = "monitor_checkpoints";
/// Text of one document: as JSON, each letter of it escaped, it fits into one.
const CHUNK_BYTES_MAX: usize = 400 * 1024;
/// Documents of one call: half of what the records take at once.
const CHUNKS_PER_CALL: usize = 20;

/// What a checkpoint is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// Rising; tells its documents from those of others.
    pub(super) generation: u64,
    /// How many documents it has.
    pub(super) chunks: u64,
    /// How many facts.
    pub(super) facts: u64,
    /// The first event that is not in it.
    pub(super) next: u64,
}

/// Applies the newest checkpoint; without one, everything is still on the bus.
pub(super) async fn read<F: KeptFact>(
    records: &dyn Records,
    apply: &mut (impl FnMut(F) + Send),
) -> Result<Head, Error> {
    define::<F>(records).await?;
    let Some(document) = find::<F>(records, F::NAME).await? else {
        return Ok(Head {
            next: 1,
            ..Head::default()
        });
    };
    let head: Head = serde_json::from_value(document.body)
        .map_err(|error| damaged::<F>(&document.id, &error.to_string()))?;
    let mut text = String::new();
    for chunk in 0..head.chunks {
        let id = chunk_id::<F>(head.generation, chunk);
        let document = find::<F>(records, &id).await?;
        let part = document.as_ref().and_then(|d| d.body["text"].as_str());
        text += part.ok_or_else(|| damaged::<F>(&id, "the document is not there"))?;
    }
    let mut facts = 0;
    for (number, line) in text.lines().enumerate() {
        let fact = F::decode(line.as_bytes());
        apply(fact.map_err(|problem| damaged::<F>(&format!("fact {number}"), &problem))?);
        facts += 1;
    }
    if facts != head.facts {
        let problem = format!("it has {facts} facts, not {}", head.facts);
        return Err(damaged::<F>(F::NAME, &problem));
    }
    Ok(head)
}

/// Writes a checkpoint of these facts, then lets the one before go.
pub(super) async fn write<F: KeptFact>(
    records: &dyn Records,
    head: Head,
    facts: Vec<F>,
) -> Result<(), Error> {
    let generation = head.generation;
    // Thousands of facts take a while.
    let chunks = tokio::task::spawn_blocking(move || chunks(&facts)).await;
    let chunks = chunks.map_err(|error| damaged::<F>(F::NAME, &error.to_string()))?;
    let head = Head {
        chunks: chunks.len() as u64,
        ..head
    };
    let mut documents = (0..).zip(chunks).map(|(number, text)| Document {
        id: chunk_id::<F>(generation, number),
        body: json!({"name": F::NAME, "generation": generation, "text": text}),
    });
    loop {
        let batch: Vec<Document> = documents.by_ref().take(CHUNKS_PER_CALL).collect();
        if batch.is_empty() {
            break;
        }
        insert::<F>(records, batch).await?;
    }
    let body = serde_json::to_value(head).expect("numbers are JSON");
    let id = F::NAME.to_owned();
    insert::<F>(records, vec![Document { id, body }]).await?;
    let condition = |field: &str, comparison, value| Condition {
        field: field.into(),
        comparison,
        value,
    };
    let older = vec![
        condition("name", Comparison::Equal, json!(F::NAME)),
        condition("generation", Comparison::NotEqual, json!(generation)),
    ];
    let removed = records.remove(COLLECTION, older).await;
    removed.map(drop).map_err(records_error::<F>)
}

async fn define<F: KeptFact>(records: &dyn Records) -> Result<(), Error> {
    let index = |field: &str, kind| Index {
        field: field.into(),
        kind,
    };
    let collection = Collection {
        name: COLLECTION.into(),
        indexes: vec![
            index("name", FieldKind::Text),
            index("generation", FieldKind::Integer),
        ],
        full_text: Vec::new(),
    };
    let defined = records.define(collection).await;
    defined.map_err(records_error::<F>)
}

async fn find<F: KeptFact>(records: &dyn Records, id: &str) -> Result<Option<Document>, Error> {
    let found = records.find(COLLECTION, id).await;
    found.map_err(records_error::<F>)
}

async fn insert<F: KeptFact>(records: &dyn Records, documents: Vec<Document>) -> Result<(), Error> {
    let inserted = records.insert(COLLECTION, documents, OnConflict::Replace);
    inserted.await.map(drop).map_err(records_error::<F>)
}

/// The facts as lines, cut anywhere between letters.
fn chunks<F: KeptFact>(facts: &[F]) -> Vec<String> {
    let mut chunks = Vec::new();
    let mut rest = String::new();
    for fact in facts {
        rest += &String::from_utf8_lossy(&fact.encode());
        rest.push('\n');
        while rest.len() > CHUNK_BYTES_MAX {
            let tail = rest.split_off(rest.floor_char_boundary(CHUNK_BYTES_MAX));
            chunks.push(std::mem::replace(&mut rest, tail));
        }
    }
    if !rest.is_empty() {
        chunks.push(rest);
    }
    chunks
}

fn chunk_id<F: KeptFact>(generation: u64, number: u64) -> String {
    format!("{}/{generation}/{number}", F::NAME)
}

fn records_error<F: KeptFact>(source: portique_records::Error) -> Error {
    let name = F::NAME;
    Error::Records { name, source }
}

fn damaged<F: KeptFact>(place: &str, problem: &str) -> Error {
    Error::Damaged {
        name: F::NAME,
        place: format!("checkpoint, {place}"),
        problem: problem.to_owned(),
    }
}
