use std::sync::Arc;
use std::time::Duration;

use portique_bus::{Bus, Delivered, Sequence, Start};
use portique_clock::Timestamp;
use portique_event::EventId;
use portique_records::{
    Collection, Comparison, Condition, Cursor, Document, FieldKind, Index, OnConflict, Order,
    Query, Records,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::commit;
use super::live::Shared;
use crate::Error;
use crate::mission::{Actor, Entry};
use crate::{ModuleId, RocketId};

/// The collection that holds the mission log.
const COLLECTION: &str = "launch_log";
/// Lines on one page at most.
const PAGE_LINES_MAX: usize = 1_000;
/// How long the projection waits before it tries again after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// Who is behind a line of the mission log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A person: the actor says who.
    Manual,
    /// A machine: the actor says which.
    Automatic,
}

/// A line of the mission log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LogEntry {
    /// Its place on the bus: rising, unique.
    pub sequence: u64,
    /// The event's id.
    pub id: String,
    /// When, on the wall.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// When, in seconds from T-0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub t_s: Option<f64>,
    /// Of which rocket.
    pub rocket: RocketId,
    /// By whom: a station, a module, `count`, `ground`, `reflex`, `hub`.
    pub actor: Actor,
    /// Whether a person wanted it, or it happened by itself.
    pub source: Source,
    /// What kind, such as `vote_cast` or `max_q`.
    pub kind: String,
    /// About which module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<ModuleId>,
    /// In a sentence.
    pub text: String,
    /// The fact itself with the values behind it.
    #[schema(value_type = Object)]
    pub fact: Value,
}

impl LogEntry {
    pub(crate) fn new(entry: &Entry, id: &EventId, sequence: Sequence, at: Timestamp) -> Self {
        Self {
            sequence: sequence.0,
            id: id.to_string(),
            at,
            t_s: entry.t_s,
            rocket: entry.rocket.clone(),
            actor: entry.actor.clone(),
            source: if entry.is_manual() {
                Source::Manual
            } else {
                Source::Automatic
            },
            kind: entry.fact.kind().into(),
            module: entry.fact.module().cloned(),
            text: entry.fact.describe(),
            fact: serde_json::to_value(&entry.fact).expect("facts have text keys"),
        }
    }

    fn from_delivered(delivered: &Delivered) -> Result<Self, Error> {
        let entry = commit::from_event(&delivered.event)?;
        let at = delivered.event.time().unwrap_or(delivered.accepted);
        Ok(Self::new(
            &entry,
            delivered.event.id(),
            delivered.sequence,
            at,
        ))
    }
}

/// Which lines of the mission log.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// Of this rocket.
    pub rocket: Option<RocketId>,
    /// By this actor.
    pub actor: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// About this module.
    pub module: Option<ModuleId>,
    /// With all of these words.
    pub text: Option<String>,
    /// At or after this time (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Timestamp>,
    /// Before this time (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Timestamp>,
    /// After this cursor: the `next` of the page before.
    pub after: Option<String>,
    /// Lines, 1 to 1000; 200 when absent.
    pub limit: Option<usize>,
}

/// Some lines in order, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LogPage {
    /// The lines.
    pub entries: Vec<LogEntry>,
    /// Where the next page begins; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

pub(crate) async fn define(records: &dyn Records) -> Result<(), Error> {
    let index = |field: &str, kind| Index {
        field: field.into(),
        kind,
    };
    let collection = Collection {
        name: COLLECTION.into(),
        indexes: vec![
            index("sequence", FieldKind::Integer),
            index("rocket", FieldKind::Text),
            index("actor", FieldKind::Text),
            index("kind", FieldKind::Text),
            index("module", FieldKind::Text),
            index("at_ns", FieldKind::Integer),
        ],
        full_text: vec!["text".into()],
    };
    records.define(collection).await.map_err(Error::Records)
}

/// One page of the log.
pub(crate) async fn page(records: &dyn Records, query: &LogQuery) -> Result<LogPage, Error> {
    let limit = query.limit.unwrap_or(200);
    if !(1..=PAGE_LINES_MAX).contains(&limit) {
        let problem = format!("{limit} is outside 1 to {PAGE_LINES_MAX}");
        return Err(Error::Input {
            what: "limit",
            problem,
        });
    }
    let query = Query {
        conditions: conditions(query),
        text: query.text.clone().filter(|text| !text.trim().is_empty()),
        order: Some(Order {
            field: Some("sequence".into()),
            descending: false,
        }),
        limit,
        after: query.after.clone().map(Cursor),
    };
    let page = records
        .query(COLLECTION, query)
        .await
        .map_err(Error::Records)?;
    let entries = page.documents.into_iter().map(|document| {
        serde_json::from_value(document.body).map_err(|source| Error::Damaged {
            id: document.id,
            source,
        })
    });
    let entries = entries.collect::<Result<_, _>>()?;
    Ok(LogPage {
        entries,
        next: page.next.map(|cursor| cursor.0),
    })
}

fn conditions(query: &LogQuery) -> Vec<Condition> {
    let text = |field: &str, value: &str| Condition {
        field: field.into(),
        comparison: Comparison::Equal,
        value: value.into(),
    };
    let time = |comparison, value: Timestamp| Condition {
        field: "at_ns".into(),
        comparison,
        value: value.as_nanos().into(),
    };
    [
        query
            .rocket
            .as_ref()
            .map(|rocket| text("rocket", rocket.as_str())),
        query.actor.as_ref().map(|actor| text("actor", actor)),
        query.kind.as_ref().map(|kind| text("kind", kind)),
        query
            .module
            .as_ref()
            .map(|module| text("module", module.as_str())),
        query.from.map(|from| time(Comparison::AtLeast, from)),
        query.to.map(|to| time(Comparison::Less, to)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Copies facts from the bus into the log for ever. Its position is the last line it wrote, so that
/// a line is there once, and a log that was deleted is written again.
pub(crate) async fn run(bus: Arc<dyn Bus>, records: Arc<dyn Records>, shared: Arc<Shared>) {
    loop {
        if let Err(error) = follow(bus.as_ref(), records.as_ref(), &shared).await {
            let error = portique_fault::chain(&error);
            tracing::error!(error, "the mission log cannot be written; trying again");
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn follow(bus: &dyn Bus, records: &dyn Records, shared: &Shared) -> Result<(), Error> {
    let mut next = commit::after(last_line(records).await?);
    let filter = commit::filter();
    loop {
        let start = Start::Sequence(next);
        let page = bus
            .read_back(&filter, start, commit::PAGE_EVENTS)
            .await
            .map_err(Error::Bus)?;
        if page.events.is_empty() {
            shared.set_projected(Sequence(page.next.0.saturating_sub(1)));
            bus.wait(page.next).await.map_err(Error::Bus)?;
            next = page.next;
            continue;
        }
        let documents = page
            .events
            .iter()
            .map(to_document)
            .collect::<Result<Vec<_>, _>>()?;
        records
            .insert(COLLECTION, documents, OnConflict::Keep)
            .await
            .map_err(Error::Records)?;
        next = page.next;
        shared.set_projected(Sequence(next.0.saturating_sub(1)));
    }
}

async fn last_line(records: &dyn Records) -> Result<Sequence, Error> {
    let query = Query {
        order: Some(Order {
            field: Some("sequence".into()),
            descending: true,
        }),
        limit: 1,
        ..Query::default()
    };
    let page = records
        .query(COLLECTION, query)
        .await
        .map_err(Error::Records)?;
    let last = page
        .documents
        .first()
        .and_then(|document| document.body["sequence"].as_u64());
    Ok(Sequence(last.unwrap_or(0)))
}

fn to_document(delivered: &Delivered) -> Result<Document, Error> {
    let line = LogEntry::from_delivered(delivered)?;
    let id = line.id.clone();
    let at_ns = line.at.as_nanos();
    let mut body = serde_json::to_value(line).expect("log lines have text keys");
    body["at_ns"] = json!(at_ns);
    Ok(Document { id, body })
}
