use std::collections::BTreeMap;
use std::fmt;

use portique_clock::{Random, Timestamp};
use portique_fault::{Code, Fault};
use serde::{Deserialize, Serialize};

use crate::Subject;

/// Largest event an engine must carry, in bytes of its data: a body above it is a blob.
pub(crate) const DATA_BYTES_MAX: usize = 1024 * 1024;
/// Longest `id`, `source`, `type` or extension, in bytes.
pub(crate) const ATTRIBUTE_BYTES_MAX: usize = 1024;

/// The unique name of an event; UUID version 7 where we make it, any text where others do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(String);

impl EventId {
    /// A UUID version 7 (RFC 9562): sorts by time.
    pub fn generate(now: Timestamp, random: &mut dyn Random) -> Self {
        let millis = u64::try_from(now.as_millis()).unwrap_or(0);
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&random.next_u64().to_le_bytes());
        bytes[8..].copy_from_slice(&random.next_u64().to_le_bytes()[..2]);
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid();
        Self(id.to_string())
    }

    /// The id as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for EventId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for EventId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The payload of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// A JSON value, with content type `application/json` or one ending in `+json`.
    Json(serde_json::Value),
    /// Text in any other content type.
    Text(String),
    /// Bytes; base64 in JSON.
    Binary(Vec<u8>),
}

/// Why something is not an event.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A subject or filter is malformed.
    #[error(
        "{text:?} is not a subject: write 1 to 255 bytes of names (A-Z a-z 0-9 _ -) joined by dots, \
         such as launch.demo.count; a filter may use * for one name and a final > for the rest"
    )]
    Subject {
        /// What was given.
        text: String,
    },
    /// An attribute is missing, empty or too long.
    #[error("event attribute {name} is {problem}")]
    Attribute {
        /// The attribute.
        name: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// The data is over the limit.
    #[error("event data is {bytes} bytes, over the limit of {max}: store it and send a reference")]
    DataTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::Subject { .. } | Self::Attribute { .. } | Self::DataTooLarge { .. } => {
                Code::InvalidArgument
            }
        }
    }
}
