use std::io;

use serde_json::Value;

use crate::Error;

/// Largest data an engine must carry: with every attribute at its limit the event stays below the
/// 1 MiB that engines take as one message by default. A body above it is a blob.
pub const DATA_BYTES_MAX: usize = 896 * 1024;

/// The payload of an event, at most 896 KiB (as JSON text, where it is JSON).
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// A JSON value, with content type `application/json` or one ending in `+json`.
    Json(Value),
    /// Text in any other content type.
    Text(String),
    /// Bytes; base64 in JSON.
    Binary(Vec<u8>),
}

impl Data {
    /// The content type CloudEvents assumes, or we write, when none is given.
    pub(crate) fn default_content_type(&self) -> Option<&'static str> {
        match self {
            Self::Json(_) => None,
            Self::Text(_) => Some("text/plain"),
            Self::Binary(_) => Some("application/octet-stream"),
        }
    }

    pub(crate) fn check(&self, content_type: Option<&str>) -> Result<(), Error> {
        let bytes = self.len();
        if bytes > DATA_BYTES_MAX {
            return Err(Error::DataTooLarge {
                bytes,
                max: DATA_BYTES_MAX,
            });
        }
        match (self, is_json(content_type)) {
            (Self::Json(_), false) => Err(Error::attribute(
                "datacontenttype",
                "not a JSON type, but the data is: write application/json or give text or bytes",
            )),
            (Self::Text(_), true) => Err(Error::attribute(
                "datacontenttype",
                "a JSON type, but the data is text: give a JSON value or another type",
            )),
            _ => Ok(()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Json(value) => json_len(value),
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }
}

/// Whether data of this content type is JSON; none given means it is (CloudEvents JSON format 2.4).
pub(crate) fn is_json(content_type: Option<&str>) -> bool {
    let Some(content_type) = content_type else {
        return true;
    };
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    matches!(essence.as_str(), "application/json" | "text/json") || essence.ends_with("+json")
}

fn json_len(value: &Value) -> usize {
    let mut counter = Counter(0);
    serde_json::to_writer(&mut counter, value)
        .expect("a JSON value has text keys and the counter never fails");
    counter.0
}

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
