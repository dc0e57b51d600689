//! Checkpoints: accounts and what is set aside, in documents under a head that is written last.

use portique_bus::Sequence;
use portique_records::{
    Collection, Comparison, Condition, Document, FieldKind, Index, OnConflict, Records,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::shared::Tally;
use crate::batch::Head;
use crate::{Account, Error, Hold, Text};

const COLLECTION: &str = "payments_ledger";
const HEAD: &str = "head";
/// Accounts or holds of one document: with the longest of names it stays below a document's limit.
const PART_MAX: usize = 1_000;
/// Documents of one call: below what a call takes.
const PARTS_PER_CALL: usize = 30;

/// Everything that is not remembered from facts.
#[derive(Debug)]
pub(super) struct Checkpoint {
    pub(super) generation: u64,
    /// The first event that is not in it.
    pub(super) next: u64,
    /// The first event that is needed to remember; 0 when there is no checkpoint yet.
    pub(super) floor: u64,
    pub(super) head: Head,
    pub(super) tally: Tally,
    pub(super) accounts: Vec<Account>,
    pub(super) holds: Vec<(Text, Hold)>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    generation: u64,
    next: u64,
    floor: u64,
    head: Head,
    accepted: u64,
    accepted_next: u64,
    account_parts: usize,
    hold_parts: usize,
}

pub(super) async fn read(records: &dyn Records) -> Result<Checkpoint, Error> {
    let generation = Index {
        field: "generation".into(),
        kind: FieldKind::Integer,
    };
    let collection = Collection {
        name: COLLECTION.into(),
        indexes: vec![generation],
        full_text: Vec::new(),
    };
    records.define(collection).await?;
    let Some(head) = records.find(COLLECTION, HEAD).await? else {
        return Ok(Checkpoint {
            generation: 0,
            next: 1,
            floor: 0,
            head: Head::default(),
            tally: Tally {
                next: Sequence(1),
                transactions: 0,
            },
            accounts: Vec::new(),
            holds: Vec::new(),
        });
    };
    let written: Written = parse(HEAD, head.body)?;
    let (mut accounts, mut holds) = (Vec::new(), Vec::new());
    for number in 0..written.account_parts {
        let id = part_id(written.generation, "accounts", number);
        accounts.append(&mut parse::<Vec<Account>>(&id, part(records, &id).await?)?);
    }
    for number in 0..written.hold_parts {
        let id = part_id(written.generation, "holds", number);
        holds.append(&mut parse::<Vec<(Text, Hold)>>(
            &id,
            part(records, &id).await?,
        )?);
    }
    Ok(Checkpoint {
        generation: written.generation,
        next: written.next,
        floor: written.floor,
        head: written.head,
        tally: Tally {
            next: Sequence(written.accepted_next),
            transactions: written.accepted,
        },
        accounts,
        holds,
    })
}

/// Writes a checkpoint, then lets the one before go.
pub(super) async fn write(records: &dyn Records, checkpoint: Checkpoint) -> Result<(), Error> {
    let Checkpoint {
        generation,
        next,
        floor,
        head,
        tally,
        accounts,
        holds,
    } = checkpoint;
    let (account_parts, hold_parts) = (
        accounts.len().div_ceil(PART_MAX),
        holds.len().div_ceil(PART_MAX),
    );
    for (kind, number, items) in accounts
        .chunks(PART_MAX * PARTS_PER_CALL)
        .enumerate()
        .map(|(number, items)| ("accounts", number, values(items)))
        .chain(
            (holds.chunks(PART_MAX * PARTS_PER_CALL).enumerate())
                .map(|(number, items)| ("holds", number, values(items))),
        )
    {
        let parts = items.chunks(PART_MAX).enumerate().map(|(place, items)| {
            let id = part_id(generation, kind, number * PARTS_PER_CALL + place);
            let body = json!({"generation": generation, "items": items});
            Document { id, body }
        });
        let parts = parts.collect();
        records
            .insert(COLLECTION, parts, OnConflict::Replace)
            .await?;
    }
    let written = Written {
        generation,
        next,
        floor,
        head,
        accepted: tally.transactions,
        accepted_next: tally.next.0,
        account_parts,
        hold_parts,
    };
    let head = Document {
        id: HEAD.into(),
        body: serde_json::to_value(written).expect("texts and numbers are JSON"),
    };
    records
        .insert(COLLECTION, vec![head], OnConflict::Replace)
        .await?;
    let older = Condition {
        field: "generation".into(),
        comparison: Comparison::NotEqual,
        value: json!(generation),
    };
    records.remove(COLLECTION, vec![older]).await?;
    Ok(())
}

fn values<T: Serialize>(items: &[T]) -> Vec<Value> {
    let value = |item| serde_json::to_value(item).expect("texts and numbers are JSON");
    items.iter().map(value).collect()
}

fn part_id(generation: u64, kind: &str, number: usize) -> String {
    format!("{generation}/{kind}/{number}")
}

async fn part(records: &dyn Records, id: &str) -> Result<Value, Error> {
    let found = records.find(COLLECTION, id).await?;
    let items = found.and_then(|mut document| document.body.get_mut("items").map(Value::take));
    items.ok_or_else(|| Error::damaged(place(id), "it is not there"))
}

fn parse<T: serde::de::DeserializeOwned>(id: &str, value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| Error::damaged(place(id), error))
}

fn place(id: &str) -> String {
    format!("document {id} of the ledger's checkpoint")
}
