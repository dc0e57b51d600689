use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// Longest name of a user or role.
const NAME_BYTES_MAX: usize = 64;

/// The name of a user or role: 1 to 64 of `a-z 0-9 . _ -`, beginning with a letter or digit.
///
/// One way to write each, so that no two look alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_inside = |byte: u8| is_plain(byte) || matches!(byte, b'.' | b'_' | b'-');
        let is_name = text.len() <= NAME_BYTES_MAX
            && text.bytes().next().is_some_and(is_plain)
            && text.bytes().all(is_inside);
        if is_name {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::Invalid {
            what: "name",
            given: text.chars().take(NAME_BYTES_MAX).collect(),
            rule: format!(
                "1 to {NAME_BYTES_MAX} of `a-z 0-9 . _ -`, beginning with a letter or digit"
            ),
        })
    }
}

impl TryFrom<String> for Name {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
