//! Creating a collection's tables, and adding indexes to those that hold documents already.

use rusqlite::{Connection, ToSql, params};

use super::document::{column_value, restore};
use super::failure::Failure;
use super::layout::{Column, Layout, kind_word};
use super::write::put_searched_text;
use crate::limits::{FULL_TEXT_FIELDS_MAX, INDEXES_MAX};
use crate::{Collection, Document, Error};

/// Documents read at a time when an index is filled, so that memory stays bounded.
const BACKFILL_ROWS: usize = 256;

/// Makes the tables hold at least what `collection` declares; returns the new layout, or `None` when
/// nothing is new. Runs inside the caller's transaction.
pub(super) fn define(
    connection: &Connection,
    existing: Option<&Layout>,
    collection: &Collection,
) -> Result<Option<Layout>, Failure> {
    let old = match existing {
        Some(layout) => layout.clone(),
        None => create(connection, collection)?,
    };
    let new = merge(&old, collection)?;
    if existing.is_some() && new == old {
        return Ok(None);
    }
    let added = &new.columns[old.columns.len()..];
    add_columns(connection, &new, added)?;
    let search_changes = new.full_text != old.full_text;
    if search_changes {
        renew_search_table(connection, &new)?;
    }
    backfill(connection, &new, added, search_changes)?;
    for column in added {
        let (table, column) = (new.documents(), column.name());
        connection.execute_batch(&format!(
            "CREATE INDEX {table}_{column} ON {table} ({column}, id)"
        ))?;
    }
    Ok(Some(new))
}

fn create(connection: &Connection, collection: &Collection) -> Result<Layout, Failure> {
    let insert = "INSERT INTO collections (name, full_text) VALUES (?1, '[]')";
    connection.execute(insert, [&collection.name])?;
    let layout = Layout {
        number: connection.last_insert_rowid(),
        collection: collection.name.clone(),
        columns: Vec::new(),
        full_text: Vec::new(),
    };
    connection.execute_batch(&format!(
        "CREATE TABLE {} (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            body TEXT NOT NULL,
            crc INTEGER NOT NULL
        ) STRICT",
        layout.documents()
    ))?;
    Ok(layout)
}

/// The old layout with what the definition adds; nothing is ever taken away.
fn merge(old: &Layout, collection: &Collection) -> Result<Layout, Error> {
    let mut new = old.clone();
    for index in &collection.indexes {
        let defined = new
            .columns
            .iter()
            .find(|column| column.field == index.field);
        match defined.map(|column| column.kind) {
            Some(kind) if kind == index.kind => {}
            Some(defined) => {
                return Err(Error::KindChanged {
                    collection: collection.name.clone(),
                    field: index.field.clone(),
                    defined,
                    requested: index.kind,
                });
            }
            None => {
                let position = u32::try_from(new.columns.len()).expect("a definition has tens");
                new.columns.push(Column {
                    position,
                    field: index.field.clone(),
                    kind: index.kind,
                });
            }
        }
    }
    for field in &collection.full_text {
        if !new.full_text.contains(field) {
            new.full_text.push(field.clone());
        }
    }
    if new.columns.len() > INDEXES_MAX || new.full_text.len() > FULL_TEXT_FIELDS_MAX {
        let reason = format!(
            "with those defined before it would have {} indexes and {} full-text fields, \
             at most {INDEXES_MAX} and {FULL_TEXT_FIELDS_MAX}",
            new.columns.len(),
            new.full_text.len()
        );
        return Err(Error::Definition {
            collection: collection.name.clone(),
            reason,
        });
    }
    Ok(new)
}

fn add_columns(connection: &Connection, layout: &Layout, added: &[Column]) -> Result<(), Failure> {
    let insert = "INSERT INTO fields (collection, position, field, kind) VALUES (?1, ?2, ?3, ?4)";
    for column in added {
        connection.execute_batch(&format!(
            "ALTER TABLE {} ADD COLUMN {} {}",
            layout.documents(),
            column.name(),
            column.sql_type()
        ))?;
        let kind = kind_word(column.kind);
        connection.execute(
            insert,
            params![layout.number, column.position, column.field, kind],
        )?;
    }
    Ok(())
}

/// An empty search table: it keeps the index only, the text is in the documents.
fn renew_search_table(connection: &Connection, layout: &Layout) -> Result<(), Failure> {
    let fields = serde_json::Value::from(layout.full_text.clone()).to_string();
    let update = "UPDATE collections SET full_text = ?2 WHERE number = ?1";
    connection.execute(update, params![layout.number, fields])?;
    let search = layout.search();
    connection.execute_batch(&format!(
        "DROP TABLE IF EXISTS {search};
         CREATE VIRTUAL TABLE {search} USING fts5(
             text, content = '', contentless_delete = 1, tokenize = 'unicode61'
         );"
    ))?;
    Ok(())
}

fn backfill(
    connection: &Connection,
    layout: &Layout,
    added: &[Column],
    search_changes: bool,
) -> Result<(), Failure> {
    let mut last = 0;
    loop {
        let rows = rows_after(connection, layout, last)?;
        let Some((seq, _)) = rows.last() else {
            return Ok(());
        };
        last = *seq;
        for (seq, document) in &rows {
            fill_columns(connection, layout, added, *seq, document)?;
            if search_changes {
                put_searched_text(connection, layout, *seq, &document.id, &document.body)?;
            }
        }
    }
}

fn rows_after(
    connection: &Connection,
    layout: &Layout,
    last: i64,
) -> Result<Vec<(i64, Document)>, Failure> {
    let select = format!(
        "SELECT seq, id, body, crc FROM {} WHERE seq > ?1 ORDER BY seq LIMIT {BACKFILL_ROWS}",
        layout.documents()
    );
    let mut statement = connection.prepare_cached(&select)?;
    let mut rows = statement.query([last])?;
    let mut documents = Vec::new();
    while let Some(row) = rows.next()? {
        let json: String = row.get(2)?;
        let document = restore(&layout.collection, row.get(1)?, &json, row.get(3)?)?;
        documents.push((row.get(0)?, document));
    }
    Ok(documents)
}

fn fill_columns(
    connection: &Connection,
    layout: &Layout,
    added: &[Column],
    seq: i64,
    document: &Document,
) -> Result<(), Failure> {
    for column in added {
        let Some(value) = column_value(&document.id, &document.body, column)? else {
            continue;
        };
        let update = format!(
            "UPDATE {} SET {} = ?2 WHERE seq = ?1",
            layout.documents(),
            column.name()
        );
        connection
            .prepare_cached(&update)?
            .execute([&seq as &dyn ToSql, &value])?;
    }
    Ok(())
}
