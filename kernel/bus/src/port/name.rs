use std::fmt;
use std::str::FromStr;

use crate::Error;

/// Longest name, in bytes: it must fit into a subject beside another subject.
const NAME_BYTES_MAX: usize = 64;

/// The name of a durable consumer: 1 to 64 of `A-Z a-z 0-9 _ -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsumerName(String);

/// The name of a compaction: 1 to 64 of `A-Z a-z 0-9 _ -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CompactionName(String);

impl ConsumerName {
    /// A checked name.
    ///
    /// # Errors
    /// [`Error::ConsumerName`] when it is empty, too long, or holds another character.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        if is_name(&text) {
            Ok(Self(text))
        } else {
            Err(Error::ConsumerName { text })
        }
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl CompactionName {
    /// A checked name.
    ///
    /// # Errors
    /// [`Error::CompactionName`] when it is empty, too long, or holds another character.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        if is_name(&text) {
            Ok(Self(text))
        } else {
            Err(Error::CompactionName { text })
        }
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConsumerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for CompactionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ConsumerName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

impl FromStr for CompactionName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

fn is_name(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
