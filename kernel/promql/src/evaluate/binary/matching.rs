//! Which series of two sides belong together.

use hashbrown::HashMap;

use portique_series::{Labels, METRIC_NAME};

use crate::column::SeriesColumn;
use crate::evaluate::labels::{is_metadata, signature};
use crate::syntax::{Cardinality, VectorMatching};

/// Numbers series by the labels that count, the same number for the same labels on both sides.
#[derive(Debug, Default)]
pub(super) struct Signatures {
    numbers: HashMap<Vec<u8>, usize>,
    buffer: Vec<u8>,
}

impl Signatures {
    /// The number of each series.
    pub(super) fn of(&mut self, matching: &VectorMatching, series: &[SeriesColumn]) -> Vec<usize> {
        let numbers = series
            .iter()
            .map(|series| self.number(matching, &series.labels));
        numbers.collect()
    }

    /// How many numbers there are.
    pub(super) fn count(&self) -> usize {
        self.numbers.len()
    }

    fn number(&mut self, matching: &VectorMatching, labels: &Labels) -> usize {
        signature(labels, |name| matching.counts(name), &mut self.buffer);
        if let Some(number) = self.numbers.get(&self.buffer) {
            return *number;
        }
        let number = self.numbers.len();
        self.numbers.insert(self.buffer.clone(), number);
        number
    }
}

impl VectorMatching {
    /// Whether a label has to be equal on both sides.
    fn counts(&self, name: &str) -> bool {
        let listed = self.labels.iter().any(|label| label == name);
        match self.on {
            true => listed,
            false => !listed && name != METRIC_NAME,
        }
    }

    /// The labels that have to be equal on both sides.
    pub(super) fn matched(&self, labels: &Labels) -> Labels {
        labels.only(|name| self.counts(name))
    }

    /// The labels of a result: those of the side that may be many, and what is included of the other.
    pub(super) fn result(&self, many: &Labels, one: &Labels, renames: bool) -> Labels {
        let one_to_one = self.cardinality == Cardinality::OneToOne;
        let listed = |name: &str| self.labels.iter().any(|label| label == name);
        let kept = many.only(|name| {
            !(renames && is_metadata(name)) && (!one_to_one || listed(name) == self.on)
        });
        if self.include.is_empty() {
            return kept;
        }
        let mut builder = kept.to_builder();
        for name in &self.include {
            builder.set(name, one.get(name).unwrap_or(""));
        }
        builder.build()
    }
}
