//! Bodies of requests: room for them, and what they are compressed with.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use portique_exposition::{decompress_gzip, decompress_snappy};
use portique_fault::{Code, Retry};
use tokio::sync::OwnedSemaphorePermit;

use super::Intake;
use super::take::Refusal;

/// Largest body as it is sent: half of what it may decompress to, and more than any sender makes of one batch.
pub(super) const BODY_BYTES_MAX: usize = 16 << 20;
/// Bodies are worked off, and room comes free, in a moment.
const RETRY_WHEN_FULL: Duration = Duration::from_secs(1);

/// A body in memory, and the room that it takes there.
pub(super) struct Held {
    pub(super) bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

impl Intake {
    /// Takes a body in, if there is room for it.
    ///
    /// # Errors
    /// When it is too large or cannot be read; resource exhausted, with a time to come back, when there is no room.
    pub(super) async fn hold(&self, headers: &HeaderMap, body: Body) -> Result<Held, Refusal> {
        let declared = text(headers, header::CONTENT_LENGTH).parse::<usize>().ok();
        let bytes = declared.unwrap_or(BODY_BYTES_MAX);
        if bytes > BODY_BYTES_MAX {
            return Err(too_large(format!(
                "the body has {bytes} bytes: at most {BODY_BYTES_MAX} are taken, so send several"
            )));
        }
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        let room = self.shared.bodies.clone().try_acquire_many_owned(kib);
        let room = room.map_err(|_| {
            let message =
                "as many bodies as the hub has room for are being taken in: send this one later";
            let mut refusal = Refusal::new(Code::ResourceExhausted, message);
            refusal.report.retry = Retry::After(RETRY_WHEN_FULL);
            refusal
        })?;
        let bytes = to_bytes(body, BODY_BYTES_MAX).await.map_err(|error| {
            too_large(format!(
                "the body cannot be read, or is larger than {BODY_BYTES_MAX} bytes: {error}"
            ))
        })?;
        Ok(Held { bytes, _room: room })
    }
}

/// What a body is compressed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Gzip,
    Snappy,
}

impl Encoding {
    /// What the header says.
    ///
    /// # Errors
    /// When it is another one.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        match text(headers, header::CONTENT_ENCODING)
            .to_ascii_lowercase()
            .as_str()
        {
            "" | "identity" => Ok(Self::Plain),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "snappy" => Ok(Self::Snappy),
            other => Err(unsupported(format!(
                "content-encoding {other:?} is not supported: use gzip or none, and snappy for remote write"
            ))),
        }
    }

    /// The body as it was before it was compressed; `room` is where it goes if it was.
    pub(super) fn decode<'a>(
        self,
        body: &'a [u8],
        room: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], portique_exposition::Error> {
        match self {
            Self::Plain => return Ok(body),
            Self::Gzip => decompress_gzip(body, room)?,
            Self::Snappy => decompress_snappy(body, room)?,
        }
        Ok(room)
    }
}

/// A header as text; empty when there is none.
pub(super) fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().trim()
}

pub(super) fn unsupported(message: String) -> Refusal {
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    Refusal::new(Code::InvalidArgument, message).with_status(status)
}

fn too_large(message: String) -> Refusal {
    let status = StatusCode::PAYLOAD_TOO_LARGE;
    Refusal::new(Code::ResourceExhausted, message).with_status(status)
}
