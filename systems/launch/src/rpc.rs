//! The vehicle link on the wire (`proto/vehicle.proto`), and its conversions.
//!
//! Whatever comes from outside is checked here: an unknown word or a number that is none becomes a
//! [`Status`] that says which field, and nothing further in has to doubt it.

mod orders;
mod telemetry;
mod world;

use tonic::Status;

mod generated {
    #![expect(
        unreachable_pub,
        reason = "made by the build; the contract file documents it"
    )]
    tonic::include_proto!("portique.vehicle.v1");
}
pub(crate) use generated::*;
pub(crate) use world::world_fault;

/// Bytes of a message, on both sides: twice what a control task may keep, the largest of all.
pub(crate) const MESSAGE_BYTES_MAX: usize = 256 << 10;

/// Largest memory or ledger that a world keeps for a seat.
pub(crate) const KEPT_BYTES_MAX: usize = 64 << 10;

/// Longest text from a peer, in bytes; the rest is cut off. It ends in an event of the mission log,
/// which has room for 8 KiB even when every character must be escaped.
const TEXT_BYTES_MAX: usize = 2_048;

/// The token of a call.
pub(crate) fn bearer<T>(request: &tonic::Request<T>) -> Option<&str> {
    request
        .metadata()
        .get("authorization")?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

/// `message` as a request that carries `token`.
pub(crate) fn with_bearer<T>(message: T, token: &str) -> Result<tonic::Request<T>, Status> {
    let value = format!("Bearer {token}")
        .parse()
        .map_err(|_| Status::invalid_argument("the token has characters that a header cannot"))?;
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("authorization", value);
    Ok(request)
}

/// A peer's text as it is shown and kept: of bounded length, and on one line, without characters that
/// would move a terminal's cursor.
pub(crate) fn text(said: &str) -> String {
    let end = said.floor_char_boundary(TEXT_BYTES_MAX);
    said[..end]
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Why a call failed, for people.
pub(crate) fn reason(status: &Status) -> String {
    let mut reason = status.message().to_owned();
    if reason.is_empty() {
        reason = status.code().description().to_owned();
    }
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        reason = format!("{reason}: {error}");
        cause = error.source();
    }
    reason
}

fn finite(field: &str, value: f64) -> Result<f64, Status> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(Status::invalid_argument(format!(
            "{field}: {value} is no measured value"
        )))
    }
}

fn word<W: std::str::FromStr<Err = portique_flight::UnknownWord>>(text: &str) -> Result<W, Status> {
    text.parse()
        .map_err(|error: portique_flight::UnknownWord| Status::invalid_argument(error.to_string()))
}
