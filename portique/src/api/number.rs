//! Numbers as JSON can carry them: seconds, and tokens that are wider than a double.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::refusal::{Refusal, Reply};

/// Seconds as a duration.
///
/// # Errors
/// Invalid argument for a number that is negative, not finite or beyond what a duration holds.
pub(super) fn duration(name: &str, seconds: f64) -> Reply<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| Refusal::invalid(format!("{name} is {seconds}: write seconds, 0 or more")))
}

/// As [`duration`], when there is one.
pub(super) fn duration_or_none(name: &str, seconds: Option<f64>) -> Reply<Option<Duration>> {
    seconds.map(|seconds| duration(name, seconds)).transpose()
}

/// A token: written as text, because a program that reads numbers as doubles would change it; read
/// from text or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, utoipa::ToSchema)]
#[schema(value_type = String)]
pub(super) struct Token(pub(super) u64);

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TokenVisitor)
    }
}

struct TokenVisitor;

impl Visitor<'_> for TokenVisitor {
    type Value = Token;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a token as it was handed out: a whole number, as text")
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Token, E> {
        Ok(Token(value))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Token, E> {
        let unexpected = serde::de::Unexpected::Str(text);
        let parsed = text.parse().map(Token);
        parsed.map_err(|_| E::invalid_value(unexpected, &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_keep_every_digit() {
        let wide = Token(u64::MAX - 1);
        let text = serde_json::to_string(&wide).unwrap();
        assert_eq!(text, "\"18446744073709551614\"");
        assert_eq!(serde_json::from_str::<Token>(&text).unwrap(), wide);
        assert_eq!(serde_json::from_str::<Token>("7").unwrap(), Token(7));
        for text in ["\"\"", "\"-1\"", "1.5", "null"] {
            assert!(serde_json::from_str::<Token>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn seconds_that_are_no_duration_are_refused() {
        assert_eq!(duration("wait_s", 0.25).unwrap().as_millis(), 250);
        for seconds in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert!(duration("wait_s", seconds).is_err(), "{seconds}");
        }
    }
}
