//! A document on its way into a row and back out of it.

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use serde_json::Value;

use super::failure::Failure;
use super::layout::{Column, Layout};
use crate::definition::excerpt;
use crate::limits::{BODY_BYTES_MAX, ID_BYTES_MAX};
use crate::scalar::{Scalar, at_path, describe};
use crate::{Document, Error, FieldKind};

/// A document that keeps the port's limits, with its body as JSON text.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) id: String,
    pub(super) body: Value,
    pub(super) json: String,
}

impl Rendered {
    /// Checks what does not depend on the collection.
    pub(super) fn new(document: Document) -> Result<Self, Error> {
        let Document { id, body } = document;
        let refuse = |reason: String| {
            Err(Error::Document {
                id: excerpt(&id),
                reason,
            })
        };
        if id.is_empty() || id.len() > ID_BYTES_MAX {
            return refuse(format!(
                "its id has {} bytes, not 1 to {ID_BYTES_MAX}",
                id.len()
            ));
        }
        if !body.is_object() {
            return refuse(format!(
                "its body is {}, not a JSON object",
                describe(&body)
            ));
        }
        let json = body.to_string();
        if json.len() > BODY_BYTES_MAX {
            return refuse(format!(
                "its body has {} bytes, at most {BODY_BYTES_MAX}",
                json.len()
            ));
        }
        Ok(Self { id, body, json })
    }

    /// The bytes that it takes in the writer's queue, near enough.
    pub(super) fn bytes(&self) -> usize {
        self.id.len() + self.json.len()
    }
}

/// The value of an indexed field, `None` when the document lacks it.
pub(super) fn column_value(
    id: &str,
    body: &Value,
    column: &Column,
) -> Result<Option<Scalar>, Error> {
    let Some(value) = at_path(body, &column.field) else {
        return Ok(None);
    };
    Scalar::read(value, column.kind)
        .map(Some)
        .map_err(|found| Error::WrongKind {
            id: id.to_owned(),
            field: column.field.clone(),
            expected: column.kind,
            found,
        })
}

/// The text that the search table indexes; `None` when the document has none.
pub(super) fn searched_text(
    id: &str,
    body: &Value,
    layout: &Layout,
) -> Result<Option<String>, Error> {
    let mut texts = Vec::new();
    for field in &layout.full_text {
        match at_path(body, field) {
            None => {}
            Some(Value::String(text)) => texts.push(text.as_str()),
            Some(other) => {
                return Err(Error::WrongKind {
                    id: id.to_owned(),
                    field: field.clone(),
                    expected: FieldKind::Text,
                    found: describe(other),
                });
            }
        }
    }
    Ok((!texts.is_empty()).then(|| texts.join("\n")))
}

/// The checksum kept beside a body: SQLite checks the shape of its pages, not their content.
pub(super) fn checksum(id: &str, json: &str) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(id.as_bytes()), json.as_bytes())
}

/// The document of a row, if it is what was written.
pub(super) fn restore(
    collection: &str,
    id: String,
    json: &str,
    crc: u32,
) -> Result<Document, Failure> {
    let damaged = || Failure::Damaged(format!("document `{id}` of collection `{collection}`"));
    if checksum(&id, json) != crc {
        return Err(damaged());
    }
    let body = serde_json::from_str(json).map_err(|_| damaged())?;
    Ok(Document { id, body })
}

impl ToSql for Scalar {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Integer(number) => ToSqlOutput::from(*number),
            Self::Real(bits) => ToSqlOutput::from(bits.number()),
            Self::Boolean(truth) => ToSqlOutput::from(*truth),
        })
    }
}
