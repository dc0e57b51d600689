use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// Longest subject or filter, in bytes: long enough for six names, short enough to index.
pub(crate) const SUBJECT_BYTES_MAX: usize = 255;

/// Where an event belongs: tokens joined by dots, such as `plant.north.pump.started`.
///
/// One to 255 bytes; a token is one or more of `A-Z a-z 0-9 _ -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subject(String);

impl Subject {
    /// A checked subject.
    ///
    /// # Errors
    /// [`Error::Subject`] when it is empty, too long, or holds an empty token or another character.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        check(&text, |token, _| is_name(token))?;
        Ok(Self(text))
    }

    /// The subject as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tokens between the dots.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }
}

/// Which subjects: as a subject, where `*` stands for one token and a final `>` for one or more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Filter(String);

impl Filter {
    /// A checked filter.
    ///
    /// # Errors
    /// [`Error::Subject`] when it is empty, too long, has a `>` before its end, or a token that is
    /// neither a name nor a wildcard.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        check(&text, |token, is_last| {
            is_name(token) || token == "*" || (token == ">" && is_last)
        })?;
        Ok(Self(text))
    }

    /// The filter that every subject passes.
    pub fn all() -> Self {
        Self(">".into())
    }

    /// The filter as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this subject passes.
    pub fn matches(&self, subject: &Subject) -> bool {
        let mut tokens = subject.tokens();
        for wanted in self.0.split('.') {
            match (wanted, tokens.next()) {
                (_, None) => return false,
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (name, Some(token)) if name == token => {}
                _ => return false,
            }
        }
        tokens.next().is_none()
    }
}

fn check(text: &str, accept: impl Fn(&str, bool) -> bool) -> Result<(), Error> {
    let last = text.split('.').count() - 1;
    let is_fine = text.len() <= SUBJECT_BYTES_MAX
        && text
            .split('.')
            .enumerate()
            .all(|(index, token)| accept(token, index == last));
    if is_fine {
        Ok(())
    } else {
        Err(Error::Subject { text: text.into() })
    }
}

fn is_name(token: &str) -> bool {
    !token.is_empty()
        && token
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

macro_rules! text_conversions {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self, Error> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

text_conversions!(Subject);
text_conversions!(Filter);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_match(filter: &str, subject: &str, expected: bool) {
        let matches = Filter::new(filter)
            .unwrap()
            .matches(&Subject::new(subject).unwrap());
        assert_eq!(matches, expected, "{filter} against {subject}");
    }

    #[test]
    fn wildcards_match_one_token_or_the_rest() {
        check_match("a.b", "a.b", true);
        check_match("a.b", "a.b.c", false);
        check_match("a.b.c", "a.b", false);
        check_match("a.*.c", "a.b.c", true);
        check_match("a.*", "a.b.c", false);
        check_match("*", "a", true);
        check_match("a.>", "a.b.c", true);
        check_match("a.>", "a", false);
        check_match(">", "a.b", true);
        check_match("a.*.>", "a.b", false);
    }

    #[test]
    fn malformed_subjects_and_filters_are_refused() {
        let long = "a".repeat(SUBJECT_BYTES_MAX + 1);
        for text in [
            "", ".", "a.", ".a", "a..b", "a b", "a/b", "é", "a.*", ">", &long,
        ] {
            assert!(Subject::new(text).is_err(), "{text:?} is no subject");
        }
        for text in ["", "a.>.b", "a*", "a.b>", "> "] {
            assert!(Filter::new(text).is_err(), "{text:?} is no filter");
        }
    }
}
