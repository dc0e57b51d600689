use std::fmt;

use portique_clock::{Random, Timestamp};
use serde::{Deserialize, Serialize};

/// The unique name of an event; UUID version 7 where we make it, any text where others do.
///
/// Its length and characters are checked when an event is built with it.
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

impl From<EventId> for String {
    fn from(id: EventId) -> Self {
        id.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use portique_clock::Seeded;

    use super::*;

    #[test]
    fn generated_ids_are_version_7_and_sort_by_time() {
        let mut random = Seeded::new(1);
        let mut last = String::new();
        for millis in [1, 2, 1_000, 1_795_000_000_000] {
            let id = EventId::generate(Timestamp::from_millis(millis), &mut random);
            assert_eq!(id.as_str().as_bytes()[14], b'7', "{id}");
            assert!(id.as_str() > last.as_str(), "{id} sorts after {last}");
            last = id.to_string();
        }
    }
}
