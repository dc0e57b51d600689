use std::fmt;

use portique_bus::{Sequence, Start};
use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// Where reading begins: `first`, `new`, a sequence, or a time in RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, utoipa::ToSchema)]
#[schema(value_type = String)]
pub(crate) struct Position(pub(in crate::api) Start);

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Start::First => serializer.serialize_str("first"),
            Start::New => serializer.serialize_str("new"),
            Start::Sequence(sequence) => serializer.serialize_u64(sequence.0),
            Start::Time(time) => time.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PositionVisitor)
    }
}

struct PositionVisitor;

impl Visitor<'_> for PositionVisitor {
    type Value = Position;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("first, new, a sequence, or a time such as 2026-01-31T12:00:00Z")
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Position, E> {
        Ok(Position(Start::Sequence(Sequence(value))))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Position, E> {
        let start = match text {
            "first" => Start::First,
            "new" => Start::New,
            text => match (text.parse(), text.parse()) {
                (Ok(sequence), _) => Start::Sequence(Sequence(sequence)),
                (_, Ok(time)) => Start::Time(time),
                _ => return Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
            },
        };
        Ok(Position(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Start) {
        assert_eq!(serde_json::from_str::<Position>(text).unwrap().0, expected);
    }

    #[test]
    fn positions_are_words_sequences_and_times() {
        check("\"first\"", Start::First);
        check("\"new\"", Start::New);
        check("7", Start::Sequence(Sequence(7)));
        check("\"7\"", Start::Sequence(Sequence(7)));
        let time = "2026-01-31T12:00:00Z";
        check(&format!("{time:?}"), Start::Time(time.parse().unwrap()));
        for text in ["\"last\"", "-1", "1.5", "\"\""] {
            assert!(serde_json::from_str::<Position>(text).is_err(), "{text}");
        }
    }
}
