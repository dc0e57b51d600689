//! Names, values and postings of the series that are written.

use std::collections::HashMap;

use super::super::dictionary;
use super::super::postings::PostingsBuilder;
use crate::chunk::put_varint;
use crate::{Error, Labels};

/// Ids are given as labels come; sorting waits until all are there.
#[derive(Debug, Default)]
pub(super) struct LabelTable {
    names: Vec<Name>,
    name_ids: HashMap<Box<str>, u32>,
    /// Name and value of each label of each series, one series after another.
    pairs: Vec<(u32, u32)>,
    pair_ends: Vec<usize>,
}

#[derive(Debug)]
struct Name {
    text: Box<str>,
    value_ids: HashMap<Box<str>, u32>,
    postings: Vec<PostingsBuilder>,
}

/// Sections names, values, postings, offsets and series.
type Tables = [Vec<u8>; 5];

impl LabelTable {
    /// Adds the labels of the next series.
    pub(super) fn add(&mut self, labels: &Labels) {
        let series = self.pair_ends.len() as u32;
        for (name, value) in labels.iter() {
            let name_id = self.name_id(name);
            let value_id = self.names[name_id as usize].value_id(value);
            self.names[name_id as usize].postings[value_id as usize].push(series);
            self.pairs.push((name_id, value_id));
        }
        self.pair_ends.push(self.pairs.len());
    }

    fn name_id(&mut self, text: &str) -> u32 {
        if let Some(id) = self.name_ids.get(text) {
            return *id;
        }
        let id = self.names.len() as u32;
        self.name_ids.insert(Box::from(text), id);
        self.names.push(Name {
            text: Box::from(text),
            value_ids: HashMap::new(),
            postings: Vec::new(),
        });
        id
    }

    /// The sections; `pages` has the pages of each series up to its entry in `page_ends`.
    pub(super) fn encode(&self, pages: &[u8], page_ends: &[u64]) -> Result<Tables, Error> {
        let mut by_text: Vec<usize> = (0..self.names.len()).collect();
        by_text.sort_unstable_by_key(|id| &self.names[*id].text);
        let (mut names, mut values, mut postings) = (Vec::new(), Vec::new(), Vec::new());
        put_varint(&mut names, self.names.len() as u64);
        let mut name_places = vec![0; self.names.len()];
        let mut value_places = vec![Vec::new(); self.names.len()];
        for (place, id) in by_text.into_iter().enumerate() {
            let name = &self.names[id];
            name_places[id] = place as u64;
            put_varint(&mut names, name.text.len() as u64);
            names.extend_from_slice(name.text.as_bytes());
            put_varint(&mut names, name.postings.len() as u64);
            put_varint(&mut names, values.len() as u64);
            value_places[id] = name.encode(&mut values, &mut postings)?;
        }
        let (mut offsets, mut series) = (Vec::new(), Vec::new());
        let (mut pair_begin, mut page_begin) = (0, 0);
        for (pair_end, page_end) in self.pair_ends.iter().zip(page_ends) {
            offsets.extend_from_slice(&small(series.len())?.to_le_bytes());
            let pairs = &self.pairs[pair_begin..*pair_end];
            put_varint(&mut series, pairs.len() as u64);
            for (name, value) in pairs {
                let values = &value_places[*name as usize];
                put_varint(&mut series, name_places[*name as usize]);
                put_varint(&mut series, u64::from(values[*value as usize]));
            }
            series.extend_from_slice(&pages[page_begin..*page_end as usize]);
            (pair_begin, page_begin) = (*pair_end, *page_end as usize);
        }
        Ok([names, values, postings, offsets, series])
    }
}

impl Name {
    fn value_id(&mut self, text: &str) -> u32 {
        if let Some(id) = self.value_ids.get(text) {
            return *id;
        }
        let id = self.postings.len() as u32;
        self.value_ids.insert(Box::from(text), id);
        self.postings.push(PostingsBuilder::default());
        id
    }

    /// Appends dictionary and postings, and says at which place each value is.
    fn encode(&self, values: &mut Vec<u8>, postings: &mut Vec<u8>) -> Result<Vec<u32>, Error> {
        let mut sorted: Vec<(&str, u32)> = self
            .value_ids
            .iter()
            .map(|(text, id)| (&**text, *id))
            .collect();
        sorted.sort_unstable();
        let begin = small(postings.len())?;
        let mut places = vec![0; sorted.len()];
        let mut ends = Vec::with_capacity(sorted.len());
        for (place, (_, id)) in sorted.iter().enumerate() {
            places[*id as usize] = place as u32;
            postings.extend_from_slice(self.postings[*id as usize].as_bytes());
            ends.push(small(postings.len())?);
        }
        let texts: Vec<&str> = sorted.iter().map(|(text, _)| *text).collect();
        dictionary::put(values, &texts, begin, &ends);
        Ok(places)
    }
}

fn small(length: usize) -> Result<u32, Error> {
    u32::try_from(length).map_err(|_| Error::BlockTooLarge { what: "a section" })
}
