//! Inserts and removals, inside the savepoint that makes each call all or nothing.

use rusqlite::{Connection, ToSql, params_from_iter};
use serde_json::Value;

use super::document::{Rendered, checksum, column_value, searched_text};
use super::failure::Failure;
use super::layout::Layout;
use super::selection::Selection;
use crate::{Condition, Error, OnConflict};

/// Writes the documents in order; returns how many were new or replaced.
pub(super) fn insert(
    connection: &Connection,
    layout: &Layout,
    documents: &[Rendered],
    on_conflict: OnConflict,
) -> Result<u64, Failure> {
    let insert = insert_sql(layout);
    let mut written = 0;
    for document in documents {
        let mut seq = insert_row(connection, layout, &insert, document)?;
        if seq.is_none() {
            match on_conflict {
                OnConflict::Keep => continue,
                OnConflict::Fail => {
                    let (collection, id) = (layout.collection.clone(), document.id.clone());
                    return Err(Error::Exists { collection, id }.into());
                }
                OnConflict::Replace => {
                    remove_row(connection, layout, &document.id)?;
                    seq = insert_row(connection, layout, &insert, document)?;
                }
            }
        }
        let seq = seq.expect("a row whose id was just removed does not conflict");
        put_searched_text(connection, layout, seq, &document.id, &document.body)?;
        written += 1;
    }
    Ok(written)
}

/// Removes the documents that all conditions select.
pub(super) fn remove(
    connection: &Connection,
    layout: &Layout,
    conditions: &[Condition],
) -> Result<u64, Failure> {
    let selection = Selection::new(layout, conditions, None)?;
    let (documents, search, filter) = (layout.documents(), layout.search(), selection.filter());
    if !layout.full_text.is_empty() {
        let delete = format!(
            "DELETE FROM {search} WHERE rowid IN (SELECT seq FROM {documents} WHERE {filter})"
        );
        connection
            .prepare_cached(&delete)?
            .execute(params_from_iter(selection.values()))?;
    }
    let delete = format!("DELETE FROM {documents} WHERE {filter}");
    let removed = connection
        .prepare_cached(&delete)?
        .execute(params_from_iter(selection.values()))?;
    Ok(removed as u64)
}

/// Makes the search table hold the text of a document that was not in it.
pub(super) fn put_searched_text(
    connection: &Connection,
    layout: &Layout,
    seq: i64,
    id: &str,
    body: &Value,
) -> Result<(), Failure> {
    let Some(text) = searched_text(id, body, layout)? else {
        return Ok(());
    };
    let insert = format!(
        "INSERT INTO {} (rowid, text) VALUES (?1, ?2)",
        layout.search()
    );
    connection
        .prepare_cached(&insert)?
        .execute([&seq as &dyn ToSql, &text])?;
    Ok(())
}

fn insert_sql(layout: &Layout) -> String {
    let columns: String = layout
        .columns
        .iter()
        .map(|column| format!(", {}", column.name()))
        .collect();
    let places = ", ?".repeat(layout.columns.len());
    format!(
        "INSERT INTO {} (id, body, crc{columns}) VALUES (?, ?, ?{places}) \
         ON CONFLICT (id) DO NOTHING",
        layout.documents()
    )
}

/// The new row's `seq`, or `None` when the id is there already.
fn insert_row(
    connection: &Connection,
    layout: &Layout,
    insert: &str,
    document: &Rendered,
) -> Result<Option<i64>, Failure> {
    let crc = checksum(&document.id, &document.json);
    let mut indexed = Vec::with_capacity(layout.columns.len());
    for column in &layout.columns {
        indexed.push(column_value(&document.id, &document.body, column)?);
    }
    let fixed: [&dyn ToSql; 3] = [&document.id, &document.json, &crc];
    let values = fixed
        .into_iter()
        .chain(indexed.iter().map(|value| value as &dyn ToSql));
    let inserted = connection
        .prepare_cached(insert)?
        .execute(params_from_iter(values))?;
    Ok((inserted == 1).then(|| connection.last_insert_rowid()))
}

fn remove_row(connection: &Connection, layout: &Layout, id: &str) -> Result<(), Failure> {
    let delete = format!(
        "DELETE FROM {} WHERE id = ?1 RETURNING seq",
        layout.documents()
    );
    let seq: i64 = connection
        .prepare_cached(&delete)?
        .query_row([id], |row| row.get(0))?;
    if !layout.full_text.is_empty() {
        let delete = format!("DELETE FROM {} WHERE rowid = ?1", layout.search());
        connection.prepare_cached(&delete)?.execute([seq])?;
    }
    Ok(())
}
