//! Which series of the head carry which label.

mod postings;
mod resolve;
#[cfg(test)]
mod tests;

use hashbrown::HashMap;
use roaring::RoaringBitmap;

use crate::{Labels, METRIC_NAME};
use postings::Postings;

/// For each label's name its values, for each value the slots of its series.
#[derive(Debug, Default)]
pub(crate) struct Index {
    labels: HashMap<String, Values>,
    all: RoaringBitmap,
}

#[derive(Debug, Default)]
struct Values {
    by_value: HashMap<String, Postings>,
    /// The slots of every value.
    any: RoaringBitmap,
}

impl Index {
    /// Bitmaps take slots by `insert` here, although they mostly come in ascending order: a `push` looks for the
    /// greatest of a dense one through all of its words, which was a third of a restart.
    pub(crate) fn insert(&mut self, slot: u32, labels: &Labels) {
        self.all.insert(slot);
        for (name, value) in labels.iter() {
            let values = self.labels.entry_ref(name).or_default();
            values.any.insert(slot);
            values.by_value.entry_ref(value).or_default().insert(slot);
        }
    }

    pub(crate) fn remove(&mut self, slot: u32, labels: &Labels) {
        self.all.remove(slot);
        for (name, value) in labels.iter() {
            let Some(values) = self.labels.get_mut(name) else {
                continue;
            };
            values.any.remove(slot);
            if let Some(postings) = values.by_value.get_mut(value) {
                postings.remove(slot);
                if postings.is_empty() {
                    values.by_value.remove(value);
                }
            }
            if values.any.is_empty() {
                self.labels.remove(name);
            }
        }
    }

    /// The names of all labels, in no order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.labels.keys().map(|name| &**name)
    }

    /// The values of a label, in no order.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.labels.get(name).into_iter();
        values.flat_map(|values| values.by_value.keys().map(|value| &**value))
    }

    /// How many values a label has.
    pub(crate) fn values_of(&self, name: &str) -> usize {
        self.labels
            .get(name)
            .map_or(0, |values| values.by_value.len())
    }

    /// How many series have a label with this value.
    pub(crate) fn series_with(&self, name: &str, value: &str) -> usize {
        let values = self.labels.get(name);
        let postings = values.and_then(|values| values.by_value.get(value));
        postings.map_or(0, Postings::len)
    }

    /// The metric with the most series, and how many; the first by name of several.
    pub(crate) fn largest_metric(&self) -> (String, usize) {
        let metrics = self.labels.get(METRIC_NAME).into_iter();
        let sizes = metrics.flat_map(|values| &values.by_value);
        largest(sizes.map(|(name, postings)| (&**name, postings.len())))
    }

    /// The label with the most values, and how many; the first by name of several.
    pub(crate) fn largest_label(&self) -> (String, usize) {
        let sizes = self.labels.iter();
        largest(sizes.map(|(name, values)| (&**name, values.by_value.len())))
    }

    /// How many values each label has, and how many series each metric, for a list of the largest.
    pub(crate) fn label_sizes(&self) -> impl Iterator<Item = (&str, usize)> {
        let labels = self.labels.iter();
        labels.map(|(name, values)| (&**name, values.by_value.len()))
    }

    /// How many series each value of a label has.
    pub(crate) fn value_sizes(&self, name: &str) -> impl Iterator<Item = (&str, usize)> {
        let values = self.labels.get(name).into_iter();
        values.flat_map(|values| {
            let by_value = values.by_value.iter();
            by_value.map(|(value, postings)| (&**value, postings.len()))
        })
    }
}

fn largest<'a>(sizes: impl Iterator<Item = (&'a str, usize)>) -> (String, usize) {
    let by_size = |a: &(&str, usize), b: &(&str, usize)| a.1.cmp(&b.1).then(b.0.cmp(a.0));
    let (name, size) = sizes.max_by(by_size).unwrap_or_default();
    (name.to_owned(), size)
}
