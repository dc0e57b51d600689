//! Payloads as JSON shows them: JSON as itself, text as text, the rest as base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use portique_jobs::Payload;
use serde::Serialize;
use serde_json::value::RawValue;

use super::refusal::{Refusal, Reply};

/// The media type of a value that says none.
const JSON: &str = "application/json";
/// The media type of bytes that say none.
const BYTES: &str = "application/octet-stream";

/// A payload within JSON: one of `value` and `base64`.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Content {
    /// The media type; `application/json` when absent, `application/octet-stream` with `base64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    /// JSON as it is; a text, when the media type is not a JSON type.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    value: Option<Box<RawValue>>,
    /// Bytes, as base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

impl Content {
    pub(super) fn of(payload: &Payload) -> Self {
        let (value, base64) = match shown(payload) {
            Some(value) => (Some(value), None),
            None => (None, Some(BASE64.encode(&payload.body))),
        };
        Self {
            content_type: Some(payload.content_type.clone()),
            value,
            base64,
        }
    }
}

/// A payload's pieces, under the names that they have where they were written.
pub(super) struct Parts {
    pub(super) name: &'static str,
    pub(super) base64_name: &'static str,
    pub(super) content_type: Option<String>,
    pub(super) value: Option<Box<RawValue>>,
    pub(super) base64: Option<String>,
}

/// # Errors
/// Invalid argument when it is both or none, or is not what its media type says.
pub(super) fn payload(parts: Parts) -> Reply<Payload> {
    let Parts {
        name, base64_name, ..
    } = parts;
    match (parts.value, parts.base64) {
        (Some(_), Some(_)) => Err(Refusal::invalid(format!(
            "{name} and {base64_name} are both given; give one"
        ))),
        (None, None) => Err(Refusal::invalid(format!(
            "{name} is missing: give it, or {base64_name}"
        ))),
        (Some(value), None) => from_value(name, parts.content_type, &value),
        (None, Some(text)) => {
            let body = BASE64.decode(text).map_err(|error| {
                Refusal::invalid(format!(
                    "{base64_name} is not base64 (RFC 4648 section 4): {error}"
                ))
            })?;
            Ok(Payload {
                content_type: parts.content_type.unwrap_or_else(|| BYTES.into()),
                body: body.into(),
            })
        }
    }
}

fn from_value(name: &str, content_type: Option<String>, value: &RawValue) -> Reply<Payload> {
    let content_type = content_type.unwrap_or_else(|| JSON.into());
    let body = if is_json(&content_type) {
        Bytes::copy_from_slice(value.get().as_bytes())
    } else {
        let text: String = serde_json::from_str(value.get()).map_err(|_| {
            Refusal::invalid(format!(
                "{name} is not a text, but its content_type {content_type} is not JSON: write a \
                 text, or bytes as base64"
            ))
        })?;
        Bytes::from(text)
    };
    Ok(Payload { content_type, body })
}

/// A request's body as a payload.
///
/// # Errors
/// Invalid argument when its media type says JSON and it is none.
pub(super) fn from_body(content_type: Option<&str>, body: Bytes) -> Reply<Payload> {
    let content_type = content_type.unwrap_or(BYTES);
    if is_json(content_type) {
        serde_json::from_slice::<&RawValue>(&body).map_err(|error| {
            Refusal::invalid(format!(
                "the body is not JSON, as its content-type says: {error}"
            ))
        })?;
    }
    Ok(Payload {
        content_type: content_type.into(),
        body,
    })
}

/// The payload as a JSON value, when it is JSON or text.
fn shown(payload: &Payload) -> Option<Box<RawValue>> {
    if is_json(&payload.content_type) {
        let raw: &RawValue = serde_json::from_slice(&payload.body).ok()?;
        return Some(raw.to_owned());
    }
    if payload.content_type.starts_with("text/") {
        let text = std::str::from_utf8(&payload.body).ok()?;
        return serde_json::value::to_raw_value(text).ok();
    }
    None
}

/// Whether a media type is one of JSON's.
pub(super) fn is_json(content_type: &str) -> bool {
    if content_type == JSON {
        return true;
    }
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    matches!(essence.as_str(), JSON | "text/json") || essence.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content_type: &str, body: &[u8], expected: &str) {
        let payload = Payload {
            content_type: content_type.into(),
            body: Bytes::copy_from_slice(body),
        };
        let content = Content::of(&payload);
        let written = serde_json::to_string(&content).unwrap();
        assert_eq!(written, expected);
        let read = super::payload(Parts {
            name: "value",
            base64_name: "base64",
            content_type: content.content_type,
            value: content.value,
            base64: content.base64,
        });
        assert_eq!(read.unwrap(), payload);
    }

    #[test]
    fn payloads_come_back_byte_by_byte() {
        check(
            "application/json",
            br#"{"b":1,  "a":1.50}"#,
            r#"{"content_type":"application/json","value":{"b":1,  "a":1.50}}"#,
        );
        check(
            "text/plain",
            "é\n".as_bytes(),
            r#"{"content_type":"text/plain","value":"é\n"}"#,
        );
        check(
            "image/png",
            &[0x89, 0x50],
            r#"{"content_type":"image/png","base64":"iVA="}"#,
        );
        // Not what it says it is: nothing is lost by that.
        check(
            "application/json",
            b"{",
            r#"{"content_type":"application/json","base64":"ew=="}"#,
        );
    }

    #[test]
    fn a_body_that_is_not_the_json_it_says_is_refused() {
        let refused = from_body(Some("application/json"), Bytes::from_static(b"{'a':1}"));
        assert!(refused.unwrap_err().message().contains("line 1 column 2"));
        from_body(Some("text/plain"), Bytes::from_static(b"{'a':1}")).unwrap();
    }
}
