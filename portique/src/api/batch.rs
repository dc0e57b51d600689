//! Batches in a request's body: a JSON array, or one JSON value a line.

use std::fmt;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::sync::OwnedSemaphorePermit;

use super::content::is_json;
use super::gate::Gate;
use super::refusal::{Refusal, Reply};

/// Largest batch: what an engine takes as one change has a quarter of it, and JSON writes bytes
/// longer than they are.
pub(crate) const BATCH_BYTES_MAX: usize = 8 << 20;
/// Most entries of a batch, whatever the engine takes: reading them must not hold a thread long.
const ENTRIES_MAX: usize = 10_000;
/// Wrong entries that are told at once: enough to see what they have in common.
const PROBLEMS_MAX: usize = 10;
/// One JSON value a line.
const NDJSON: [&str; 2] = ["application/x-ndjson", "application/ndjson"];

/// Where an entry stands in what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In this line, from 1.
    Line(usize),
    /// At this index of the array, from 0.
    Entry(usize),
    /// It is all there is.
    Whole,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Entry(index) => write!(f, "entry {index}"),
            Self::Whole => f.write_str("the body"),
        }
    }
}

/// A body as it came, within its share of memory.
pub(super) struct Received {
    pub(super) bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

/// Reads a body of at most [`BATCH_BYTES_MAX`].
///
/// # Errors
/// Too large, or resource exhausted while others' batches fill the memory set aside.
pub(super) async fn receive(gate: &Gate, headers: &HeaderMap, body: Body) -> Reply<Received> {
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if let Some(bytes) = declared.filter(|bytes| *bytes > BATCH_BYTES_MAX) {
        return Err(Refusal::too_large(format!(
            "the body has {bytes} bytes: at most {BATCH_BYTES_MAX} are taken, so send several"
        )));
    }
    let room = gate.batch(declared.unwrap_or(BATCH_BYTES_MAX))?;
    let bytes = to_bytes(body, BATCH_BYTES_MAX).await.map_err(|error| {
        Refusal::too_large(format!(
            "the body cannot be read, or is larger than {BATCH_BYTES_MAX} bytes: {error}"
        ))
    })?;
    Ok(Received { bytes, _room: room })
}

/// The media type that a request says its body has.
pub(super) fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok()
}

/// A batch as its media type says: lines, or a JSON array.
///
/// # Errors
/// Invalid argument naming every entry that is wrong, up to ten of them.
pub(super) fn entries<T: DeserializeOwned>(
    content_type: Option<&str>,
    bytes: &[u8],
) -> Reply<Vec<(Place, T)>> {
    let essence = content_type
        .and_then(|media_type| media_type.split(';').next())
        .unwrap_or("application/json")
        .trim();
    let parts = if NDJSON.contains(&essence) {
        lines(bytes)
    } else if is_json(essence) {
        array(bytes)?
    } else {
        return Err(Refusal::invalid(format!(
            "{essence} is not a media type of a batch: send a JSON array as application/json, or \
             one JSON value a line as {}",
            NDJSON[0]
        )));
    };
    if parts.len() > ENTRIES_MAX {
        return Err(Refusal::too_large(format!(
            "the batch has {} entries: at most {ENTRIES_MAX} are taken, so send several",
            parts.len()
        )));
    }
    each(parts, |bytes| {
        serde_json::from_slice(bytes).map_err(|error| Refusal::invalid(error.to_string()))
    })
}

/// What each entry becomes.
///
/// # Errors
/// Invalid argument naming every entry that is wrong, up to ten of them.
pub(super) fn each<T, U>(
    entries: Vec<(Place, T)>,
    mut convert: impl FnMut(T) -> Reply<U>,
) -> Reply<Vec<(Place, U)>> {
    let mut converted = Vec::with_capacity(entries.len());
    let mut problems: Vec<Refusal> = Vec::new();
    for (place, entry) in entries {
        match convert(entry) {
            Ok(entry) => converted.push((place, entry)),
            Err(problem) => problems.push(problem.at(place)),
        }
        if problems.len() == PROBLEMS_MAX {
            break;
        }
    }
    join(problems).map_or(Ok(converted), Err)
}

/// The entries alone, once no refusal has to name a place any more.
pub(super) fn without_places<T>(entries: Vec<(Place, T)>) -> Vec<T> {
    entries.into_iter().map(|(_, entry)| entry).collect()
}

/// One refusal that says what all of them say; the first one's code counts.
fn join(problems: Vec<Refusal>) -> Option<Refusal> {
    let mut problems = problems.into_iter();
    let first = problems.next()?;
    let rest: String = problems
        .map(|problem| format!("; {}", problem.message()))
        .collect();
    Some(first.and(&rest))
}

fn lines(bytes: &[u8]) -> Vec<(Place, &[u8])> {
    bytes
        .split(|byte| *byte == b'\n')
        .enumerate()
        .map(|(index, line)| (Place::Line(index + 1), line.trim_ascii()))
        .filter(|(_, line)| !line.is_empty())
        .take(ENTRIES_MAX + 1)
        .collect()
}

fn array(bytes: &[u8]) -> Reply<Vec<(Place, &[u8])>> {
    let entries: Vec<&RawValue> = serde_json::from_slice(bytes)
        .map_err(|error| Refusal::invalid(format!("the body is not a JSON array: {error}")))?;
    Ok(entries
        .into_iter()
        .enumerate()
        .map(|(index, raw)| (Place::Entry(index), raw.get().as_bytes()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_numbers_over_blank_ones() {
        let text = b"1\n\n 2 \r\n3";
        let entries: Vec<(Place, u32)> = entries(Some("application/x-ndjson"), text).unwrap();
        let expected = [
            (Place::Line(1), 1),
            (Place::Line(3), 2),
            (Place::Line(4), 3),
        ];
        assert_eq!(entries, expected);
    }

    #[test]
    fn every_wrong_line_is_named_up_to_ten() {
        let refused = entries::<u32>(Some("application/x-ndjson"), b"1\nx\n2\n\"3\"\n");
        let message = refused.unwrap_err().message().to_owned();
        assert!(message.starts_with("line 2: "), "{message}");
        assert!(message.contains("; line 4: "), "{message}");

        let many = "x\n".repeat(50);
        let refused = entries::<u32>(Some("application/x-ndjson"), many.as_bytes());
        let message = refused.unwrap_err().message().to_owned();
        assert_eq!(
            message.matches("line ").count(),
            20,
            "ten, each with its own place: {message}"
        );
    }

    #[test]
    fn an_array_names_the_entry() {
        let refused = entries::<u32>(Some("application/json; charset=utf-8"), b"[1, true]");
        let message = refused.unwrap_err().message().to_owned();
        assert!(message.starts_with("entry 1: "), "{message}");
        assert!(entries::<u32>(None, b"{}").is_err(), "no array");
        assert!(entries::<u32>(Some("text/csv"), b"1").is_err());
    }
}
