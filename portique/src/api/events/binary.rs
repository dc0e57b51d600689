//! The binary mode of CloudEvents over HTTP: attributes are headers, the data is the body.
//!
//! Source: HTTP Protocol Binding for CloudEvents 1.0.2, section 3.1.

use std::fmt::Write;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use portique_event::{Data, Event, EventId, Subject};

use crate::api::batch::content_type;
use crate::api::content::is_json;
use crate::api::refusal::{Refusal, Reply};

/// What attributes' headers begin with.
const PREFIX: &str = "ce-";
/// The version of CloudEvents spoken here.
const SPEC_VERSION: &str = "1.0";

/// Whether a request is in the binary mode.
pub(super) fn is_binary(headers: &HeaderMap) -> bool {
    headers.contains_key("ce-specversion") || headers.contains_key("ce-id")
}

/// # Errors
/// Invalid argument naming the attribute that is missing or malformed.
pub(super) fn from_request(headers: &HeaderMap, body: Bytes) -> Reply<Event> {
    let version = required(headers, "ce-specversion")?;
    if version != SPEC_VERSION {
        return Err(Refusal::invalid(format!(
            "ce-specversion is {version:?}: this hub speaks {SPEC_VERSION:?}"
        )));
    }
    let mut builder = Event::builder(
        EventId::from(required(headers, "ce-id")?),
        required(headers, "ce-source")?,
        required(headers, "ce-type")?,
        Subject::new(required(headers, "ce-subject")?)?,
    );
    for (name, value) in headers {
        let Some(attribute) = name.as_str().strip_prefix(PREFIX) else {
            continue;
        };
        let value = text(name.as_str(), value)?;
        builder = match attribute {
            "specversion" | "id" | "source" | "type" | "subject" => builder,
            "time" => builder.time(
                value
                    .parse()
                    .map_err(|error| Refusal::invalid(format!("ce-time is malformed: {error}")))?,
            ),
            "dataschema" => builder.schema(value),
            extension => builder.extension(extension, value),
        };
    }
    let content_type = content_type(headers);
    if !body.is_empty() {
        builder = builder.data(data(content_type, body)?);
    }
    if let Some(content_type) = content_type {
        builder = builder.content_type(content_type);
    }
    Ok(builder.build()?)
}

/// A body as an event's data: JSON and text as what they are, the rest as bytes.
///
/// # Errors
/// Invalid argument when it is not the JSON that its media type says.
pub(super) fn data(content_type: Option<&str>, body: Bytes) -> Reply<Data> {
    match content_type {
        Some(media_type) if is_json(media_type) => {
            let value = serde_json::from_slice(&body).map_err(|error| {
                Refusal::invalid(format!(
                    "the data is not JSON, as content-type says: {error}"
                ))
            })?;
            Ok(Data::Json(value))
        }
        Some(media_type) if media_type.starts_with("text/") => Ok(String::from_utf8(body.into())
            .map_or_else(|error| Data::Binary(error.into_bytes()), Data::Text)),
        _ => Ok(Data::Binary(body.into())),
    }
}

/// An event as headers and body, for whoever receives it in the binary mode.
pub(in crate::api) fn to_headers(event: &Event) -> (HeaderMap, Vec<u8>) {
    let mut headers = HeaderMap::new();
    let mut insert = |name: &str, value: &str| {
        let name = HeaderName::try_from(format!("{PREFIX}{name}"));
        let value = HeaderValue::try_from(percent_encoded(value));
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.insert(name, value);
        }
    };
    insert("specversion", SPEC_VERSION);
    insert("id", event.id().as_str());
    insert("source", event.source());
    insert("type", event.kind());
    insert("subject", event.subject().as_str());
    if let Some(time) = event.time() {
        insert("time", &time.to_string());
    }
    if let Some(schema) = event.schema() {
        insert("dataschema", schema);
    }
    for (name, value) in event.extensions() {
        insert(name, value);
    }
    let (default_type, body) = match event.data() {
        None => (None, Vec::new()),
        Some(Data::Json(value)) => (Some("application/json"), value.to_string().into_bytes()),
        Some(Data::Text(text)) => (None, text.clone().into_bytes()),
        Some(Data::Binary(bytes)) => (None, bytes.clone()),
    };
    let media_type = event.content_type().or(default_type);
    if let Some(Ok(value)) = media_type.map(HeaderValue::try_from) {
        headers.insert(axum::http::header::CONTENT_TYPE, value);
    }
    (headers, body)
}

fn required(headers: &HeaderMap, name: &str) -> Reply<String> {
    let value = headers.get(name).ok_or_else(|| {
        Refusal::invalid(format!(
            "the header {name} is missing: an event in the binary mode has ce-specversion, ce-id, \
             ce-source, ce-type and ce-subject"
        ))
    })?;
    text(name, value)
}

/// A header's value with what was percent-encoded in it (section 3.1.3.2).
fn text(name: &str, value: &HeaderValue) -> Reply<String> {
    let bytes = value.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = (*byte == b'%')
            .then(|| hexadecimal(bytes.get(at + 1..at + 3)?))
            .flatten();
        decoded.push(code.unwrap_or(*byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8(decoded)
        .map_err(|_| Refusal::invalid(format!("the header {name} is not UTF-8 once decoded")))
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok()?;
    let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hexadecimal.then(|| u8::from_str_radix(digits, 16).ok())?
}

/// Everything but printable ASCII without space, quotes and the percent sign, as the binding asks.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if (0x21..0x7f).contains(&byte) && !matches!(byte, b'"' | b'%') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(event: &Event) {
        let (headers, body) = to_headers(event);
        assert_eq!(from_request(&headers, body.into()).unwrap(), *event);
    }

    fn event() -> portique_event::EventBuilder {
        let subject = Subject::new("plant.north").unwrap();
        Event::builder("é 1%", "/plant", "pump.started", subject)
    }

    #[test]
    fn every_kind_of_data_comes_back() {
        let time = "2026-01-31T12:00:00Z".parse().unwrap();
        check(&event().build().unwrap());
        check(
            &event()
                .time(time)
                .schema("urn:x")
                .extension("partitionkey", "\"p\"")
                .build()
                .unwrap(),
        );
        check(
            &event()
                .json(serde_json::json!({"a": [1]}))
                .content_type("application/json")
                .build()
                .unwrap(),
        );
        check(&event().data(Data::Text("é".into())).build().unwrap());
        check(
            &event()
                .data(Data::Binary(vec![0xff, 0]))
                .content_type("image/png")
                .build()
                .unwrap(),
        );
    }

    #[test]
    fn a_missing_attribute_is_named() {
        let (mut headers, _) = to_headers(&event().build().unwrap());
        headers.remove("ce-subject");
        let refused = from_request(&headers, Bytes::new()).unwrap_err();
        assert!(
            refused
                .message()
                .starts_with("the header ce-subject is missing")
        );
    }
}
