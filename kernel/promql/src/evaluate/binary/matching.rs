//! Which series of two sides belong together.

use std::collections::HashMap;

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
        let mut builder = labels.to_builder();
        builder.keep(|name| self.counts(name));
        builder.build()
    }

    /// The labels of a result: those of the side that may be many, and what is included of the other.
    pub(super) fn result(&self, many: &Labels, one: &Labels, renames: bool) -> Labels {
        let mut builder = many.to_builder();
        if renames {
            builder.keep(|name| !is_metadata(name));
        }
        if self.cardinality == Cardinality::OneToOne {
            let listed = |name: &str| self.labels.iter().any(|label| label == name);
            builder.keep(|name| listed(name) == self.on);
        }
        for name in &self.include {
            builder.set(name, one.get(name).unwrap_or(""));
        }
        builder.build()
    }
}
