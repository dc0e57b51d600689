//! What payments tell on the bus, under `payments.`.

use portique_bus::Sequence;
use portique_clock::Timestamp;
use portique_event::{Data, Event, Filter, Subject};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::batch::PostedBatch;
use crate::{AccountChange, Error, Refused};

/// The subjects of all facts.
pub(super) const FILTER: &str = "payments.>";
/// What was taken in.
pub(super) const ACCEPTED: &str = "payments.accepted";
/// Where others ask for transactions.
pub(super) const REQUESTED: &str = "payments.requested";
const POSTED: &str = "payments.posted";
const ACCOUNTS: &str = "payments.accounts";
const REFUSED: &str = "payments.refused";
const SOURCE: &str = "/payments";
/// Refused lines of one event, and letters of each: together a part of what an event carries.
const REFUSED_TOLD: usize = 500;
const REASON_LETTERS_MAX: usize = 300;

/// Something that happened, as it is read back.
pub(super) enum Fact {
    Posted(Box<PostedBatch>),
    Accounts(Vec<AccountChange>),
    Accepted(u64),
    /// Told to others; nothing follows from it.
    Other,
}

#[derive(Serialize, Deserialize)]
struct Changes {
    changes: Vec<AccountChange>,
}

pub(super) fn filter(text: &str) -> Filter {
    Filter::new(text).expect("a constant that is a filter")
}

/// What became of a batch; there is one event of each number.
pub(super) fn posted(batch: &PostedBatch) -> Event {
    let value = serde_json::to_value(batch).expect("texts and numbers are JSON");
    let at = Timestamp::from_nanos(batch.at_ns);
    event(format!("posted-{}", batch.number), POSTED, Some(at), value)
}

/// How accounts changed, as the `number`-th event of this kind after a batch.
pub(super) fn accounts(changes: Vec<AccountChange>, at: Timestamp) -> Event {
    let value = serde_json::to_value(Changes { changes }).expect("texts and numbers are JSON");
    event(
        format!("accounts-{}", at.as_nanos()),
        ACCOUNTS,
        Some(at),
        value,
    )
}

/// How many transactions were taken in; the same request has the same `id`.
pub(super) fn accepted(id: &str, transactions: usize) -> Event {
    let value = json!({"transactions": transactions});
    event(format!("accepted-{id}"), ACCEPTED, None, value)
}

/// What of an event that asks for transactions was refused: its first lines, each cut to what people read.
pub(super) fn refused(request: Sequence, of: &str, refused: &[Refused]) -> Event {
    let lines = refused.iter().take(REFUSED_TOLD).map(|refused| Refused {
        reason: refused.reason.chars().take(REASON_LETTERS_MAX).collect(),
        ..refused.clone()
    });
    let lines: Vec<Refused> = lines.collect();
    let value = json!({"request": of, "refused": lines});
    event(format!("refused-{request}"), REFUSED, None, value)
}

fn event(id: String, subject: &str, at: Option<Timestamp>, value: Value) -> Event {
    let kind = format!("portique.{subject}");
    let subject = Subject::new(subject).expect("a constant that is a subject");
    let builder = Event::builder(id, SOURCE.to_owned(), kind, subject).json(value);
    let builder = match at {
        Some(at) => builder.time(at),
        None => builder,
    };
    builder
        .build()
        .expect("batches are cut to what an event carries")
}

/// Reads a fact back.
///
/// # Errors
/// [`Error::Damaged`].
pub(super) fn read(event: Event) -> Result<Fact, Error> {
    let damaged = |problem: &dyn std::fmt::Display, event: &str| {
        Error::damaged(format!("event {event} of payments"), problem)
    };
    let (id, subject) = (event.id().to_string(), event.subject().to_string());
    let Some(Data::Json(value)) = event.into_data() else {
        return match subject.as_str() {
            POSTED | ACCOUNTS | ACCEPTED => Err(damaged(&"it has no JSON", &id)),
            _ => Ok(Fact::Other),
        };
    };
    match subject.as_str() {
        POSTED => {
            let batch = PostedBatch::from_value(value).map_err(|error| damaged(&error, &id))?;
            Ok(Fact::Posted(Box::new(batch)))
        }
        ACCOUNTS => {
            let changes: Changes =
                serde_json::from_value(value).map_err(|error| damaged(&error, &id))?;
            Ok(Fact::Accounts(changes.changes))
        }
        ACCEPTED => {
            let count = value["transactions"].as_u64();
            let count = count.ok_or_else(|| damaged(&"it has no count", &id))?;
            Ok(Fact::Accepted(count))
        }
        _ => Ok(Fact::Other),
    }
}
