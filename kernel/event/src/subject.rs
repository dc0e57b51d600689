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
        check(text, is_subject).map(Self)
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
        check(text, is_filter).map(Self)
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
        // Every event is held against every owner's filters: the first byte says no to most of them.
        let mut rest = subject.0.as_bytes();
        for byte in self.0.bytes() {
            match (byte, rest) {
                (b'>', _) => return !rest.is_empty(),
                (b'*', [_, ..]) => {
                    let token = rest.iter().position(|it| *it == b'.');
                    rest = &rest[token.unwrap_or(rest.len())..];
                }
                (wanted, [first, behind @ ..]) if wanted == *first => rest = behind,
                _ => return false,
            }
        }
        rest.is_empty()
    }
}

/// The text, if it is short enough and `is_well_formed`.
fn check(text: String, is_well_formed: impl Fn(&str) -> bool) -> Result<String, Error> {
    match text.len() <= SUBJECT_BYTES_MAX && is_well_formed(&text) {
        true => Ok(text),
        false => Err(Error::Subject { text }),
    }
}

/// Whether these are names joined by dots.
fn is_subject(text: &str) -> bool {
    let mut is_in_name = false;
    for byte in text.bytes() {
        match byte {
            b'.' if is_in_name => is_in_name = false,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => is_in_name = true,
            _ => return false,
        }
    }
    is_in_name
}

/// As [`is_subject`], where a token may also be `*`, and the last one `>`.
fn is_filter(text: &str) -> bool {
    let (others, last) = text.rsplit_once('.').unzip();
    let is_token = |token: &str| token == "*" || (is_subject(token) && !token.contains('.'));
    let last = last.unwrap_or(text);
    (last == ">" || is_token(last)) && others.is_none_or(|others| others.split('.').all(is_token))
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
    use proptest::prelude::*;

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

    /// What [`Filter::matches`] means, token by token.
    fn matches_by_tokens(filter: &str, subject: &str) -> bool {
        let mut tokens = subject.split('.');
        for wanted in filter.split('.') {
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

    proptest! {
        #[test]
        fn a_filter_says_of_bytes_what_it_says_of_tokens(
            filter in r"(a|ab|b|\*)(\.(a|ab|b|\*)){0,3}(\.>)?",
            subject in r"(a|ab|b)(\.(a|ab|b)){0,4}",
        ) {
            let matches = Filter::new(&*filter).unwrap().matches(&Subject::new(&*subject).unwrap());
            prop_assert_eq!(matches, matches_by_tokens(&filter, &subject));
        }
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
