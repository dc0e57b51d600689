//! Bodies of requests: larger than the front door's, so that room is asked for first.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, header};
use tokio::sync::OwnedSemaphorePermit;

use crate::Error;
use crate::service::Payments;

/// Largest body: some fifty thousand transactions.
pub const BODY_BYTES_MAX: usize = 16 << 20;

/// A body in memory, and its room there.
pub(super) struct Held {
    pub(super) bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

/// Reads a body, if there is room for it.
///
/// # Errors
/// [`Error::TooLarge`], [`Error::Behind`] without room, [`Error::Input`] when it breaks off.
pub(super) async fn hold(
    payments: &Payments,
    headers: &HeaderMap,
    body: Body,
) -> Result<Held, Error> {
    let declared = text(headers, header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
    let bytes: usize = declared.unwrap_or(BODY_BYTES_MAX);
    let too_large = || Error::TooLarge {
        problem: format!("the body has more than {BODY_BYTES_MAX} bytes: send several"),
    };
    if bytes > BODY_BYTES_MAX {
        return Err(too_large());
    }
    let room = payments.room(bytes)?;
    let bytes = to_bytes(body, bytes).await.map_err(|error| {
        let text = portique_fault::chain(&error);
        match text.contains("length limit") {
            true => too_large(),
            false => Error::input(format!("the body cannot be read: {text}")),
        }
    })?;
    Ok(Held { bytes, _room: room })
}

/// A header's text.
pub(super) fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// What names a request for whoever sends it twice.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let text = value.to_str();
    let text = text.map_err(|_| Error::input("the idempotency key is no text: write ASCII"))?;
    Ok(Some(text.to_owned()))
}

/// Whether a body is lines of JSON.
pub(super) fn is_lines(headers: &HeaderMap) -> bool {
    let kind = text(headers, header::CONTENT_TYPE).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    matches!(
        essence,
        "application/x-ndjson" | "application/ndjson" | "application/jsonl"
    )
}
