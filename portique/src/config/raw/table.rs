//! Lists of tables, such as the classes of telemetry.

use std::collections::BTreeMap;

use toml::de::{DeArray, DeTable, DeValue};

use super::super::key::{TableKey, TableKind};
use super::super::problem::Place;
use super::{Reader, Written, number};

/// One table of a list: its keys are known, their values are of the right kind and unchecked
/// otherwise.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RawTable {
    pub(crate) place: Place,
    texts: BTreeMap<&'static str, Vec<Written<String>>>,
    numbers: BTreeMap<&'static str, Written<f64>>,
    lists: BTreeMap<&'static str, Vec<List>>,
    tables: BTreeMap<&'static str, Vec<RawTable>>,
}

/// A key of one's own, with its texts.
pub(crate) type List = (Written<String>, Vec<Written<String>>);

impl RawTable {
    /// The texts of a key, in their order; none when it is absent.
    pub(crate) fn texts(&self, key: &str) -> &[Written<String>] {
        self.texts.get(key).map_or(&[], Vec::as_slice)
    }

    /// The number of a key.
    pub(crate) fn number(&self, key: &str) -> Option<&Written<f64>> {
        self.numbers.get(key)
    }

    /// The lists of a key, in the order of their own keys.
    pub(crate) fn lists(&self, key: &str) -> &[List] {
        self.lists.get(key).map_or(&[], Vec::as_slice)
    }

    /// The tables of a key.
    pub(crate) fn tables(&self, key: &str) -> &[RawTable] {
        self.tables.get(key).map_or(&[], Vec::as_slice)
    }
}

impl Reader<'_> {
    pub(super) fn tables(
        &mut self,
        key: &str,
        keys: &'static [TableKey],
        items: &DeArray<'_>,
    ) -> Vec<RawTable> {
        let mut tables = Vec::new();
        for item in items {
            let offset = item.span().start;
            match item.get_ref() {
                DeValue::Table(table) => tables.push(self.one(key, keys, table, offset)),
                other => self.refuse_kind(key, other.type_str(), "a list of tables", offset),
            }
        }
        tables
    }

    fn one(
        &mut self,
        key: &str,
        keys: &'static [TableKey],
        table: &DeTable<'_>,
        offset: usize,
    ) -> RawTable {
        let mut raw = RawTable {
            place: self.place(offset),
            texts: BTreeMap::new(),
            numbers: BTreeMap::new(),
            lists: BTreeMap::new(),
            tables: BTreeMap::new(),
        };
        for (name, value) in table {
            let offset = name.span().start;
            let inner = format!("{key}.{}", name.get_ref());
            match keys
                .iter()
                .find(|known| known.name == name.get_ref().as_ref())
            {
                Some(known) => self.entry(&mut raw, *known, &inner, value.get_ref(), offset),
                None => {
                    let names: Vec<&str> = keys.iter().map(|known| known.name).collect();
                    let remedy = format!("the keys of {key} are {}", names.join(", "));
                    self.refuse(offset, format!("unknown key {inner:?}"), remedy);
                }
            }
        }
        raw
    }

    fn entry(
        &mut self,
        raw: &mut RawTable,
        known: TableKey,
        key: &str,
        value: &DeValue<'_>,
        offset: usize,
    ) {
        let place = self.place(offset);
        match (known.kind, value) {
            (TableKind::Text, DeValue::String(text)) => {
                let value = text.to_string();
                raw.texts.insert(known.name, vec![Written { value, place }]);
            }
            (TableKind::Texts, DeValue::Array(items)) => {
                let texts = self.texts(key, items, offset);
                raw.texts.insert(known.name, texts);
            }
            (TableKind::Lists, DeValue::Table(table)) => {
                let lists = self.lists(key, table);
                raw.lists.insert(known.name, lists);
            }
            (TableKind::Number, DeValue::Integer(_) | DeValue::Float(_)) => match number(value) {
                Some(value) => {
                    raw.numbers.insert(known.name, Written { value, place });
                }
                None => self.refuse_kind(key, "unreadable number", "a decimal number", offset),
            },
            (TableKind::Tables(keys), DeValue::Array(items)) => {
                let tables = self.tables(key, keys, items);
                raw.tables.insert(known.name, tables);
            }
            (kind, value) => {
                let expected = match kind {
                    TableKind::Text => "a text in quotes",
                    TableKind::Texts => "a list of texts in quotes",
                    TableKind::Number => "a decimal number",
                    TableKind::Lists => "a table of lists of texts in quotes",
                    TableKind::Tables(_) => "a list of tables",
                };
                self.refuse_kind(key, value.type_str(), expected, offset);
            }
        }
    }

    fn texts(&mut self, key: &str, items: &DeArray<'_>, offset: usize) -> Vec<Written<String>> {
        let mut texts = Vec::new();
        for item in items {
            let place = self.place(item.span().start);
            match item.get_ref() {
                DeValue::String(text) => {
                    let value = text.to_string();
                    texts.push(Written { value, place });
                }
                other => self.refuse_kind(key, other.type_str(), "texts in quotes", offset),
            }
        }
        texts
    }

    fn lists(&mut self, key: &str, table: &DeTable<'_>) -> Vec<List> {
        let mut lists = Vec::new();
        for (name, value) in table {
            let offset = name.span().start;
            let inner = format!("{key}.{}", name.get_ref());
            let name = Written {
                value: name.get_ref().to_string(),
                place: self.place(offset),
            };
            match value.get_ref() {
                DeValue::Array(items) => {
                    let texts = self.texts(&inner, items, offset);
                    lists.push((name, texts));
                }
                other => {
                    let expected = "a list of texts in quotes";
                    self.refuse_kind(&inner, other.type_str(), expected, offset);
                }
            }
        }
        lists
    }
}
