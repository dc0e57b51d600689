//! The typed values that documents are filtered and sorted by.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::FieldKind;
use crate::limits::INDEXED_TEXT_BYTES_MAX;

/// An indexed value; a number that is real travels as its bits, so that it comes back exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Scalar {
    Text(String),
    Integer(i64),
    Real(RealBits),
    Boolean(bool),
}

/// The bits of a finite number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct RealBits(u64);

impl RealBits {
    pub(crate) fn number(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl Scalar {
    /// The value as `kind`, or what was found instead.
    pub(crate) fn read(value: &Value, kind: FieldKind) -> Result<Self, String> {
        match (kind, value) {
            (FieldKind::Text, Value::String(text)) if text.len() > INDEXED_TEXT_BYTES_MAX => {
                Err(format!(
                    "{} bytes of text, at most {INDEXED_TEXT_BYTES_MAX}",
                    text.len()
                ))
            }
            (FieldKind::Text, Value::String(text)) => Ok(Self::Text(text.clone())),
            (FieldKind::Integer, Value::Number(number)) => number
                .as_i64()
                .map(Self::Integer)
                .ok_or_else(|| format!("the number {number}")),
            (FieldKind::Real, Value::Number(number)) => match number.as_f64() {
                Some(real) if real.is_finite() => Ok(Self::real(real)),
                _ => Err(format!("the number {number}")),
            },
            (FieldKind::Boolean, Value::Bool(truth)) => Ok(Self::Boolean(*truth)),
            (_, other) => Err(describe(other)),
        }
    }

    pub(crate) fn real(number: f64) -> Self {
        Self::Real(RealBits(number.to_bits()))
    }

    /// True when this is a value that a field of `kind` may hold.
    pub(crate) fn is(&self, kind: FieldKind) -> bool {
        match self {
            Self::Text(_) => kind == FieldKind::Text,
            Self::Integer(_) => kind == FieldKind::Integer,
            Self::Real(bits) => kind == FieldKind::Real && bits.number().is_finite(),
            Self::Boolean(_) => kind == FieldKind::Boolean,
        }
    }
}

/// The value at a dotted path; `None` when a part is missing, null, or below something that is no
/// object.
pub(crate) fn at_path<'v>(body: &'v Value, path: &str) -> Option<&'v Value> {
    let value = path
        .split('.')
        .try_fold(body, |value, part| value.as_object()?.get(part))?;
    (!value.is_null()).then_some(value)
}

/// What a JSON value is, in words for a message.
pub(crate) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => "text".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_reach_into_objects_only() {
        let body = json!({"a": {"b": 1, "n": null}, "list": [{"b": 2}], "a.b": 3});
        assert_eq!(at_path(&body, "a.b"), Some(&json!(1)));
        assert_eq!(at_path(&body, "a.n"), None);
        assert_eq!(at_path(&body, "list.b"), None);
        assert_eq!(at_path(&body, "a.b.c"), None);
    }

    #[test]
    fn a_value_is_read_as_its_kind_only() {
        assert_eq!(
            Scalar::read(&json!(7), FieldKind::Integer),
            Ok(Scalar::Integer(7))
        );
        assert_eq!(
            Scalar::read(&json!(7), FieldKind::Real),
            Ok(Scalar::real(7.0))
        );
        for value in [
            json!(7.5),
            json!(7.0),
            json!(u64::MAX),
            json!("7"),
            json!(null),
        ] {
            Scalar::read(&value, FieldKind::Integer).unwrap_err();
        }
        for value in [json!(1), json!("true"), json!([]), json!({})] {
            Scalar::read(&value, FieldKind::Boolean).unwrap_err();
        }
        Scalar::read(&json!("x".repeat(1025)), FieldKind::Text).unwrap_err();
    }
}
