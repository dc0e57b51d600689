//! Labels of series, names and values.

use std::collections::BTreeSet;

use super::super::contents::SectionKind;
use super::{Block, Name};
use crate::labels::pack;
use crate::{Error, Labels};

/// Decodes labels of series that are near each other: their values are mostly those of the last series.
#[derive(Debug, Default)]
pub(super) struct LabelReader {
    ids: Vec<(usize, usize)>,
    /// Of each name, the value that was decoded last.
    last: Vec<Option<(usize, String)>>,
    packed: String,
    buffer: Vec<u8>,
}

impl LabelReader {
    pub(super) fn read(&mut self, block: &Block, id: u32) -> Result<Labels, Error> {
        self.ids.clear();
        self.packed.clear();
        self.last.resize(block.names.len(), None);
        block.entry(id, |name, value| self.ids.push((name, value)))?;
        for (name, value) in &self.ids {
            pack(&mut self.packed, &block.names[*name].text);
            let last = &mut self.last[*name];
            if last.as_ref().is_none_or(|(id, _)| id != value) {
                let text = block.value(&block.names[*name], *value, &mut self.buffer)?;
                *last = Some((*value, text));
            }
            pack(&mut self.packed, last.as_ref().map_or("", |(_, text)| text));
        }
        Ok(Labels::from_packed(&self.packed))
    }
}

impl Block {
    /// The labels of a series.
    ///
    /// # Errors
    /// [`Error::DamagedFile`] when its index makes no sense.
    ///
    /// # Panics
    /// When there is no such series.
    pub fn labels(&self, id: u32) -> Result<Labels, Error> {
        LabelReader::default().read(self, id)
    }

    /// The labels of several series; quickest when the ids ascend.
    ///
    /// # Errors
    /// [`Error::DamagedFile`] when its index makes no sense.
    ///
    /// # Panics
    /// When there is no such series.
    pub fn labels_of(&self, ids: &[u32]) -> Result<Vec<Labels>, Error> {
        let mut reader = LabelReader::default();
        ids.iter().map(|id| reader.read(self, *id)).collect()
    }

    /// Adds the names of all labels; of these series only, when some are given.
    ///
    /// # Errors
    /// [`Error::DamagedFile`] when its index makes no sense.
    pub fn label_names(
        &self,
        of: Option<&[u32]>,
        into: &mut BTreeSet<String>,
    ) -> Result<(), Error> {
        let Some(ids) = of else {
            into.extend(self.names.iter().map(|name| name.text.clone()));
            return Ok(());
        };
        let mut used = vec![false; self.names.len()];
        for id in ids {
            self.entry(*id, |name, _| used[name] = true)?;
        }
        let used = self.names.iter().zip(used).filter(|(_, used)| *used);
        into.extend(used.map(|(name, _)| name.text.clone()));
        Ok(())
    }

    /// Adds the values that a label has; in these series only, when some are given.
    ///
    /// # Errors
    /// [`Error::DamagedFile`] when its index makes no sense.
    pub fn label_values(
        &self,
        name: &str,
        of: Option<&[u32]>,
        into: &mut BTreeSet<String>,
    ) -> Result<(), Error> {
        let Some((wanted, name)) = self.name(name) else {
            return Ok(());
        };
        let dictionary = self.dictionary(name)?;
        let Some(ids) = of else {
            return dictionary
                .for_each(|_, value| {
                    into.insert(value.to_owned());
                })
                .map_err(|reason| self.damaged_in(SectionKind::Values, name.at, reason));
        };
        let mut values = BTreeSet::new();
        for id in ids {
            self.entry(*id, |name, value| {
                if name == wanted {
                    values.insert(value);
                }
            })?;
        }
        let mut buffer = Vec::new();
        for value in values {
            into.insert(self.value(name, value, &mut buffer)?);
        }
        Ok(())
    }

    pub(super) fn name(&self, text: &str) -> Option<(usize, &Name)> {
        let place = self
            .names
            .binary_search_by(|name| name.text.as_str().cmp(text))
            .ok()?;
        Some((place, &self.names[place]))
    }

    pub(super) fn value(
        &self,
        name: &Name,
        id: usize,
        buffer: &mut Vec<u8>,
    ) -> Result<String, Error> {
        let value = self.dictionary(name)?.value(id, buffer).map(str::to_owned);
        value.map_err(|reason| self.damaged_in(SectionKind::Values, name.at, reason))
    }
}
