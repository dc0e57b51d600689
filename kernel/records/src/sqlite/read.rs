//! Finding, paging and counting, on a connection that only reads.

use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::document::restore;
use super::failure::Failure;
use super::layout::{Column, Layout};
use super::selection::Selection;
use crate::cursor::{self, Place};
use crate::limits::PAGE_DOCUMENTS_MAX;
use crate::scalar::Scalar;
use crate::{Document, Error, FieldKind, Page, Query};

/// Bytes of bodies in a page; a page that reaches it ends early and says where the next begins.
const PAGE_BYTES_MAX: usize = 16 << 20;

/// The document under an id.
pub(super) fn find(
    connection: &Connection,
    layout: &Layout,
    id: &str,
) -> Result<Option<Document>, Failure> {
    let select = format!("SELECT body, crc FROM {} WHERE id = ?1", layout.documents());
    let row: Option<(String, u32)> = connection
        .prepare_cached(&select)?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    row.map(|(json, crc)| restore(&layout.collection, id.to_owned(), &json, crc))
        .transpose()
}

/// How many documents a query selects; its order, limit and cursor do not matter.
pub(super) fn count(
    connection: &Connection,
    layout: &Layout,
    query: &Query,
) -> Result<u64, Failure> {
    let selection = Selection::new(layout, &query.conditions, query.text.as_deref())?;
    let select = format!(
        "SELECT count(*) FROM {} WHERE {}",
        layout.documents(),
        selection.filter()
    );
    let count: i64 = connection
        .prepare_cached(&select)?
        .query_row(params_from_iter(selection.values()), |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// One page of what a query selects.
pub(super) fn page(
    connection: &Connection,
    layout: &Layout,
    query: &Query,
) -> Result<Page, Failure> {
    if !(1..=PAGE_DOCUMENTS_MAX).contains(&query.limit) {
        let reason = format!("limit {} is not 1 to {PAGE_DOCUMENTS_MAX}", query.limit);
        return Err(Error::Query { reason }.into());
    }
    let ordering = Ordering::new(layout, query)?;
    let stretches = ordering.stretches(after(layout, query, &ordering)?);
    // One transaction: a write between two stretches must not lose or repeat a document.
    let transaction = connection.unchecked_transaction()?;
    let mut reading = Reading {
        layout,
        limit: query.limit,
        rows: Vec::new(),
        bytes: 0,
        more: false,
    };
    for (clause, values) in stretches {
        let mut selection = Selection::new(layout, &query.conditions, query.text.as_deref())?;
        selection.and(&clause, values);
        reading.read(&transaction, &ordering, &selection)?;
        if reading.more {
            break;
        }
    }
    transaction.finish()?;
    Ok(reading.page(query))
}

fn after(layout: &Layout, query: &Query, ordering: &Ordering) -> Result<Option<Place>, Error> {
    let kind = ordering.column.map(|column| column.kind);
    let decode = |cursor| cursor::decode(&layout.collection, query, kind, cursor);
    query.after.as_ref().map(decode).transpose()
}

/// The order of a page: by a column, where documents without a value count as least, then by id.
pub(super) struct Ordering<'l> {
    column: Option<&'l Column>,
    descending: bool,
}

impl<'l> Ordering<'l> {
    pub(super) fn new(layout: &'l Layout, query: &Query) -> Result<Self, Error> {
        let Some(order) = &query.order else {
            return Ok(Self {
                column: None,
                descending: false,
            });
        };
        let column = order
            .field
            .as_deref()
            .map(|field| layout.column(field))
            .transpose()?;
        Ok(Self {
            column,
            descending: order.descending,
        })
    }

    fn sql(&self) -> String {
        let direction = if self.descending { "DESC" } else { "ASC" };
        match self.column {
            Some(column) => format!("{} {direction}, id {direction}", column.name()),
            None => format!("id {direction}"),
        }
    }

    /// The clauses that select, one after the other, what follows a place. They are kept apart where
    /// the place has no value or what follows has none, since one clause joined by `OR` could not
    /// use the index.
    pub(super) fn stretches(&self, place: Option<Place>) -> Vec<(String, Vec<Scalar>)> {
        let Some(place) = place else {
            return vec![("TRUE".to_owned(), vec![])];
        };
        let beyond = if self.descending { "<" } else { ">" };
        let id = Scalar::Text(place.id);
        let Some(column) = self.column.map(Column::name) else {
            return vec![(format!("id {beyond} ?"), vec![id])];
        };
        let same = match place.value {
            Some(value) => (format!("({column}, id) {beyond} (?, ?)"), vec![value, id]),
            None => {
                let rest = (format!("{column} IS NULL AND id {beyond} ?"), vec![id]);
                let valued = (format!("{column} IS NOT NULL"), vec![]);
                return if self.descending {
                    vec![rest]
                } else {
                    vec![rest, valued]
                };
            }
        };
        let absent = (format!("{column} IS NULL"), vec![]);
        if self.descending {
            vec![same, absent]
        } else {
            vec![same]
        }
    }
}

/// A page being read.
struct Reading<'l> {
    layout: &'l Layout,
    limit: usize,
    rows: Vec<(Document, Option<Scalar>)>,
    bytes: usize,
    more: bool,
}

impl Reading<'_> {
    fn read(
        &mut self,
        connection: &Connection,
        ordering: &Ordering<'_>,
        selection: &Selection,
    ) -> Result<(), Failure> {
        let select = select_sql(self.layout, ordering, selection);
        let mut statement = connection.prepare_cached(&select)?;
        let mut rows = statement.query(params_from_iter(selection.values()))?;
        while let Some(row) = rows.next()? {
            if self.rows.len() == self.limit || self.bytes >= PAGE_BYTES_MAX {
                self.more = true;
                return Ok(());
            }
            let json = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            self.bytes += json.len();
            let document = restore(&self.layout.collection, row.get(0)?, json, row.get(2)?)?;
            self.rows
                .push((document, sort_value(row, ordering.column)?));
        }
        Ok(())
    }

    fn page(self, query: &Query) -> Page {
        let next = match self.rows.last() {
            Some((document, value)) if self.more => {
                let place = Place {
                    value: value.clone(),
                    id: document.id.clone(),
                };
                Some(cursor::encode(&self.layout.collection, query, place))
            }
            _ => None,
        };
        Page {
            documents: self
                .rows
                .into_iter()
                .map(|(document, _)| document)
                .collect(),
            next,
        }
    }
}

pub(super) fn select_sql(
    layout: &Layout,
    ordering: &Ordering<'_>,
    selection: &Selection,
) -> String {
    let column = ordering.column.map_or("NULL".to_owned(), Column::name);
    format!(
        "SELECT id, body, crc, {column} FROM {} WHERE {} ORDER BY {} LIMIT {}",
        layout.documents(),
        selection.filter(),
        ordering.sql(),
        PAGE_DOCUMENTS_MAX + 1,
    )
}

fn sort_value(row: &Row<'_>, column: Option<&Column>) -> rusqlite::Result<Option<Scalar>> {
    let Some(column) = column else {
        return Ok(None);
    };
    Ok(match column.kind {
        FieldKind::Text => row.get::<_, Option<String>>(3)?.map(Scalar::Text),
        FieldKind::Integer => row.get::<_, Option<i64>>(3)?.map(Scalar::Integer),
        FieldKind::Real => row.get::<_, Option<f64>>(3)?.map(Scalar::real),
        FieldKind::Boolean => row.get::<_, Option<bool>>(3)?.map(Scalar::Boolean),
    })
}

/// How many collections the file holds: the smallest read that touches it.
pub(super) fn catalog_size(connection: &Connection) -> Result<i64, Failure> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM collections")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}
