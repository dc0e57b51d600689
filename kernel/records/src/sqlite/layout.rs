//! How a collection lies in the database, and every name of a table or column in it.
//!
//! Names are made of numbers that this crate gave out, never of input, so no input can reach the
//! text of a statement.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;

use super::failure::Failure;
use crate::{Error, FieldKind};

/// The collections by name.
pub(super) type Catalog = HashMap<String, Arc<Layout>>;

/// A collection's tables.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    pub(super) number: i64,
    pub(super) collection: String,
    pub(super) columns: Vec<Column>,
    /// The fields whose text the search table indexes; no search table when empty.
    pub(super) full_text: Vec<String>,
}

/// An indexed field, as a column of the documents table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    pub(super) position: u32,
    pub(super) field: String,
    pub(super) kind: FieldKind,
}

impl Layout {
    pub(super) fn documents(&self) -> String {
        format!("documents_{}", self.number)
    }

    pub(super) fn search(&self) -> String {
        format!("search_{}", self.number)
    }

    /// The column of an indexed field; any other field is refused with the indexed ones.
    pub(super) fn column(&self, field: &str) -> Result<&Column, Error> {
        self.columns
            .iter()
            .find(|column| column.field == field)
            .ok_or_else(|| {
                let names: Vec<&str> = self
                    .columns
                    .iter()
                    .map(|column| column.field.as_str())
                    .collect();
                Error::NotIndexed {
                    collection: self.collection.clone(),
                    field: crate::definition::excerpt(field),
                    declared: if names.is_empty() {
                        "none".to_owned()
                    } else {
                        names.join(", ")
                    },
                }
            })
    }
}

impl Column {
    pub(super) fn name(&self) -> String {
        format!("f{}", self.position)
    }

    /// SQLite's own type for the column; truth is kept as 0 and 1.
    pub(super) fn sql_type(&self) -> &'static str {
        match self.kind {
            FieldKind::Text => "TEXT",
            FieldKind::Integer | FieldKind::Boolean => "INTEGER",
            FieldKind::Real => "REAL",
        }
    }
}

/// The word for a kind in the catalog.
pub(super) fn kind_word(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "text",
        FieldKind::Integer => "integer",
        FieldKind::Real => "real",
        FieldKind::Boolean => "boolean",
    }
}

/// Reads the catalog of an open database.
pub(super) fn load(connection: &Connection) -> Result<Catalog, Failure> {
    let mut catalog = Catalog::new();
    let mut statement = connection.prepare("SELECT number, name, full_text FROM collections")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (number, collection): (i64, String) = (row.get(0)?, row.get(1)?);
        let full_text: String = row.get(2)?;
        let full_text = serde_json::from_str(&full_text).map_err(|_| {
            Failure::Damaged(format!("the full-text fields of collection `{collection}`"))
        })?;
        let columns = load_columns(connection, number)?;
        let layout = Layout {
            number,
            collection: collection.clone(),
            columns,
            full_text,
        };
        catalog.insert(collection, Arc::new(layout));
    }
    Ok(catalog)
}

fn load_columns(connection: &Connection, number: i64) -> Result<Vec<Column>, Failure> {
    let mut statement = connection
        .prepare("SELECT field, kind FROM fields WHERE collection = ?1 ORDER BY position")?;
    let mut rows = statement.query([number])?;
    let mut columns = Vec::new();
    for position in 0.. {
        let Some(row) = rows.next()? else {
            break;
        };
        let (field, word): (String, String) = (row.get(0)?, row.get(1)?);
        let kind = match word.as_str() {
            "text" => FieldKind::Text,
            "integer" => FieldKind::Integer,
            "real" => FieldKind::Real,
            "boolean" => FieldKind::Boolean,
            _ => {
                return Err(Failure::Damaged(format!(
                    "the kind of field `{field}`: `{word}`"
                )));
            }
        };
        columns.push(Column {
            position,
            field,
            kind,
        });
    }
    Ok(columns)
}
